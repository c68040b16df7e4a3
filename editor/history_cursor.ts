/** A walk through what was typed before. A value: each step gives another one. */
export interface HistoryCursor {
  /** Where in the entries; one behind the last is the draft. */
  readonly at: number;
  /** What was being written when the walk began. */
  readonly draft: string;
}

/** One entry back (-1) or on (1); `undefined` where there is none. */
export function stepHistory(
  walk: HistoryCursor | undefined,
  direction: -1 | 1,
  entries: readonly string[],
  draft: string,
): { readonly walk: HistoryCursor | undefined; readonly text: string } | undefined {
  const from = walk ?? { at: entries.length, draft };
  const at = Math.min(from.at, entries.length) + direction;
  if (at < 0 || at > entries.length) return undefined;
  const text = entries[at];
  // Behind the last entry, the draft comes back.
  if (text === undefined) return { walk: undefined, text: from.draft };
  return { walk: { ...from, at }, text };
}

/** An incremental search backwards: Ctrl-R. A value. */
export interface HistorySearch {
  readonly query: string;
  /** The entry found, or one behind the last when there is none yet. */
  readonly at: number;
  /** Whether the query is nowhere further back. */
  readonly failed: boolean;
}

/** A search that has not begun. */
export function startSearch(entries: readonly string[]): HistorySearch {
  return { query: "", at: entries.length, failed: false };
}

/** Looks for another query, from the entry found on. */
export function searchFor(
  search: HistorySearch,
  query: string,
  entries: readonly string[],
): HistorySearch {
  // A shorter query may be found again in newer entries.
  const from = query.startsWith(search.query) ? search.at : entries.length - 1;
  return find(search, query, from, entries);
}

/** Looks further back: Ctrl-R again. */
export function searchOn(search: HistorySearch, entries: readonly string[]): HistorySearch {
  if (search.query === "") return search;
  const current = entries[search.at];
  let from = search.at - 1;
  while (from >= 0 && entries[from] === current) from--;
  return find(search, search.query, from, entries);
}

function find(
  search: HistorySearch,
  query: string,
  from: number,
  entries: readonly string[],
): HistorySearch {
  if (query === "") return { query, at: entries.length, failed: false };
  const wanted = query.toLowerCase();
  for (let at = Math.min(from, entries.length - 1); at >= 0; at--) {
    if (entries[at]?.toLowerCase().includes(wanted)) return { query, at, failed: false };
  }
  return { ...search, query, failed: true };
}

/** A position in the history while the user steps through it. A value. */
export interface HistoryCursor {
  /** The index of the entry; the one after the last is the draft. */
  readonly index: number;
  /** The draft when the user left it for the history. */
  readonly draft: string;
}

/** The entry before (-1) or after (1); `undefined` if there is none. */
export function stepHistory(
  cursor: HistoryCursor | undefined,
  direction: -1 | 1,
  entries: readonly string[],
  draft: string,
): { readonly cursor: HistoryCursor | undefined; readonly text: string } | undefined {
  const from = cursor ?? { index: entries.length, draft };
  const index = Math.min(from.index, entries.length) + direction;
  if (index < 0 || index > entries.length) return undefined;
  const text = entries[index];
  // After the last entry, the draft comes back.
  if (text === undefined) return { cursor: undefined, text: from.draft };
  return { cursor: { ...from, index }, text };
}

/** An incremental search backwards: Ctrl-R. A value. */
export interface HistorySearch {
  readonly query: string;
  /** The index of the entry found, or one after the last if there is none yet. */
  readonly index: number;
  /** Whether no older entry contains the query. */
  readonly failed: boolean;
}

export function startSearch(entries: readonly string[]): HistorySearch {
  return { query: "", index: entries.length, failed: false };
}

/** Searches for a changed query, from the entry found so far. */
export function refineSearch(
  search: HistorySearch,
  query: string,
  entries: readonly string[],
): HistorySearch {
  // A shorter query may match newer entries again.
  const from = query.startsWith(search.query) ? search.index : entries.length - 1;
  return find(search, query, from, entries);
}

/** Ctrl-R again: the next older match with another text. */
export function searchOlder(search: HistorySearch, entries: readonly string[]): HistorySearch {
  if (search.query === "") return search;
  const current = entries[search.index];
  let from = search.index - 1;
  while (from >= 0 && entries[from] === current) from--;
  return find(search, search.query, from, entries);
}

function find(
  search: HistorySearch,
  query: string,
  from: number,
  entries: readonly string[],
): HistorySearch {
  if (query === "") return { query, index: entries.length, failed: false };
  const wanted = query.toLowerCase();
  for (let index = Math.min(from, entries.length - 1); index >= 0; index--) {
    if (entries[index]?.toLowerCase().includes(wanted)) return { query, index, failed: false };
  }
  return { ...search, query, failed: true };
}

import type { ChatMessage, Log, LogChunk, LogItem, NewLogItem } from "./types.ts";

/** Entries of a chunk: few enough to lay out quickly, and so many that a long log has few chunks. */
export const CHUNK = 50;

/** Entries of a log that are kept. Older ones are loaded again when the user scrolls to them. */
export const MAX_ITEMS = 10_000;

export const EMPTY_LOG: Log = { chunks: [], size: 0, next: 0 };

/** The place of the first entry, or of the next one in an empty log. */
export function firstSeq({ chunks, next }: Log): number {
  return chunks[0]?.items[0]?.seq ?? next;
}

/** The newest entry. */
export function lastItem({ chunks }: Log): LogItem | undefined {
  return chunks.at(-1)?.items.at(-1);
}

/** All entries, oldest first. */
export function* itemsOf({ chunks }: Log): Iterable<LogItem> {
  for (const { items } of chunks) yield* items;
}

/** The oldest message with an id. */
export function firstSaid(log: Log): ChatMessage & { readonly id: number } | undefined {
  for (const item of itemsOf(log)) {
    if (item.kind === "said" && item.id !== undefined) return { ...item, id: item.id };
  }
  return undefined;
}

/** The message `id` of the current epoch: the newest with that id. */
export function findId({ chunks }: Log, id: number): ChatMessage | undefined {
  for (const { items } of chunks.toReversed()) {
    const found = items.findLast((item) => item.kind === "said" && item.id === id);
    if (found?.kind === "said") return found;
  }
  return undefined;
}

/** The entry at `seq`. */
export function itemAt(log: Log | undefined, seq: number): LogItem | undefined {
  const chunk = log?.chunks.find(({ index }) => index === chunkOf(seq));
  return chunk?.items.find((item) => item.seq === seq);
}

/** Adds items at the end. */
export function append(log: Log, items: readonly NewLogItem[]): Log {
  const placed = items.map((item, index): LogItem => ({ ...item, seq: log.next + index }));
  const last = log.chunks.at(-1);
  const open = last !== undefined && last.index === chunkOf(log.next) ? last : undefined;
  const kept = open === undefined ? log.chunks : log.chunks.slice(0, -1);
  return {
    chunks: [...kept, ...chunked([...open?.items ?? [], ...placed])],
    size: log.size + items.length,
    next: log.next + items.length,
  };
}

/** Adds items at the beginning. */
export function prepend(log: Log, items: readonly NewLogItem[]): Log {
  const from = firstSeq(log) - items.length;
  const placed = items.map((item, index): LogItem => ({ ...item, seq: from + index }));
  const first = log.chunks[0];
  const open = first !== undefined && first.index === chunkOf(from + items.length - 1);
  const kept = open ? log.chunks.slice(1) : log.chunks;
  return {
    chunks: [...chunked([...placed, ...open ? first.items : []]), ...kept],
    size: log.size + items.length,
    next: log.next,
  };
}

/** Drops the oldest chunks if there are more than `max` entries. */
export function trimmed(log: Log, max: number = MAX_ITEMS): Log {
  let { size } = log;
  let from = 0;
  while (size > max && from < log.chunks.length - 1) size -= log.chunks[from++]?.items.length ?? 0;
  return from === 0 ? log : { ...log, chunks: log.chunks.slice(from), size };
}

/** Changes the entry at `seq`. */
export function updated(log: Log, seq: number, change: (item: LogItem) => LogItem): Log {
  const index = chunkOf(seq);
  return {
    ...log,
    chunks: log.chunks.map((chunk) => {
      if (chunk.index !== index) return chunk;
      return { index, items: chunk.items.map((item) => item.seq === seq ? change(item) : item) };
    }),
  };
}

function chunkOf(seq: number): number {
  return Math.floor(seq / CHUNK);
}

function chunked(items: readonly LogItem[]): readonly LogChunk[] {
  const chunks: { index: number; items: LogItem[] }[] = [];
  for (const item of items) {
    const index = chunkOf(item.seq);
    const last = chunks.at(-1);
    if (last?.index === index) last.items.push(item);
    else chunks.push({ index, items: [item] });
  }
  return chunks;
}

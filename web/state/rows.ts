import type { ChatMessage, LogItem } from "./types.ts";

/** Milliseconds within which messages of one person stand together. */
const TOGETHER = 5 * 60_000;

/** What is to be drawn for an entry. */
export interface MessageRow {
  readonly item: LogItem;
  /** The day that begins with it, as a local date. */
  readonly day?: Date;
  /** Whether the line "new" stands before it. */
  readonly isNew: boolean;
  /** Whether it begins a group: with the name and the time. */
  readonly begins: boolean;
}

/**
 * The rows for `items`.
 *
 * @param before the entry before the first, if there is one.
 * @param newFrom the place of the first one that was not read.
 */
export function rowsOf(
  items: readonly LogItem[],
  before: LogItem | undefined,
  newFrom: number | undefined,
): readonly MessageRow[] {
  let previous = before;
  return items.map((item) => {
    const day = previous === undefined || !sameDay(previous.at, item.at)
      ? new Date(item.at)
      : undefined;
    const isNew = item.seq === newFrom;
    const begins = day !== undefined || isNew || !goesWith(previous, item);
    previous = item;
    return { item, isNew, begins, ...(day === undefined ? {} : { day }) };
  });
}

/** Whether two moments are on one day of the person's calendar. */
export function sameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

function goesWith(previous: LogItem | undefined, item: LogItem): boolean {
  return previous?.kind === "said" && item.kind === "said" && isPlain(previous) && isPlain(item) &&
    previous.sender === item.sender && previous.verified === item.verified &&
    item.at - previous.at < TOGETHER;
}

function isPlain({ action }: ChatMessage): boolean {
  return !action;
}

import { isSameDay } from "../../chat/time.ts";
import type { LogItem } from "./types.ts";

/** Milliseconds within which messages of one person form a group. */
const TOGETHER = 5 * 60_000;

/** The row of a log entry. */
export interface MessageRow {
  readonly item: LogItem;
  /** The day that begins with it, in local time. */
  readonly day?: Date | undefined;
  /** Whether the line "new" precedes it. */
  readonly isNew: boolean;
  /** Whether it begins a group, with name and time. */
  readonly begins: boolean;
}

/**
 * The rows for `items`.
 *
 * @param before the entry before the first, if any.
 * @param newFrom the place of the first unread entry.
 */
export function rowsOf(
  items: readonly LogItem[],
  before: LogItem | undefined,
  newFrom: number | undefined,
): readonly MessageRow[] {
  let previous = before;
  return items.map((item) => {
    const day = previous === undefined || !isSameDay(previous.at, item.at)
      ? new Date(item.at)
      : undefined;
    const isNew = item.seq === newFrom;
    const begins = day !== undefined || isNew || !goesWith(previous, item);
    previous = item;
    return { item, isNew, begins, day };
  });
}

function goesWith(previous: LogItem | undefined, item: LogItem): boolean {
  return previous?.kind === "said" && item.kind === "said" && !previous.action && !item.action &&
    previous.sender === item.sender && previous.verified === item.verified &&
    item.at - previous.at < TOGETHER;
}

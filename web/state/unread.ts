import { firstSaid, firstSeq, itemsOf } from "./log.ts";
import type { ChatState, NewLogItem, ReadMarker, Thread } from "./types.ts";

/** Unread messages of an earlier visit that are loaded at once. */
const MAX_MISSING = 1000;

/**
 * The last message that an earlier visit read, if later messages are not loaded; `undefined` if they
 * are, or if there are too many.
 */
export function missingUnread({ readMarkers }: ChatState, thread: Thread): number | undefined {
  const mark = readMarkers.get(thread.name);
  const first = firstSaid(thread.log)?.id;
  if (mark === undefined || first === undefined || !goesFurtherBack(thread, mark)) return undefined;
  return first > mark.id + 1 && first - mark.id <= MAX_MISSING ? mark.id : undefined;
}

/** The place of the first new message once `older` ones are loaded. */
export function newFromWith(
  thread: Thread,
  older: readonly (NewLogItem & { readonly id?: number | undefined })[],
  mark: ReadMarker | undefined,
): number | undefined {
  if (mark === undefined || !goesFurtherBack(thread, mark)) return thread.newFrom;
  const at = older.findIndex((item) => {
    return item.kind === "said" && !item.mine && (item.id ?? 0) > mark.id;
  });
  return at < 0 ? thread.newFrom : firstSeq(thread.log) - older.length + at;
}

/** Whether all loaded messages are newer than the marker, so that the line belongs further up. */
function goesFurtherBack({ log, newFrom, room, unread }: Thread, mark: ReadMarker): boolean {
  if (unread === 0 || newFrom === undefined || room?.epoch !== mark.epoch) return false;
  for (const item of itemsOf(log)) {
    if (item.seq >= newFrom) return true;
    if (item.kind === "said" && (!item.mine || (item.id ?? 0) <= mark.id)) return false;
  }
  return false;
}

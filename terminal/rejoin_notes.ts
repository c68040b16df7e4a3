import { gapText } from "../chat/room_errors.ts";
import type { RoomJoined } from "../client/types.ts";
import { plural } from "../lib/words.ts";
import { missedText } from "./render.ts";
import type { WindowItem } from "./window_items.ts";
import type { ChatWindow } from "./windows.ts";

/**
 * What the window of a room says when the room is entered again: how many messages were missed, and
 * whether some are missing.
 *
 * @param before the last message received there, if any.
 * @param reconnectNote a note about the connection that this continues.
 */
export function rejoinItems(
  joined: RoomJoined,
  before: ChatWindow["position"],
  reconnectNote: string | undefined,
): readonly WindowItem[] {
  const { rejoined, recovered, missed } = joined;
  const missedNote = !rejoined || !recovered
    ? undefined
    : missed > 0
    ? missedText(missed)
    : reconnectNote && "nothing was missed";
  const notes = [reconnectNote, missedNote].filter((part) => part !== undefined);
  const gaps = rejoined && !recovered && before !== undefined ? gapTexts(joined, before) : [];
  return [
    ...notes.length === 0 ? [] : [{ kind: "note", text: notes.join("; ") } as const],
    ...gaps.map((text) => ({ kind: "problem", text }) as const),
  ];
}

/** Sentences about messages that are missing between the last one received and those that follow. */
function gapTexts(
  { room, epoch, first, last, reset, messages }: RoomJoined,
  before: NonNullable<ChatWindow["position"]>,
): readonly string[] {
  if (before.epoch !== epoch) return [gapText(`in ${room}`, "epoch")];
  if (reset === "epoch" || reset === "ahead") return [gapText(`in ${room}`, reset)];
  const next = messages[0]?.id ?? last + 1;
  const lost = Math.min(first, next) - 1 - before.after;
  const hidden = next - Math.max(first, before.after + 1);
  const them = (count: number): string => count === 1 ? "it" : "them";
  const what = (count: number): string =>
    `${plural(count, "message")} of ${room} ${count === 1 ? "is" : "are"}`;
  return [
    ...lost > 0 ? [`${what(lost)} missing: the hub no longer has ${them(lost)}`] : [],
    ...hidden > 0 ? [`${what(hidden)} not shown here: /older ${hidden} shows ${them(hidden)}`] : [],
  ];
}

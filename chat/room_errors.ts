import type { ErrorCode, ErrorFrame } from "../protocol.ts";

/** Errors with which a hub refuses a join. They carry no `ref`. */
const ROOM_ERRORS: readonly ErrorCode[] = ["bad_room", "forbidden", "too_many_rooms"];

/** Whether an error may answer a join. A refused message has the same code, and names no room. */
export function isJoinError({ code, ref }: ErrorFrame): boolean {
  return ref === undefined && ROOM_ERRORS.includes(code);
}

/** Whether a text has a room's name as a word of its own. */
export function namesRoom(text: string, room: string): boolean {
  return text.split(/[^a-z0-9._-]+/).some((word) => word.replace(/[._-]+$/, "") === room);
}

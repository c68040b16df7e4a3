import { isRoomName } from "../../protocol.ts";

/** Where reading stopped in a room. */
export interface RoomCursor {
  /** The life of the room's numbering. */
  readonly epoch: string;
  /** The last id that is done with. */
  readonly id: number;
}

/** What an output file held when the bookmarks were set. */
export interface OutputMark {
  readonly bytes: number;
  /** SHA-256, as hexadecimal digits, of the last {@linkcode DIGESTED} of them. */
  readonly digest: string;
}

/** Bytes at the end of an output file by which it is known again: some lines. */
export const DIGESTED = 1024;

/** A write to an output file that has begun, and may have ended. */
export interface PendingWrite {
  /** What follows the {@linkcode OutputMark} in the file, once it is all there. */
  readonly text: string;
  /** Where reading stops then. */
  readonly rooms: ReadonlyMap<string, RoomCursor>;
}

/** What a cursor file holds. */
export interface CursorState {
  readonly rooms: ReadonlyMap<string, RoomCursor>;
  /** Present for a cursor that goes with an output file. */
  readonly output?: OutputMark;
  /** Present while the output file is written to. */
  readonly pending?: PendingWrite;
}

const FORMAT = "bcast cursor";
const VERSION = 1;

/** The text of a cursor file. */
export function encodeCursor({ rooms, output, pending }: CursorState): string {
  const file = {
    format: FORMAT,
    version: VERSION,
    rooms: Object.fromEntries(rooms),
    ...(output === undefined ? {} : { output }),
    ...(pending === undefined
      ? {}
      : { pending: { text: pending.text, rooms: Object.fromEntries(pending.rooms) } }),
  };
  return JSON.stringify(file, undefined, 2) + "\n";
}

/** What the text of a cursor file says, or what is wrong with it: "it …". */
export function decodeCursor(text: string): CursorState | string {
  const damaged = "it is damaged, or no cursor of bcast";
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return damaged;
  }
  if (!isObject(file) || file["format"] !== FORMAT) return damaged;
  if (typeof file["version"] === "number" && file["version"] > VERSION) {
    return "a newer bcast wrote it";
  }
  if (file["version"] !== VERSION) return damaged;
  const rooms = readRooms(file["rooms"]);
  if (rooms === undefined) return damaged;
  const { output, pending } = file;
  if (output === undefined) return pending === undefined ? { rooms } : damaged;
  if (!isObject(output)) return damaged;
  const { bytes, digest } = output;
  if (!isCount(bytes) || typeof digest !== "string") return damaged;
  const state = { rooms, output: { bytes, digest } };
  if (pending === undefined) return state;
  if (!isObject(pending)) return damaged;
  const written = pending["text"];
  const then = readRooms(pending["rooms"]);
  if (typeof written !== "string" || then === undefined) return damaged;
  return { ...state, pending: { text: written, rooms: then } };
}

function readRooms(value: unknown): ReadonlyMap<string, RoomCursor> | undefined {
  if (!isObject(value)) return undefined;
  const rooms = new Map<string, RoomCursor>();
  for (const [room, mark] of Object.entries(value)) {
    if (!isRoomName(room) || !isObject(mark)) return undefined;
    const { epoch, id } = mark;
    if (typeof epoch !== "string" || !isCount(id)) return undefined;
    rooms.set(room, { epoch, id });
  }
  return rooms;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

import { isRoomName } from "../../protocol.ts";

/** The last message that was read in a room. */
export interface RoomCursor {
  /** The epoch that `id` belongs to. */
  readonly epoch: string;
  readonly id: number;
}

/** The content of an output file when the cursors were saved. */
export interface OutputMark {
  readonly bytes: number;
  /** SHA-256, in hexadecimal, of the last {@linkcode DIGEST_BYTES} bytes. */
  readonly digest: string;
}

/** Bytes at the end of an output file that identify it: a few lines. */
export const DIGEST_BYTES = 1024;

/** A write to an output file that was started, and may have completed. */
export interface PendingWrite {
  /** The text that follows the {@linkcode OutputMark} once the write is complete. */
  readonly text: string;
  /** The cursors after the write. */
  readonly rooms: ReadonlyMap<string, RoomCursor>;
}

/** The content of a cursor file. */
export interface CursorState {
  readonly rooms: ReadonlyMap<string, RoomCursor>;
  /** Present for a cursor with an output file. */
  readonly output?: OutputMark | undefined;
  /** Present during a write to the output file. */
  readonly pending?: PendingWrite | undefined;
}

const FORMAT = "bcast cursor";
const VERSION = 1;

/** The text of a cursor file. */
export function encodeCursor({ rooms, output, pending }: CursorState): string {
  const file = {
    format: FORMAT,
    version: VERSION,
    rooms: Object.fromEntries(rooms),
    output,
    pending: pending && { text: pending.text, rooms: Object.fromEntries(pending.rooms) },
  };
  return JSON.stringify(file, undefined, 2) + "\n";
}

/** Reads the text of a cursor file. Returns a string if it is invalid: "it …". */
export function decodeCursor(text: string): CursorState | string {
  const damaged = "it is damaged, or not a cursor file of bcast";
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

import { isRoomName } from "../protocol.ts";

/** Where reading stopped in a room. */
export interface Bookmark {
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

/** What a cursor file holds. */
export interface CursorState {
  readonly rooms: ReadonlyMap<string, Bookmark>;
  /** Present for a cursor that goes with an output file. */
  readonly output?: OutputMark;
}

const FORMAT = "bcast cursor";
const VERSION = 1;

/** The text of a cursor file. */
export function encodeCursor({ rooms, output }: CursorState): string {
  const file = {
    format: FORMAT,
    version: VERSION,
    rooms: Object.fromEntries(rooms),
    ...(output === undefined ? {} : { output }),
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
  const { rooms, output } = file;
  if (file["version"] !== VERSION || !isObject(rooms)) return damaged;
  const found = new Map<string, Bookmark>();
  for (const [room, mark] of Object.entries(rooms)) {
    if (!isRoomName(room) || !isObject(mark)) return damaged;
    const { epoch, id } = mark;
    if (typeof epoch !== "string" || !isCount(id)) return damaged;
    found.set(room, { epoch, id });
  }
  if (output === undefined) return { rooms: found };
  if (!isObject(output)) return damaged;
  const { bytes, digest } = output;
  if (!isCount(bytes) || typeof digest !== "string") return damaged;
  return { rooms: found, output: { bytes, digest } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

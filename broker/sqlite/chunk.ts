import type { MessageDraft } from "../broker.ts";
import { LINE_BREAK, toLine } from "./lines.ts";
import { MessageRefs } from "./message_refs.ts";
import type { RoomLog } from "./room_log.ts";

/** Messages in a chunk at most: who reads one of them reads them all. */
export const CHUNK_MESSAGES = 256;

/** UTF-16 units in a chunk after which no message is added; for the same reason. */
export const CHUNK_LENGTH = 256 * 1024;

/** What a room gets in one batch, as far as it fits one row. */
export class Chunk {
  readonly room: RoomLog;
  /** The id of its first message. */
  readonly first: number;
  /** Its number among the chunks with marks of the last minutes. */
  no: number | undefined;
  count = 0;
  body = "";
  readonly marks = new MessageRefs();

  constructor(room: RoomLog, first: number) {
    this.room = room;
    this.first = first;
  }

  get isFull(): boolean {
    return this.count >= CHUNK_MESSAGES || this.body.length >= CHUNK_LENGTH;
  }

  /** Adds a message; `sender` is JSON. Returns its id. */
  add(sender: string, { content, kind, annotations, origin }: MessageDraft): number {
    const line = toLine(sender, content, kind, annotations);
    this.body = this.count === 0 ? line : this.body + LINE_BREAK + line;
    if (origin !== undefined) this.marks.add(this.count, origin);
    return this.first + this.count++;
  }
}

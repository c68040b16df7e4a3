import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Message } from "../../protocol.ts";
import { LINE_BREAK, textOf, toMessage } from "./lines.ts";
import { Query } from "./log_database.ts";
import type { RoomLog } from "./room_log.ts";
import { setImmediate } from "node:timers/promises";

type Row = readonly [first: number, count: number, at: number, body: string | null];

/**
 * Selects the chunks of room ?1 that hold the ids from ?2 to ?3, including the one that ?2 is in
 * the middle of. Valid only for ids that the room still has.
 */
export const IN_RANGE = `seq BETWEEN
  (SELECT max(seq) FROM chunks WHERE seq <= (?1 << 40) | ?2) AND (?1 << 40) | ?3`;

const CHUNKS_OF_RANGE = `FROM chunks WHERE ${IN_RANGE} ORDER BY seq`;

/** Reads messages from chunks. */
export class ChunkReader {
  readonly #range: Query<Row>;
  readonly #replace: StatementSync;

  constructor(db: DatabaseSync) {
    this.#replace = db.prepare("UPDATE chunks SET body = ? WHERE seq = (? << 40) | ?");
    this.#range = new Query(
      db,
      `SELECT seq & 0xffffffffff, count, at, body ${CHUNKS_OF_RANGE}`,
    );
  }

  /** The messages with ids from `from` to `to`; the room must have all of them. */
  read(room: RoomLog, from: number, to: number): Message[] {
    const messages: Message[] = [];
    for (const row of this.#range.all(room.number, from, to)) {
      const lines = splitLines(room, row);
      const timestamp = new Date(row[2]).toISOString();
      const first = row[0];
      const start = Math.max(from - first, 0);
      const end = Math.min(to - first + 1, lines.length);
      for (let index = start; index < end; index++) {
        messages.push(toMessage(room.name, first + index, timestamp, lines[index] ?? ""));
      }
    }
    return messages;
  }

  /** The messages with these ids, which must be in ascending order and still exist. */
  readIds(room: RoomLog, ids: readonly number[]): Message[] {
    const messages: Message[] = [];
    let first = 0;
    let timestamp = "";
    let lines: readonly string[] = [];
    for (const id of ids) {
      if (id >= first + lines.length) {
        const row = this.#range.first(room.number, id, id);
        if (row === undefined) throw missingMessage(room, id);
        lines = splitLines(room, row);
        first = row[0];
        timestamp = new Date(row[2]).toISOString();
      }
      const line = lines[id - first];
      if (line === undefined) throw missingMessage(room, id);
      messages.push(toMessage(room.name, id, timestamp, line));
    }
    return messages;
  }

  /** Empties the lines up to the id `to` in its chunk; the others keep their ids. */
  clearLines(room: RoomLog, to: number): void {
    const row = this.#range.first(room.number, to, to);
    if (row === undefined) throw missingMessage(room, to);
    const [first] = row;
    const lines = splitLines(room, row).map((line, index) => first + index <= to ? "" : line);
    this.#replace.run(lines.join(LINE_BREAK), room.number, first);
  }

  /** Calls `visit` for each message in a range that has text. */
  forEachText(
    room: RoomLog,
    from: number,
    to: number,
    visit: (id: number, text: string) => void,
  ): void {
    for (const row of this.#range.all(room.number, from, to)) {
      for (const [index, line] of splitLines(room, row).entries()) {
        const id = row[0] + index;
        const text = id < from || id > to ? undefined : textOf(line);
        if (text !== undefined) visit(id, text);
      }
    }
  }
}

function splitLines(room: RoomLog, [first, count, , body]: Row): readonly string[] {
  const lines = body?.split(LINE_BREAK);
  if (lines?.length !== count) throw missingMessage(room, first);
  return lines;
}

function missingMessage(room: RoomLog, id: number): Error {
  return new Error(`the log does not have message ${id} of the room ${room.name}`);
}

/**
 * Messages that are trimmed or indexed in one turn of the event loop, rounded up to whole chunks:
 * a few milliseconds.
 */
export const SLICE_MESSAGES = 200;

/** Approximate bytes of messages in one slice: large messages take longer. */
const SLICE_BYTES = 64 * 1024;

export type ChunkSpan = readonly [first: number, count: number, at: number, bytes: number];

/** Splits a room's log into slices, each small enough for one turn of the event loop. */
export class BatchScan {
  readonly #spans: Query<ChunkSpan>;
  readonly #rows: Query<ChunkSpan>;

  constructor(db: DatabaseSync) {
    // octet_length() does not read the text.
    const columns = "seq & 0xffffffffff, count, at, ifnull(octet_length(body), 0)";
    this.#spans = new Query(db, `SELECT ${columns} ${CHUNKS_OF_RANGE} LIMIT ?4`);
    this.#rows = new Query(
      db,
      `SELECT ${columns} FROM chunks
        WHERE seq BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3 ORDER BY seq LIMIT ?4`,
    );
  }

  /** The chunks of the next slice between the ids `from` and `to`. */
  nextSlice(room: number, from: number, to: number): readonly ChunkSpan[] {
    const spans: ChunkSpan[] = [];
    let messages = 0;
    let bytes = 0;
    for (const span of this.#spans.all(room, from, to, SLICE_MESSAGES)) {
      if (messages >= SLICE_MESSAGES || bytes >= SLICE_BYTES) break;
      spans.push(span);
      messages += span[1];
      bytes += span[3];
    }
    return spans;
  }

  /** The first rows in a range of keys, including rows that hold only keys. */
  rows(room: number, from: number, to: number, limit: number): readonly ChunkSpan[] {
    return this.#rows.all(room, from, to, limit);
  }
}

/** Lets other pending work of the event loop run first. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}

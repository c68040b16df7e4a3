import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Message } from "../../protocol.ts";
import { LINE_BREAK, textOf, toMessage } from "./lines.ts";
import { Query } from "./query.ts";
import type { RoomLog } from "./room_log.ts";

type Row = readonly [first: number, count: number, at: number, body: string | null];

/**
 * Picks the chunks of the room ?1 with ids from ?2 to ?3: from the one that holds the first of them
 * on. Only for ids that the room still has.
 */
export const IN_RANGE = `seq BETWEEN
  (SELECT max(seq) FROM chunks WHERE seq <= (?1 << 40) | ?2) AND (?1 << 40) | ?3`;

/** The chunks of {@linkcode IN_RANGE}, in order. */
export const CHUNKS_OF_RANGE = `FROM chunks WHERE ${IN_RANGE} ORDER BY seq`;

/** Reads messages out of the chunks. */
export class Chunks {
  readonly #range: Query<Row>;
  readonly #replace: StatementSync;

  constructor(db: DatabaseSync) {
    this.#replace = db.prepare("UPDATE chunks SET body = ? WHERE seq = (? << 40) | ?");
    this.#range = new Query(
      db,
      `SELECT seq & 0xffffffffff, count, at, body ${CHUNKS_OF_RANGE}`,
    );
  }

  /** The messages with ids from `from` to `to`, which the room all has. */
  messages(room: RoomLog, from: number, to: number): Message[] {
    const messages: Message[] = [];
    for (const row of this.#range.all(room.no, from, to)) {
      const lines = toLines(room, row);
      const timestamp = new Date(row[2]).toISOString();
      const first = row[0];
      const start = Math.max(from - first, 0);
      const end = Math.min(to - first + 1, lines.length);
      for (let place = start; place < end; place++) {
        messages.push(toMessage(room.name, first + place, timestamp, lines[place] ?? ""));
      }
    }
    return messages;
  }

  /** The messages with these ids, which rise and which the room all has. */
  pick(room: RoomLog, ids: readonly number[]): Message[] {
    const messages: Message[] = [];
    let first = 0;
    let timestamp = "";
    let lines: readonly string[] = [];
    for (const id of ids) {
      if (id >= first + lines.length) {
        const row = this.#range.first(room.no, id, id);
        if (row === undefined) throw missing(room, id);
        lines = toLines(room, row);
        first = row[0];
        timestamp = new Date(row[2]).toISOString();
      }
      const line = lines[id - first];
      if (line === undefined) throw missing(room, id);
      messages.push(toMessage(room.name, id, timestamp, line));
    }
    return messages;
  }

  /** Empties the lines up to the id `to` of the chunk that holds it; the others keep their place. */
  blank(room: RoomLog, to: number): void {
    const row = this.#range.first(room.no, to, to);
    if (row === undefined) throw missing(room, to);
    const [first] = row;
    const lines = toLines(room, row).map((line, place) => first + place <= to ? "" : line);
    this.#replace.run(lines.join(LINE_BREAK), room.no, first);
  }

  /** Calls `visit` with the text of each message in a range that has one. */
  texts(room: RoomLog, from: number, to: number, visit: (id: number, text: string) => void): void {
    for (const row of this.#range.all(room.no, from, to)) {
      for (const [place, line] of toLines(room, row).entries()) {
        const id = row[0] + place;
        const text = id < from || id > to ? undefined : textOf(line);
        if (text !== undefined) visit(id, text);
      }
    }
  }
}

function toLines(room: RoomLog, [first, count, , body]: Row): readonly string[] {
  const lines = body?.split(LINE_BREAK);
  if (lines?.length !== count) throw missing(room, first);
  return lines;
}

function missing(room: RoomLog, id: number): Error {
  return new Error(`the log does not have message ${id} of the room ${room.name}`);
}

import type { DatabaseSync } from "node:sqlite";
import type { Chunk } from "./chunk.ts";
import { Query } from "./log_database.ts";

/** The state of a room that is kept in memory. */
export interface RoomLog {
  readonly name: string;
  readonly number: number;
  /** The oldest id kept; `last + 1` if there is none. */
  first: number;
  /** The oldest id that had not expired at the last look (see retention.ts); may be below `first`. */
  unexpired: number;
  /** The time of that message; no other message expires before it. */
  unexpiredAt: number;
  /** Expired messages are from before this time. */
  hiddenBefore: number;
  /** The newest id that is stored. */
  last: number;
  /** The newest id assigned; above `last` only while a batch is being written. */
  next: number;
  /** The newest id in the full-text index. */
  indexed: number;
  /** The lowest id of a row: rows between it and `first` hold only keys. */
  bottom: number;
  /** The chunk that takes messages of the current batch. */
  openChunk: Chunk | undefined;
}

/** All rooms of a log. */
export class RoomLogs {
  readonly #byName = new Map<string, RoomLog>();
  readonly #byNumber = new Map<number, RoomLog>();
  #lastNumber = 0;

  get(name: string): RoomLog | undefined {
    return this.#byName.get(name);
  }

  byNumber(number: number): RoomLog | undefined {
    return this.#byNumber.get(number);
  }

  all(): Iterable<RoomLog> {
    return this.#byName.values();
  }

  /** The rooms with higher numbers than `number`, in order. */
  *newerThan(number: number): Iterable<RoomLog> {
    for (let next = number + 1; next <= this.#lastNumber; next++) {
      const room = this.#byNumber.get(next);
      if (room !== undefined) yield room;
    }
  }

  /** Adds a room without messages. */
  create(name: string): RoomLog {
    const room: RoomLog = {
      name,
      number: this.#lastNumber + 1,
      first: 1,
      unexpired: 1,
      unexpiredAt: Infinity,
      hiddenBefore: -Infinity,
      last: 0,
      next: 0,
      indexed: 0,
      bottom: 1,
      openChunk: undefined,
    };
    this.#add(room);
    return room;
  }

  /** Removes the rooms with higher numbers than `number`. */
  rollback(number: number): void {
    for (const room of this.newerThan(number)) {
      this.#byNumber.delete(room.number);
      this.#byName.delete(room.name);
    }
    this.#lastNumber = Math.min(this.#lastNumber, number);
  }

  /** The number of messages ever appended, in all rooms. */
  get totalMessages(): number {
    let sum = 0;
    for (const { last } of this.#byName.values()) sum += last;
    return sum;
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Loads the rooms of the log and returns the time of the newest message. */
  load(db: DatabaseSync): number {
    let newest = 0;
    for (const row of new Query<LoadRow>(db, LOAD).all()) {
      const [name, no, first, kept, indexed, bottom, newestId, count, at] = row;
      const last = Math.max(kept, (newestId ?? 0) + (count ?? 0) - 1);
      this.#add({
        name,
        number: no,
        first,
        unexpired: first,
        // Determined on first use.
        unexpiredAt: -Infinity,
        hiddenBefore: -Infinity,
        last,
        next: last,
        indexed,
        bottom: bottom ?? first,
        openChunk: undefined,
      });
      newest = Math.max(newest, at ?? 0);
    }
    return newest;
  }

  #add(room: RoomLog): void {
    this.#byName.set(room.name, room);
    this.#byNumber.set(room.number, room);
    this.#lastNumber = Math.max(this.#lastNumber, room.number);
  }
}

const KEYS = "BETWEEN rooms.no << 40 AND (rooms.no << 40) | 0xffffffffff";

// Two descents of the tree for each room. `rooms.last` is from the last trim; without it, ids would
// be reused once no chunk of the room is left.
const LOAD = `
  SELECT rooms.name, rooms.no, rooms.first, rooms.last, rooms.indexed,
    (SELECT min(seq) FROM chunks WHERE seq ${KEYS}) & 0xffffffffff,
    newest.seq & 0xffffffffff, newest.count, newest.at
  FROM rooms
  LEFT JOIN chunks AS newest ON newest.seq = (SELECT max(seq) FROM chunks WHERE seq ${KEYS})
  ORDER BY rooms.no
`;

type LoadRow = readonly [
  name: string,
  no: number,
  first: number,
  last: number,
  indexed: number,
  bottom: number | null,
  newest: number | null,
  count: number | null,
  newestAt: number | null,
];

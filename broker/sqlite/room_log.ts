import type { DatabaseSync } from "node:sqlite";
import type { Chunk } from "./chunk.ts";
import { Query } from "./log_database.ts";

/** What is known of a room without asking the database. */
export interface RoomLog {
  readonly name: string;
  /** Its number in the database. */
  readonly number: number;
  /** The oldest id kept, `last + 1` when none is. */
  first: number;
  /** The oldest id that was not too old at the last look (see ages.ts); it may lie before `first`. */
  unexpired: number;
  /** The time of that message; no other one becomes too old before it. */
  unexpiredAt: number;
  /** What was hidden as too old is from before this time. */
  hiddenBefore: number;
  /** The newest id that is kept. */
  last: number;
  /** The newest id given, above `last` only while its batch is under way. */
  next: number;
  /** The newest id that the full-text index has. */
  indexed: number;
  /** No row of the room is below this id: from here to `first` there may be rows of marks only. */
  bottom: number;
  /** What its part of the batch under way goes into. */
  openChunk: Chunk | undefined;
}

/** All rooms of a log. */
export class RoomLogs {
  readonly #byName = new Map<string, RoomLog>();
  readonly #byNumber = new Map<number, RoomLog>();
  #lastNumber = 0;

  /** A room by its name. */
  get(name: string): RoomLog | undefined {
    return this.#byName.get(name);
  }

  /** A room by its number. */
  byNumber(no: number): RoomLog | undefined {
    return this.#byNumber.get(no);
  }

  /** All of them. */
  all(): Iterable<RoomLog> {
    return this.#byName.values();
  }

  /** The newest rooms, those with numbers above `no`, in the order of their numbers. */
  *newerThan(no: number): Iterable<RoomLog> {
    for (let next = no + 1; next <= this.#lastNumber; next++) {
      const room = this.#byNumber.get(next);
      if (room !== undefined) yield room;
    }
  }

  /** A room that nobody wrote to yet. */
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

  /** Takes back the newest rooms, those with numbers above `no`. */
  rollback(no: number): void {
    for (const room of this.newerThan(no)) {
      this.#byNumber.delete(room.number);
      this.#byName.delete(room.name);
    }
    this.#lastNumber = Math.min(this.#lastNumber, no);
  }

  /** Messages that all rooms together were ever given. */
  get totalMessages(): number {
    let sum = 0;
    for (const { last } of this.#byName.values()) sum += last;
    return sum;
  }

  /** The number of the newest room. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Reads the rooms of the log. Returns the time of the newest message. */
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
        // Found out when somebody asks.
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

// Two steps down the tree for each room. `rooms.last` is from the last trimming, and is what
// keeps ids from being given again when nothing else of the room is left.
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

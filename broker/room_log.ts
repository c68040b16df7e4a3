import type { DatabaseSync } from "node:sqlite";
import type { Retention } from "./broker.ts";
import { Query } from "./query.ts";

/** What is known of a room without asking the database. */
export interface RoomLog {
  readonly name: string;
  /** Its number in the database. */
  readonly no: number;
  /** The oldest id stored, `last + 1` when none is. */
  first: number;
  /** The time of the oldest message stored. */
  firstAt: number;
  /** The newest id that is kept. */
  last: number;
  /** The newest id given, above `last` only while its transaction is under way. */
  next: number;
  /** The newest id that the full-text index has. */
  indexed: number;
}

/** A room that nobody wrote to yet. */
export function newRoomLog(name: string, no: number): RoomLog {
  return { name, no, first: 1, firstAt: 0, last: 0, next: 0, indexed: 0 };
}

/** The oldest id that is still shown: trimming comes later, but the limit holds at once. */
export function firstShown(room: RoomLog, retention: Retention): number {
  return Math.max(room.first, room.last - retention.maxMessages + 1);
}

// Two steps down the tree for each room. `rooms.last` is from the last trimming, and is what keeps
// ids from being given again when nothing else of the room is left.
const LOAD = `
  SELECT rooms.name, rooms.no, rooms.last, rooms.indexed,
    oldest.seq & 0xffffffffff, oldest.at, newest.seq & 0xffffffffff, newest.at
  FROM rooms
  LEFT JOIN messages AS oldest ON oldest.seq =
    (SELECT min(seq) FROM messages WHERE seq BETWEEN rooms.no << 40 AND (rooms.no << 40) + 0xffffffffff)
  LEFT JOIN messages AS newest ON newest.seq =
    (SELECT max(seq) FROM messages WHERE seq BETWEEN rooms.no << 40 AND (rooms.no << 40) + 0xffffffffff)
`;

type LoadRow = readonly [
  name: string,
  no: number,
  last: number,
  indexed: number,
  oldest: number | null,
  oldestAt: number | null,
  newest: number | null,
  newestAt: number | null,
];

/** All rooms of the log, and the time of the newest message. */
export function loadRooms(
  db: DatabaseSync,
): { readonly rooms: readonly RoomLog[]; readonly newestAt: number } {
  const rooms: RoomLog[] = [];
  let newestAt = 0;
  for (const row of new Query<LoadRow>(db, LOAD).each()) {
    const [name, no, kept, indexed, oldest, oldestAt, newest, at] = row;
    const last = Math.max(kept, newest ?? 0);
    rooms.push({
      name,
      no,
      first: oldest ?? last + 1,
      firstAt: oldestAt ?? 0,
      last,
      next: last,
      indexed,
    });
    newestAt = Math.max(newestAt, at ?? 0);
  }
  return { rooms, newestAt };
}

import type { StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import type { Message } from "../../protocol.ts";
import { MAX_AHEAD } from "./ages.ts";
import type { MessageDraft, Receipt } from "../broker.ts";
import { Chunk } from "./chunk.ts";
import { makeMessage } from "./lines.ts";
import { MAX_ID } from "./migrations.ts";
import { DedupIndex, type KnownRetry } from "./dedup_index.ts";
import type { RoomLog, RoomLogs } from "./room_log.ts";
import type { LogDatabase } from "./log_database.ts";

const logger = getLogger(["bcast", "log"]);

/** What became of a batch. */
export interface Written {
  /** One for each draft. */
  readonly receipts: readonly Receipt[];
  /** Those that are new. */
  readonly messages: readonly Message[];
  /** One for each of `messages`. */
  readonly drafts: readonly MessageDraft[];
  /** Rows that the log has got. */
  readonly chunks: number;
  /** UTF-16 units in them, more or less. */
  readonly length: number;
}

/** Writes batches: gathers each in memory, and puts it into the log with as few statements as can be. */
export class Writer {
  readonly #rooms: RoomLogs;
  readonly #database: LogDatabase;
  readonly #retries: DedupIndex;
  readonly #insert: StatementSync;
  readonly #insertRoom: StatementSync;
  /** The last time given; the next is not lower, unless the clock was far ahead. */
  #at = 0;
  /** `#at` as text. */
  #timestamp = "";
  /** The last sender, and its JSON. */
  #sender = "";
  #senderJson = `""`;
  /** What is new in the batch under way. */
  #chunks: Chunk[] = [];
  #touched: RoomLog[] = [];
  #lastRoom = 0;

  /**
   * @param newestAt the time of the newest message.
   * @param now milliseconds since 1970.
   * @param elapsed milliseconds that passed, by a clock that is never set.
   */
  constructor(
    database: LogDatabase,
    rooms: RoomLogs,
    newestAt: number,
    now: number,
    elapsed: number,
  ) {
    this.#rooms = rooms;
    const { db } = this.#database = database;
    this.#retries = new DedupIndex(db);
    this.#insert = db.prepare("INSERT INTO chunks VALUES ((? << 40) | ?, ?, ?, ?, ?)");
    this.#insertRoom = db.prepare("INSERT INTO rooms (no, name) VALUES (?, ?)");
    this.#tick(newestAt);
    const believed = newestAt > now + MAX_AHEAD ? now : Math.max(now, newestAt);
    this.#retries.load(db, rooms, believed, elapsed);
  }

  /** Stores all of a batch, or throws and stores nothing. */
  write(drafts: readonly MessageDraft[], now: number, elapsed: number): Written {
    this.#tick(now);
    this.#retries.begin(this.#at, elapsed);
    this.#lastRoom = this.#rooms.lastNumber;
    this.#chunks = [];
    this.#touched = [];
    const receipts: Receipt[] = [];
    const messages: Message[] = [];
    const stored: MessageDraft[] = [];
    try {
      for (const draft of drafts) {
        const receipt = this.#add(draft);
        receipts.push(receipt);
        if (receipt.kind !== "stored") continue;
        messages.push(receipt.message);
        stored.push(draft);
      }
      this.#flush();
    } catch (error) {
      this.#undo();
      throw error;
    }
    this.#settle();
    let length = 0;
    for (const chunk of this.#chunks) length += chunk.body.length;
    return { receipts, messages, drafts: stored, chunks: this.#chunks.length, length };
  }

  #add(draft: MessageDraft): Receipt {
    const { room: name, sender, origin } = draft;
    let hash = 0;
    if (origin !== undefined) {
      hash = this.#retries.hash(origin);
      const found = this.#retries.find(hash, origin);
      if (found !== undefined) return this.#duplicate(found);
    }
    const chunk = this.#open(this.#rooms.get(name) ?? this.#rooms.make(name));
    if (sender !== this.#sender) {
      this.#sender = sender;
      this.#senderJson = JSON.stringify(sender);
    }
    const id = chunk.add(this.#senderJson, draft);
    if (id > MAX_ID) throw new Error(`the room ${name} has used up its ids`);
    chunk.room.next = id;
    if (origin !== undefined) this.#retries.add(hash, chunk);
    return {
      kind: "stored",
      message: makeMessage(name, id, this.#timestamp, draft),
    };
  }

  #duplicate({ room, id, at }: KnownRetry): Receipt {
    const name = this.#rooms.numbered(room)?.name;
    if (name === undefined) throw new Error(`the log has no room ${room}`);
    return { kind: "duplicate", room: name, id, timestamp: new Date(at).toISOString() };
  }

  /** The chunk that takes a room's next message. */
  #open(room: RoomLog): Chunk {
    const open = room.open;
    if (open !== undefined && !open.isFull) return open;
    if (open === undefined) this.#touched.push(room);
    const chunk = new Chunk(room, room.next + 1);
    room.open = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }

  #flush(): void {
    const [chunk] = this.#chunks;
    if (chunk === undefined) return;
    if (this.#chunks.length === 1 && this.#rooms.lastNumber === this.#lastRoom) {
      this.#database.statement(() => this.#store(chunk));
      return;
    }
    this.#database.transaction(() => {
      for (const { no, name } of this.#rooms.above(this.#lastRoom)) this.#insertRoom.run(no, name);
      for (const chunk of this.#chunks) this.#store(chunk);
    });
  }

  #store({ room, first, count, marks, body }: Chunk): void {
    this.#insert.run(room.no, first, count, this.#at, marks.encode(), body);
  }

  /** What was written is now so. */
  #settle(): void {
    for (const room of this.#touched) {
      if (room.young > room.last) room.youngAt = this.#at;
      room.last = room.next;
      room.open = undefined;
    }
  }

  /** What was to be written never was. */
  #undo(): void {
    for (const room of this.#touched) {
      room.next = room.last;
      room.open = undefined;
    }
    this.#rooms.takeBack(this.#lastRoom);
  }

  #tick(now: number): void {
    const at = Math.floor(now);
    if (at <= this.#at) {
      if (this.#at - at <= MAX_AHEAD) return;
      logger.warn(
        "The newest message is from {newest}, but the clock says {now}: new messages get the time " +
          "of the clock",
        { newest: this.#timestamp, now: new Date(at).toISOString() },
      );
    }
    this.#timestamp = new Date(at).toISOString();
    this.#at = at;
  }
}

import type { StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import type { Message } from "../../protocol.ts";
import { MAX_CLOCK_LEAD } from "./retention.ts";
import type { MessageDraft, Receipt } from "../broker.ts";
import { Chunk } from "./chunk.ts";
import { hasSameContent, makeMessage, toLine } from "./lines.ts";
import { MAX_ID } from "./migrations.ts";
import { DedupIndex, type StoredMessage } from "./dedup_index.ts";
import type { RoomLog, RoomLogs } from "./room_log.ts";
import type { LogDatabase } from "./log_database.ts";

const logger = getLogger(["bcast", "log"]);

/** The outcome of writing a batch. */
export interface WriteResult {
  /** One for each draft. */
  readonly receipts: readonly Receipt[];
  /** The messages that were stored. */
  readonly messages: readonly Message[];
  /** One for each of `messages`. */
  readonly drafts: readonly MessageDraft[];
  /** The number of rows written. */
  readonly chunks: number;
  /** Their approximate length in UTF-16 units. */
  readonly length: number;
}

/** Writes batches: collects each in memory and stores it with as few statements as possible. */
export class Writer {
  readonly #rooms: RoomLogs;
  readonly #database: LogDatabase;
  readonly #dedup: DedupIndex;
  readonly #epoch: string;
  readonly #insert: StatementSync;
  readonly #insertRoom: StatementSync;
  /** The last timestamp; it never decreases, unless the clock was far ahead. */
  #at = 0;
  /** `#at` as text. */
  #timestamp = "";
  /** The last sender and its JSON: consecutive messages often have the same one. */
  #sender = "";
  #senderJson = `""`;
  /** The new chunks of the current batch. */
  #chunks: Chunk[] = [];
  #touchedRooms: RoomLog[] = [];
  #lastRoomBefore = 0;

  /**
   * @param epoch of all rooms.
   * @param newestAt the time of the newest message.
   * @param now milliseconds since the Unix epoch.
   * @param elapsed milliseconds by a monotonic clock.
   */
  constructor(
    database: LogDatabase,
    rooms: RoomLogs,
    epoch: string,
    newestAt: number,
    now: number,
    elapsed: number,
  ) {
    this.#rooms = rooms;
    this.#epoch = epoch;
    const { db } = this.#database = database;
    this.#dedup = new DedupIndex(db);
    this.#insert = db.prepare("INSERT INTO chunks VALUES ((? << 40) | ?, ?, ?, ?, ?)");
    this.#insertRoom = db.prepare("INSERT INTO rooms (no, name) VALUES (?, ?)");
    this.#advance(newestAt);
    const plausible = newestAt > now + MAX_CLOCK_LEAD ? now : Math.max(now, newestAt);
    this.#dedup.load(db, rooms, plausible, elapsed);
  }

  /** Stores a whole batch, or throws and stores nothing. */
  write(drafts: readonly MessageDraft[], now: number, elapsed: number): WriteResult {
    this.#advance(now);
    this.#dedup.beginBatch(this.#at, elapsed);
    this.#lastRoomBefore = this.#rooms.lastNumber;
    this.#chunks = [];
    this.#touchedRooms = [];
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
      this.#rollback();
      throw error;
    }
    this.#commit();
    let length = 0;
    for (const chunk of this.#chunks) length += chunk.length;
    return { receipts, messages, drafts: stored, chunks: this.#chunks.length, length };
  }

  #add(draft: MessageDraft): Receipt {
    const { room: name, sender, origin } = draft;
    const room = this.#rooms.get(name) ?? this.#rooms.create(name);
    let hash = 0;
    if (origin !== undefined) {
      hash = this.#dedup.hash(room.number, origin);
      const found = this.#dedup.find(hash, room.number, origin);
      if (found !== undefined) return this.#repeat(draft, found);
    }
    const chunk = this.#openChunk(room);
    if (sender !== this.#sender) {
      this.#sender = sender;
      this.#senderJson = JSON.stringify(sender);
    }
    const id = chunk.add(this.#senderJson, draft);
    if (id > MAX_ID) throw new Error(`the room ${name} has used up its ids`);
    room.next = id;
    if (origin !== undefined) this.#dedup.add(hash, chunk);
    return {
      kind: "stored",
      message: makeMessage(name, id, this.#timestamp, draft),
      epoch: this.#epoch,
    };
  }

  #repeat({ room, content, kind, annotations }: MessageDraft, stored: StoredMessage): Receipt {
    const { id, at, line } = stored;
    // A trimmed message cannot be compared.
    if (line !== undefined && !hasSameContent(line, toLine("", content, kind, annotations))) {
      return { kind: "reused", room, id };
    }
    const timestamp = new Date(at).toISOString();
    return { kind: "duplicate", room, id, epoch: this.#epoch, timestamp };
  }

  /** The chunk for the room's next message. */
  #openChunk(room: RoomLog): Chunk {
    const open = room.openChunk;
    if (open !== undefined && !open.isFull) return open;
    if (open === undefined) this.#touchedRooms.push(room);
    const chunk = new Chunk(room.number, room.next + 1);
    room.openChunk = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }

  #flush(): void {
    const [chunk] = this.#chunks;
    if (chunk === undefined) return;
    if (this.#chunks.length === 1 && this.#rooms.lastNumber === this.#lastRoomBefore) {
      this.#database.statement(() => this.#store(chunk));
      return;
    }
    this.#database.transaction(() => {
      for (const { number, name } of this.#rooms.newerThan(this.#lastRoomBefore)) {
        this.#insertRoom.run(number, name);
      }
      for (const chunk of this.#chunks) this.#store(chunk);
    });
  }

  #store({ room, first, count, keys, body }: Chunk): void {
    this.#insert.run(room, first, count, this.#at, keys.encode(), body);
  }

  #commit(): void {
    for (const room of this.#touchedRooms) {
      if (room.unexpired > room.last) room.unexpiredAt = this.#at;
      room.last = room.next;
      room.openChunk = undefined;
    }
  }

  #rollback(): void {
    for (const room of this.#touchedRooms) {
      room.next = room.last;
      room.openChunk = undefined;
    }
    this.#rooms.rollback(this.#lastRoomBefore);
  }

  #advance(now: number): void {
    const at = Math.floor(now);
    if (at <= this.#at) {
      if (this.#at - at <= MAX_CLOCK_LEAD) return;
      logger.warn(
        "The newest message is from {newest}, but the clock says {now}: new messages are dated by " +
          "the clock",
        { newest: this.#timestamp, now: new Date(at).toISOString() },
      );
    }
    this.#timestamp = new Date(at).toISOString();
    this.#at = at;
  }
}

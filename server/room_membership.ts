import type { Broker, Range } from "../broker/broker.ts";
import { CLOSE, type Message, type RoomPosition } from "../protocol.ts";
import type { Cancel, ServerClock } from "../lib/clock.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Encoder } from "./encoders/encoder.ts";
import type { JoinSnapshot } from "./join_result.ts";
import type { Connection } from "./connection.ts";
import { coalesceDelay } from "./fan_out_buffer.ts";
import { presenceWindow } from "./presence.ts";
import { Room } from "./room.ts";
import type { Session } from "./session.ts";
import { type EncodedMessage, encodeMessage, RecentMessages } from "./recent_messages.ts";

/** UTF-16 units of JSON in one page of replayed history: well under any outbox. */
const PAGE_LENGTH = 256 * 1024;

/** Messages read from the log at once while replaying. */
const PAGE_MESSAGES = 500;

/** Milliseconds between looks at a connection that is being replayed to and has not drained yet. */
const DRAIN_POLL = 20;

/** A room on the way in: what to tell the client, then where it goes on. */
export interface JoinResult {
  readonly room: Room;
  readonly snapshot: JoinSnapshot;
  /** The newest id that `entered` holds. */
  readonly cursor: number;
}

/** The rooms that somebody is in: entering without a gap, delivering, presence. */
export class RoomMembership {
  readonly #rooms = new Map<string, Room>();
  /** Messages that arrived for rooms that are being opened, by room. */
  readonly #opening = new Map<
    string,
    { readonly room: Promise<Room>; readonly early: Message[] }
  >();
  /** Rooms with a `presence` frame on the way. */
  readonly #announcing = new Map<Room, Cancel>();

  constructor(
    private readonly broker: Broker,
    private readonly clock: ServerClock,
    private readonly counters: Counters,
    private readonly replay: number,
  ) {}

  /** The room, if anybody is in it. */
  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** How many rooms somebody is in. */
  get size(): number {
    return this.#rooms.size;
  }

  /** All rooms that somebody is in. */
  all(): Iterable<Room> {
    return this.#rooms.values();
  }

  /**
   * Makes `session` a member of a room and reads what it is to be shown first. The caller passes
   * that on, then calls {@linkcode goLive}: what is published meanwhile is not lost, it is read
   * from the log from `cursor` on. Returns `undefined` when the session ended meanwhile.
   */
  async join(session: Session, position: RoomPosition): Promise<JoinResult | undefined> {
    let room = await this.#open(position.room);
    // Its last member may have left, and closed it, since it was found or opened.
    while (this.#rooms.get(room.name) !== room) room = await this.#open(position.room);
    if (session.ended) {
      this.#closeIfEmpty(room);
      return undefined;
    }
    // Who enters again starts over from its position: nothing live may come in between.
    if (session.connection !== undefined) this.#withdraw(session.connection, room);
    if (!room.has(session)) {
      session.rooms.push(room);
      this.changed();
      if (room.add(session)) {
        this.#tellListed(room, session.name);
        room.presence.join(session.name);
        this.#announce(room);
      }
    }
    const found = await this.#goOn(room, position) ?? await this.#newest(room, position);
    const { entries, recovered } = found;
    const cursor = entries.at(-1)?.message.id ?? found.last;
    return {
      room,
      cursor,
      snapshot: {
        fields: room.fields(session.name, found.last, recovered),
        history: entries,
        ...(found.json === undefined ? {} : { historyJson: found.json }),
      },
    };
  }

  /** Lets a connection take part in a room it has entered: first what it has not read yet, then live. */
  goLive(peer: Connection, { room, cursor }: JoinResult): void {
    if (!peer.open || peer.session === undefined || !room.has(peer.session)) return;
    room.connections.add(peer);
    if (cursor >= room.last) {
      room.fanOut.markDelivered(peer, cursor);
      return;
    }
    room.replayCursors.set(peer, cursor);
    if (this.#catchUp(room, peer)) return;
    this.#replay(room, peer).catch((error) => peer.fail(error));
  }

  /** A room that `peer` is in, as it stands: nothing is shown again, and what is live goes on. */
  currentSnapshot(peer: Connection, room: Room): JoinSnapshot {
    const waiting = room.fanOut.entries[0]?.message.id;
    return {
      // What is on its way to this connection does not count as had.
      fields: room.fields(
        peer.session?.name ?? "",
        room.replayCursors.get(peer) ?? (waiting === undefined ? room.last : waiting - 1),
        true,
      ),
      history: [],
    };
  }

  /** Notes that who is here, and where, is not what it was. */
  changed(): void {
    this.counters.changes++;
  }

  /** Takes a connection out of its rooms; its session stays a member. */
  detach(peer: Connection): void {
    for (const room of peer.session?.rooms ?? []) this.#withdraw(peer, room);
  }

  /** Ends a membership. */
  leave(session: Session, room: Room): void {
    const index = session.rooms.indexOf(room);
    if (index < 0) return;
    session.rooms.splice(index, 1);
    this.changed();
    if (session.connection !== undefined) this.#withdraw(session.connection, room);
    const seen = room.remove(session);
    if (this.#closeIfEmpty(room) || !seen) return;
    this.#tellListed(room, session.name);
    room.presence.leave(session.name);
    this.#announce(room);
  }

  /** Lets everybody who shares a room know of a new name. */
  renamed(session: Session, from: string): void {
    for (const room of session.rooms) {
      this.#tellListed(room, from);
      room.presence.rename(from, session.name);
      this.#announce(room);
    }
  }

  /**
   * Sends what was appended to everybody in its room, each message encoded once. `author` tells
   * which session wrote a message here, for those who want no echo.
   */
  deliver(messages: readonly Message[], author: (index: number) => Session | undefined): void {
    const byRoom = new Map<
      string,
      { entries: EncodedMessage[]; authors: (Session | undefined)[] }
    >();
    messages.forEach((message, index) => {
      this.#opening.get(message.room)?.early.push(message);
      if (!this.#rooms.has(message.room)) return;
      let group = byRoom.get(message.room);
      if (group === undefined) byRoom.set(message.room, group = { entries: [], authors: [] });
      group.entries.push(encodeMessage(message));
      group.authors.push(author(index));
    });
    for (const [name, { entries, authors }] of byRoom) {
      const room = this.#rooms.get(name);
      if (room !== undefined) this.#accept(room, entries, authors);
    }
  }

  /** Lets go of messages in memory that retention no longer keeps. */
  expire(): void {
    const now = this.clock.now();
    for (const { recent } of this.#rooms.values()) recent.expire(now);
  }

  /** Sends what waits for a rest to end. */
  flush(): void {
    for (const room of this.#rooms.values()) this.#fanOut(room);
  }

  /** Ends everything that would still happen by itself. */
  stop(): void {
    for (const cancel of this.#announcing.values()) cancel();
    this.#announcing.clear();
    for (const room of this.#rooms.values()) room.fanOut.clear();
  }

  #withdraw(peer: Connection, room: Room): void {
    room.connections.delete(peer);
    room.replayCursors.delete(peer);
    room.fanOut.forget(peer);
  }

  #closeIfEmpty(room: Room): boolean {
    if (!room.empty) return false;
    this.#announcing.get(room)?.();
    this.#announcing.delete(room);
    room.fanOut.clear();
    this.#rooms.delete(room.name);
    return true;
  }

  /** Sends what is new now if the room had its rest, else its authors' own and the rest later. */
  #accept(
    room: Room,
    entries: readonly EncodedMessage[],
    authors: readonly (Session | undefined)[],
  ): void {
    room.recent.push(entries);
    room.last = entries.at(-1)?.message.id ?? room.last;
    const { fanOut } = room;
    fanOut.add(entries, authors);
    const now = this.clock.monotonic();
    if (now >= fanOut.nextFlushAt || fanOut.full) {
      this.#fanOut(room);
      return;
    }
    // Whoever waits for its own message to go on is not kept waiting.
    for (const author of new Set(authors)) if (author !== undefined) this.#echo(room, author);
    if (fanOut.nextFlushAt !== Infinity) this.#fanOutLater(room, now);
  }

  #echo(room: Room, author: Session): void {
    const { connection, echo } = author;
    if (
      connection === undefined || !echo || !room.connections.has(connection) ||
      room.replayCursors.has(connection)
    ) return;
    const entries = room.fanOut.undelivered(connection) ?? room.fanOut.entries;
    room.fanOut.markDelivered(connection, room.last);
    connection.enqueue(connection.encoder.messages(entries, room.epoch));
    this.counters.deliveries += entries.length;
  }

  #fanOut(room: Room): void {
    const { fanOut } = room;
    const { entries } = fanOut;
    if (fanOut.empty) return;
    let batch: string | undefined;
    const frames = new Map<Encoder, readonly string[]>();
    for (const peer of room.connections) {
      if (room.replayCursors.size > 0 && room.replayCursors.has(peer)) continue;
      const { encoder } = peer;
      const rest = fanOut.undelivered(peer);
      this.counters.deliveries += rest?.length ?? entries.length;
      if (rest !== undefined) {
        peer.enqueue(encoder.messages(rest, room.epoch));
      } else if (encoder.batches) {
        batch ??= entries.map((entry) => entry.json).join("\n");
        peer.enqueueBatch(batch);
      } else {
        let encoded = frames.get(encoder);
        if (encoded === undefined) {
          frames.set(encoder, encoded = encoder.messages(entries, room.epoch));
        }
        peer.enqueue(encoded);
      }
    }
    fanOut.clear();
    const rest = coalesceDelay(room.connections.size);
    if (rest === 0) return;
    fanOut.nextFlushAt = Infinity;
    // By then the sockets were written to, however long that took.
    this.clock.next(() => {
      const now = this.clock.monotonic();
      fanOut.nextFlushAt = now + rest;
      if (!fanOut.empty) this.#fanOutLater(room, now);
    });
  }

  #fanOutLater(room: Room, now: number): void {
    const { fanOut } = room;
    fanOut.cancelTimer ??= this.clock.after(
      Math.ceil(fanOut.nextFlushAt - now),
      () => this.#fanOut(room),
    );
  }

  #open(name: string): Promise<Room> | Room {
    const room = this.#rooms.get(name);
    if (room !== undefined) return room;
    const opening = this.#opening.get(name);
    if (opening !== undefined) return opening.room;
    const early: Message[] = [];
    const opened = this.#load(name, early).finally(() => this.#opening.delete(name));
    this.#opening.set(name, { room: opened, early });
    return opened;
  }

  async #load(name: string, early: readonly Message[]): Promise<Room> {
    const { epoch, last } = await this.broker.head(name);
    const tail = new RecentMessages(this.broker.retention);
    const room = new Room(name, epoch, last, tail);
    if (this.replay > 0) {
      const newest = await this.broker.read(name, { before: last + 1, limit: this.replay });
      tail.push(newest.map(encodeMessage));
    }
    for (const message of early) {
      if (message.id <= room.last) continue;
      tail.push([encodeMessage(message)]);
      room.last = message.id;
    }
    this.#rooms.set(name, room);
    return room;
  }

  /** What follows on the client's position; `undefined` when there is none or it cannot be gone on from. */
  async #goOn(room: Room, position: RoomPosition): Promise<ReplayCursor | undefined> {
    const { after, epoch } = position;
    if (after === undefined || (epoch !== undefined && epoch !== room.epoch)) return undefined;
    if (after > room.last) return undefined;
    const last = room.last;
    const held = this.#held(room, after);
    if (held !== undefined) {
      const entries = page(held, "oldest");
      const whole = entries.length === held.length;
      return { entries, last, recovered: true, ...(whole ? { json: room.recent.json(held) } : {}) };
    }
    const entries = await this.#read(room.name, { after, limit: PAGE_MESSAGES });
    if (entries[0]?.message.id !== after + 1) return undefined;
    return { entries, last, recovered: true };
  }

  /** The newest messages, for who is new or cannot go on where it was. */
  async #newest(room: Room, position: RoomPosition): Promise<ReplayCursor> {
    const wanted = position.history ?? this.replay;
    const last = room.last;
    if (wanted === 0 || last === 0) return { entries: [], last, recovered: false };
    const held = this.#held(room, Math.max(0, last - wanted));
    if (held !== undefined) {
      const entries = page(held, "newest");
      return { entries, last, recovered: false, json: room.recent.json(entries) };
    }
    const entries = await this.#read(room.name, { before: last + 1, limit: wanted }, "newest");
    return { entries, last, recovered: false };
  }

  /** What the tail has above `after`; `undefined` when it does not reach back that far. */
  #held(room: Room, after: number): readonly EncodedMessage[] | undefined {
    room.recent.expire(this.clock.now());
    return room.recent.since(after, room.last);
  }

  async #read(
    room: string,
    range: Range,
    keep: "oldest" | "newest" = "oldest",
  ): Promise<readonly EncodedMessage[]> {
    return page((await this.broker.read(room, range)).map(encodeMessage), keep);
  }

  /** Sends what the tail holds beyond the peer's cursor; false when the tail does not reach back. */
  #catchUp(room: Room, peer: Connection): boolean {
    const cursor = room.replayCursors.get(peer);
    if (cursor === undefined) return true;
    const rest = this.#held(room, cursor);
    if (rest === undefined || page(rest, "oldest").length < rest.length) return false;
    room.replayCursors.delete(peer);
    room.fanOut.markDelivered(peer, room.last);
    peer.enqueue(peer.encoder.messages(rest, room.epoch));
    return true;
  }

  /** Sends the log page by page, no faster than the client reads, until the tail takes over. */
  async #replay(room: Room, peer: Connection): Promise<void> {
    while (!this.#catchUp(room, peer)) {
      const cursor = room.replayCursors.get(peer);
      if (cursor === undefined || !peer.open) return;
      const entries = await this.#read(room.name, { after: cursor, limit: PAGE_MESSAGES });
      // It may have left the room, or gone, while the log was read.
      if (room.replayCursors.get(peer) !== cursor || !peer.open) return;
      if (entries[0]?.message.id !== cursor + 1) {
        peer.close(CLOSE.fellBehind, "The history you were reading was trimmed: reconnect");
        return;
      }
      room.replayCursors.set(peer, entries.at(-1)?.message.id ?? cursor);
      peer.enqueue(peer.encoder.messages(entries, room.epoch));
      peer.flush();
      await this.#drained(peer);
    }
  }

  #drained(peer: Connection): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!peer.open || peer.transport.bufferedAmount < PAGE_LENGTH) resolve();
        else this.clock.after(DRAIN_POLL, look);
      };
      look();
    });
  }

  #announce(room: Room): void {
    if (this.#announcing.has(room)) return;
    const timer = this.clock.after(presenceWindow(room.online), () => {
      this.#announcing.delete(room);
      this.#tell(room);
    });
    this.#announcing.set(room, timer);
  }

  /** Tells at once what was not told yet, if somebody has from a list what is about to change. */
  #tellListed(room: Room, name: string): void {
    if (room.presence.isListed(name)) this.#tell(room);
  }

  #tell(room: Room): void {
    const frame = room.presence.take(room.name, room.online);
    if (frame !== undefined) room.broadcast(frame, this.clock.now());
  }
}

/** Messages for somebody who enters, and whether they go on where it had stopped. */
interface ReplayCursor {
  readonly entries: readonly EncodedMessage[];
  readonly last: number;
  readonly recovered: boolean;
  readonly json?: string;
}

/** As many of `entries` as fit one page, from one end; at least one, so that there is always progress. */
function page(
  entries: readonly EncodedMessage[],
  keep: "oldest" | "newest",
): readonly EncodedMessage[] {
  let length = 0;
  let count = 0;
  while (count < entries.length) {
    const index = keep === "oldest" ? count : entries.length - 1 - count;
    length += entries[index]?.json.length ?? 0;
    if (count > 0 && length > PAGE_LENGTH) break;
    count++;
  }
  return keep === "oldest" ? entries.slice(0, count) : entries.slice(entries.length - count);
}

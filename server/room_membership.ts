import type { Broker, MessageDraft } from "../broker/broker.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Message, PresenceMode, RoomPosition } from "../protocol.ts";
import { type Connection, Session } from "./connection.ts";
import { CatchUp } from "./catch_up.ts";
import { type EncodedMessage, encodeMessage, type JoinSnapshot } from "./encoders/encoder.ts";
import type { Counters } from "./metrics/counters.ts";
import { RecentMessages } from "./recent_messages.ts";
import { Replay } from "./replay.ts";
import { Room } from "./room.ts";

/** A room of a `welcome`: the first page for the client, and the position to continue from. */
export interface RoomSnapshot {
  readonly room: Room;
  readonly snapshot: JoinSnapshot;
  /** The newest id in `snapshot`. */
  readonly cursor: number;
}

export interface RoomMembershipOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  readonly counters: Counters;
  /** Messages sent to clients that join and ask for no number. */
  readonly replay: number;
}

/**
 * The rooms in use: joining without a gap, leaving, and delivery of new messages.
 *
 * Messages reach the rooms only through its subscription to the broker: however they came into the
 * log, they are delivered in the order of the log.
 */
export class RoomMembership {
  readonly #options: RoomMembershipOptions;
  readonly #rooms = new Map<string, Room>();
  /** Rooms being opened, with messages that arrived meanwhile. */
  readonly #opening = new Map<
    string,
    { readonly room: Promise<Room>; readonly early: Message[] }
  >();
  readonly #replay: Replay;
  /** Sends history to clients that have entered a room. */
  readonly catchUp: CatchUp;
  readonly #subscription: Disposable;

  constructor(options: RoomMembershipOptions) {
    this.#options = options;
    const { broker, clock, replay } = options;
    this.#replay = new Replay(broker, clock, replay);
    this.catchUp = new CatchUp(this.#replay, clock);
    this.#subscription = broker.subscribe((messages, drafts) => this.#deliver(messages, drafts));
  }

  /** The room, if it is in use. */
  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  get size(): number {
    return this.#rooms.size;
  }

  all(): Iterable<Room> {
    return this.#rooms.values();
  }

  /**
   * Makes `session` a member of a room. It gets nothing of the room before its history: see
   * {@linkcode catchUp}. Returns `undefined` if the session ended meanwhile.
   */
  async enter(session: Session, name: string): Promise<Room | undefined> {
    let room = await this.#open(name);
    // Its last member may have left, and closed it, since it was found or opened.
    while (this.#rooms.get(room.name) !== room) room = await this.#open(name);
    if (session.ended) {
      this.#closeIfEmpty(room);
      return undefined;
    }
    // A client that joins again restarts from its position: no live message may come before that.
    if (session.connection !== undefined) room.disconnect(session.connection);
    if (!room.has(session)) {
      session.rooms.push(room.name);
      this.changed();
      room.add(session);
    }
    return room;
  }

  /** Reads the state of a room, with messages of at most `length` UTF-16 units, for a `welcome`. */
  async snapshot(
    session: Session,
    room: Room,
    position: RoomPosition,
    { length, presence }: { readonly length: number; readonly presence: PresenceMode },
  ): Promise<RoomSnapshot> {
    const { json, messages, cursor, ...state } = await this.#replay.startBounded(
      room,
      position,
      length,
    );
    const fields = room.joinFields(session.name, state, presence);
    return { room, cursor, snapshot: { fields, messages, messagesJson: json } };
  }

  /** Counts a change of members, rooms or names. */
  changed(): void {
    this.#options.counters.changes++;
  }

  /** Removes a connection from its rooms; its session stays a member. */
  detach(connection: Connection): void {
    for (const room of this.#roomsOf(connection.session)) room.disconnect(connection);
  }

  /** Ends a membership. */
  leave(session: Session, name: string): void {
    const index = session.rooms.indexOf(name);
    if (index < 0) return;
    session.rooms.splice(index, 1);
    this.changed();
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    if (session.connection !== undefined) room.disconnect(session.connection);
    room.remove(session);
    this.#closeIfEmpty(room);
  }

  /** Announces the new name of a session in its rooms. */
  renamed(session: Session, from: string): void {
    for (const room of this.#roomsOf(session)) room.rename(from, session.name);
  }

  /** Drops messages from memory that retention no longer keeps. */
  expire(): void {
    const now = this.#options.clock.now();
    for (const { recent } of this.#rooms.values()) recent.expire(now);
  }

  /** Sends messages that wait for the next fan-out. */
  flush(): void {
    for (const room of this.#rooms.values()) room.flush();
  }

  /** Ends the subscription and cancels all timers. */
  stop(): void {
    this.#subscription[Symbol.dispose]();
    this.catchUp.stop();
    for (const room of this.#rooms.values()) room.dispose();
  }

  *#roomsOf(session: Session | undefined): Generator<Room, void, undefined> {
    for (const name of session?.rooms ?? []) {
      const room = this.#rooms.get(name);
      if (room !== undefined) yield room;
    }
  }

  /** Delivers messages to their rooms, each encoded once. */
  #deliver(messages: readonly Message[], drafts: readonly MessageDraft[] | undefined): void {
    const batches = new Map<
      Room,
      { readonly messages: EncodedMessage[]; readonly authors: (Session | undefined)[] }
    >();
    messages.forEach((message, index) => {
      this.#opening.get(message.room)?.early.push(message);
      const room = this.#rooms.get(message.room);
      if (room === undefined) return;
      let batch = batches.get(room);
      if (batch === undefined) batches.set(room, batch = { messages: [], authors: [] });
      batch.messages.push(encodeMessage(message));
      const author = drafts?.[index]?.author;
      batch.authors.push(author instanceof Session ? author : undefined);
    });
    for (const [room, batch] of batches) room.publish(batch.messages, batch.authors);
  }

  #closeIfEmpty(room: Room): void {
    if (!room.empty) return;
    room.dispose();
    this.#rooms.delete(room.name);
  }

  #open(name: string): Promise<Room> | Room {
    const room = this.#rooms.get(name) ?? this.#opening.get(name)?.room;
    if (room !== undefined) return room;
    const early: Message[] = [];
    const opened = this.#load(name, early).finally(() => this.#opening.delete(name));
    this.#opening.set(name, { room: opened, early });
    return opened;
  }

  async #load(name: string, early: readonly Message[]): Promise<Room> {
    const { broker, replay } = this.#options;
    const { epoch, last } = await broker.head(name);
    const recent = new RecentMessages(broker.retention);
    const room = new Room(this.#options, { name, epoch, last, recent });
    if (replay > 0) {
      const newest = await broker.read(name, { before: last + 1, limit: replay });
      recent.push(newest.map(encodeMessage));
    }
    for (const message of early) {
      if (message.id <= room.last) continue;
      recent.push([encodeMessage(message)]);
      room.last = message.id;
    }
    this.#rooms.set(name, room);
    return room;
  }
}

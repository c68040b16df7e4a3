import type { Broker, MessageDraft } from "../broker/broker.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Message, RoomPosition } from "../protocol.ts";
import { type Connection, Session } from "./connection.ts";
import { type EncodedMessage, encodeMessage, type JoinSnapshot } from "./encoders/encoder.ts";
import type { Counters } from "./metrics/counters.ts";
import { RecentMessages } from "./recent_messages.ts";
import { Replay } from "./replay.ts";
import { Room } from "./room.ts";

/** A room being joined: the first page for the client, and the position to continue from. */
export interface JoinResult {
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
  readonly #subscription: Disposable;

  constructor(options: RoomMembershipOptions) {
    this.#options = options;
    const { broker, clock, replay } = options;
    this.#replay = new Replay(broker, clock, replay);
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
   * Makes `session` a member of a room and reads the first page of its history. The caller sends
   * that, then calls {@linkcode goLive}, which reads messages published meanwhile from the log.
   * Returns `undefined` if the session ended meanwhile.
   */
  async join(session: Session, position: RoomPosition): Promise<JoinResult | undefined> {
    let room = await this.#open(position.room);
    // Its last member may have left, and closed it, since it was found or opened.
    while (this.#rooms.get(room.name) !== room) room = await this.#open(position.room);
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
    const { messages, last, recovered, json } = await this.#replay.start(room, position);
    return {
      room,
      cursor: messages.at(-1)?.message.id ?? last,
      snapshot: {
        fields: room.joinFields(session.name, last, recovered),
        history: messages,
        historyJson: json,
      },
    };
  }

  /** Delivers the messages of a joined room to `connection`: first the rest of the log, then live. */
  goLive(connection: Connection, { room, cursor }: JoinResult): void {
    const { session } = connection;
    if (!connection.open || session === undefined || !room.has(session)) return;
    room.connections.add(connection);
    if (cursor >= room.last) room.goLive(connection, cursor);
    else this.#replay.continue(room, connection, cursor);
  }

  /** The present state of the rooms that `session` is in, without history. */
  currentSnapshots(connection: Connection, session: Session): readonly JoinSnapshot[] {
    return session.rooms.flatMap((name) => {
      const room = this.#rooms.get(name);
      if (room === undefined) return [];
      const fields = room.joinFields(session.name, room.cursorOf(connection), true);
      return [{ fields, history: [] }];
    });
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

import type { Cancel, ServerClock } from "../lib/clock.ts";
import { type Joined, MAX_NAMED_MEMBERS } from "../protocol.ts";
import type { Connection, Session } from "./connection.ts";
import type { ControlFrame, EncodedMessage, Encoder } from "./encoders/encoder.ts";
import { coalesceDelay, FanOutBuffer } from "./fan_out_buffer.ts";
import type { Counters } from "./metrics/counters.ts";
import { PresenceChanges, presenceWindow } from "./presence.ts";
import type { RecentMessages } from "./recent_messages.ts";

/** Sends `frame` to each of `connections`, encoded once for each kind of client. */
export function broadcast(
  connections: Iterable<Connection>,
  frame: ControlFrame,
  now: number,
  except?: Connection,
): void {
  const encoded = new Map<Encoder, readonly string[]>();
  for (const connection of connections) {
    if (connection === except) continue;
    let frames = encoded.get(connection.encoder);
    if (frames === undefined) {
      frames = connection.encoder.control(frame, now);
      encoded.set(connection.encoder, frames);
    }
    connection.enqueue(frames);
  }
}

/** The parts that all rooms share. */
export interface RoomOptions {
  readonly clock: ServerClock;
  readonly counters: Counters;
}

/** The state of a room's log. */
interface RoomState {
  readonly name: string;
  readonly epoch: string;
  /** The newest id. */
  readonly last: number;
  readonly recent: RecentMessages;
}

/** A room that has at least one member or observer. */
export class Room {
  readonly name: string;
  readonly epoch: string;
  /** The newest id. */
  last: number;
  readonly recent: RecentMessages;
  /** Includes sessions in their grace time. */
  readonly members = new Set<Session>();
  /** Members with a sibling session in the room: they do not count as online. */
  #duplicateSessions = 0;
  /** Sessions that only listen: they neither appear in presence nor count as online. */
  readonly observers = new Set<Session>();
  /** The connections of members and observers. */
  readonly connections = new Set<Connection>();
  /** Connections that still read the log, with the last id they got. */
  readonly replayCursors = new Map<Connection, number>();
  readonly #presence = new PresenceChanges();
  #cancelPresence: Cancel | undefined;
  readonly #buffer = new FanOutBuffer();
  readonly #options: RoomOptions;

  constructor(options: RoomOptions, { name, epoch, last, recent }: RoomState) {
    this.#options = options;
    this.name = name;
    this.epoch = epoch;
    this.last = last;
    this.recent = recent;
  }

  /** Members, counted once for each person. */
  get online(): number {
    return this.members.size - this.#duplicateSessions;
  }

  get empty(): boolean {
    return this.members.size === 0 && this.observers.size === 0;
  }

  /** Whether presence names members one by one: in larger rooms, joins would cost n². */
  get small(): boolean {
    return this.members.size <= MAX_NAMED_MEMBERS;
  }

  has(session: Session): boolean {
    return (session.observer ? this.observers : this.members).has(session);
  }

  /** Adds a session, and announces it unless a sibling session is here. */
  add(session: Session): void {
    if (session.observer) {
      this.observers.add(session);
      return;
    }
    const duplicate = this.#hasSiblingOf(session);
    this.members.add(session);
    if (duplicate) {
      this.#duplicateSessions++;
      return;
    }
    this.#flushPresenceOf(session.name);
    this.#presence.join(session.name);
    this.#announceLater();
  }

  /** Removes a session, and announces that unless a sibling session is still here. */
  remove(session: Session): void {
    if (this.observers.delete(session)) return;
    this.members.delete(session);
    if (this.#hasSiblingOf(session)) {
      this.#duplicateSessions--;
      return;
    }
    this.#flushPresenceOf(session.name);
    this.#presence.leave(session.name);
    this.#announceLater();
  }

  /** Announces the new name of a member. */
  rename(from: string, to: string): void {
    this.#flushPresenceOf(from);
    this.#presence.rename(from, to);
    this.#announceLater();
  }

  #hasSiblingOf(session: Session): boolean {
    for (const sibling of session.siblingSessions ?? []) {
      if (sibling !== session && this.members.has(sibling)) return true;
    }
    return false;
  }

  /** Removes a connection; its session stays a member. */
  disconnect(connection: Connection): void {
    this.connections.delete(connection);
    this.replayCursors.delete(connection);
    this.#buffer.forget(connection);
  }

  /** Delivers live messages to `connection` from now on: it has every message up to `cursor`. */
  goLive(connection: Connection, cursor: number): void {
    this.replayCursors.delete(connection);
    this.#buffer.markDelivered(connection, cursor);
  }

  /** The last id sent to a connection; messages in the fan-out buffer are not sent yet. */
  cursorOf(connection: Connection): number {
    const waiting = this.#buffer.messages[0]?.message.id;
    return this.replayCursors.get(connection) ??
      (waiting === undefined ? this.last : waiting - 1);
  }

  /** The fields of `joined` for the session called `name`. */
  joinFields(name: string, last: number, recovered: boolean): Omit<Joined, "history"> {
    const { small, online } = this;
    const fields = { room: this.name, epoch: this.epoch, last, recovered, online };
    if (!small) return fields;
    this.#presence.listed(name);
    return { ...fields, members: this.names(MAX_NAMED_MEMBERS) };
  }

  /** The names of at most `limit` members. */
  names(limit: number): readonly string[] {
    const names = new Set<string>();
    for (const member of this.members) {
      if (names.size >= limit) break;
      names.add(member.name);
    }
    return [...names];
  }

  /** Sends `frame` to all connections, encoded once for each kind of client. */
  broadcast(frame: ControlFrame, except?: Connection): void {
    broadcast(this.connections, frame, this.#options.clock.now(), except);
  }

  /**
   * Sends new messages to all connections: immediately, or with others that follow if the last
   * fan-out was a moment ago. Authors do not wait for their own messages.
   *
   * @param authors for each message the local session that wrote it, if any.
   */
  publish(messages: readonly EncodedMessage[], authors: readonly (Session | undefined)[]): void {
    this.recent.push(messages);
    this.last = messages.at(-1)?.message.id ?? this.last;
    const buffer = this.#buffer;
    buffer.add(messages, authors);
    const now = this.#options.clock.monotonic();
    if (now >= buffer.nextFlushAt || buffer.full) {
      this.flush();
      return;
    }
    for (const author of new Set(authors)) if (author !== undefined) this.#echo(author);
    if (buffer.nextFlushAt !== Infinity) this.#flushLater(now);
  }

  /** Sends the messages that wait for the next fan-out. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer.empty) return;
    const { clock, counters } = this.#options;
    const { messages } = buffer;
    let batch: string | undefined;
    const encoded = new Map<Encoder, readonly string[]>();
    for (const connection of this.connections) {
      if (this.replayCursors.size > 0 && this.replayCursors.has(connection)) continue;
      const { encoder } = connection;
      const undelivered = buffer.undelivered(connection);
      counters.deliveries += undelivered?.length ?? messages.length;
      if (undelivered !== undefined) {
        connection.enqueue(encoder.messages(undelivered, this.epoch));
      } else if (encoder.batches) {
        batch ??= messages.map(({ json }) => json).join("\n");
        connection.enqueueBatch(batch);
      } else {
        let frames = encoded.get(encoder);
        if (frames === undefined) {
          encoded.set(encoder, frames = encoder.messages(messages, this.epoch));
        }
        connection.enqueue(frames);
      }
    }
    buffer.clear();
    const delay = coalesceDelay(this.connections.size);
    if (delay === 0) return;
    buffer.nextFlushAt = Infinity;
    // By then the sockets were written to, however long that took.
    clock.next(() => {
      const now = clock.monotonic();
      buffer.nextFlushAt = now + delay;
      if (!buffer.empty) this.#flushLater(now);
    });
  }

  /** Cancels all timers. */
  dispose(): void {
    this.#cancelPresence?.();
    this.#cancelPresence = undefined;
    this.#buffer.clear();
  }

  #flushLater(now: number): void {
    const buffer = this.#buffer;
    buffer.cancelTimer ??= this.#options.clock.after(
      Math.ceil(buffer.nextFlushAt - now),
      () => this.flush(),
    );
  }

  #echo({ connection, echo }: Session): void {
    if (connection === undefined || !echo || !this.connections.has(connection)) return;
    if (this.replayCursors.has(connection)) return;
    const messages = this.#buffer.undelivered(connection) ?? this.#buffer.messages;
    this.#buffer.markDelivered(connection, this.last);
    connection.enqueue(connection.encoder.messages(messages, this.epoch));
    this.#options.counters.deliveries += messages.length;
  }

  #announceLater(): void {
    this.#cancelPresence ??= this.#options.clock.after(presenceWindow(this.online), () => {
      this.#cancelPresence = undefined;
      this.#announce();
    });
  }

  /**
   * Announces pending changes at once if a client saw `name` in a list of members that the next
   * change contradicts.
   */
  #flushPresenceOf(name: string): void {
    if (this.#presence.isListed(name)) this.#announce();
  }

  #announce(): void {
    const frame = this.#presence.take(this.name, this.online);
    if (frame !== undefined) this.broadcast(frame);
  }
}

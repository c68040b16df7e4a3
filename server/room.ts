import type { Cancel, ServerClock } from "../lib/clock.ts";
import {
  type Accounts,
  type Joined,
  MAX_NAMED_MEMBERS,
  type Presence,
  type PresenceMode,
} from "../protocol.ts";
import { type Connection, FRAME_LENGTH, type Session } from "./connection.ts";
import type { ControlFrame, EncodedMessage, Encoder } from "./encoders/encoder.ts";
import { coalesceDelay, FanOutBuffer } from "./fan_out_buffer.ts";
import type { Counters } from "./metrics/counters.ts";
import { PresenceChanges, type PresenceLists, presenceWindow } from "./presence.ts";
import type { RecentMessages } from "./recent_messages.ts";

/**
 * Members below which a room names them again: some fewer than the limit, so that a room at the limit
 * does not send its whole list again and again.
 */
const NAMED_AGAIN_BELOW = 0.9 * MAX_NAMED_MEMBERS;

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

/** Where the history of a client that joins begins and ends. */
export interface JoinState extends Pick<Joined, "first" | "last" | "recovered" | "more"> {
  readonly reset?: Joined["reset"] | undefined;
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
  /** Connections that asked for less than names. */
  readonly #modes = new Map<Connection, Exclude<PresenceMode, "names">>();
  readonly #presence = new PresenceChanges();
  /** Whether the room names its members. */
  #named = true;
  /** Whether the last announcement did. */
  #announcedNames = true;
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
  get named(): boolean {
    return this.#named;
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
    if (this.members.size > MAX_NAMED_MEMBERS) this.#named = false;
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
    if (this.members.size < NAMED_AGAIN_BELOW) this.#named = true;
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

  /** Adds a connection that has every message up to `cursor` and is not live yet. */
  connect(connection: Connection, cursor: number, presence: PresenceMode): void {
    this.connections.add(connection);
    this.replayCursors.set(connection, cursor);
    if (presence !== "names") this.#modes.set(connection, presence);
  }

  /** Removes a connection; its session stays a member. */
  disconnect(connection: Connection): void {
    this.connections.delete(connection);
    this.#modes.delete(connection);
    this.replayCursors.delete(connection);
    this.#buffer.forget(connection);
  }

  /** Delivers live messages to `connection` from now on: it has every message up to `cursor`. */
  goLive(connection: Connection, cursor: number): void {
    this.replayCursors.delete(connection);
    this.#buffer.markDelivered(connection, cursor);
  }

  /** The fields of `joined` for the session called `name`. */
  joinFields(
    name: string,
    { first, last, recovered, reset, more }: JoinState,
    presence: PresenceMode = "names",
  ): Omit<Joined, "messages"> {
    const { online, epoch } = this;
    const state = {
      room: this.name,
      epoch,
      first,
      last,
      recovered,
      ...(reset === undefined ? {} : { reset }),
      online,
      more,
    };
    if (!this.#named || presence !== "names") return state;
    this.#presence.listed(name);
    return { ...state, ...this.namedMembers(MAX_NAMED_MEMBERS) };
  }

  /** The names of at most `limit` members, and the accounts of the proven ones. */
  namedMembers(
    limit: number,
  ): { readonly members: readonly string[]; readonly accounts?: Accounts } {
    const members = this.names(limit);
    return { members, ...this.#accountsOf(new Set(members)) };
  }

  #accountsOf(names: ReadonlySet<string>): { readonly accounts?: Accounts } {
    const accounts: [string, string][] = [];
    for (const { name, identity } of this.members) {
      if (identity !== undefined && names.has(name)) accounts.push([name, identity]);
    }
    // Not by assignment: a name may be `__proto__`.
    return accounts.length === 0 ? {} : { accounts: Object.fromEntries(accounts) };
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

  /** Tells the others that a member started or stopped typing. */
  broadcastTyping(sender: string, active: boolean, except: Connection): void {
    // Not in large rooms, where it would cost much and help no reader.
    if (!this.#named) return;
    const frame = { type: "typing" as const, room: this.name, sender, active };
    broadcast(this.#connectionsWith("names", "count"), frame, this.#options.clock.now(), except);
  }

  #connectionsWith(...modes: readonly PresenceMode[]): Iterable<Connection> {
    if (this.#modes.size === 0) return modes.includes("names") ? this.connections : [];
    return [...this.connections].filter((each) => modes.includes(this.#modes.get(each) ?? "names"));
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
    let batches: readonly string[] | undefined;
    const encoded = new Map<Encoder, readonly string[]>();
    for (const connection of this.connections) {
      if (this.replayCursors.size > 0 && this.replayCursors.has(connection)) continue;
      const { encoder } = connection;
      const undelivered = buffer.undelivered(connection);
      counters.deliveries += undelivered?.length ?? messages.length;
      if (undelivered !== undefined) {
        connection.enqueue(encoder.messages(undelivered, this.epoch));
      } else if (encoder.batches) {
        batches ??= joined(messages);
        for (const batch of batches) connection.enqueueBatch(batch);
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
    const { online, name: room } = this;
    const changes = this.#presence.take();
    const returns = this.#named && !this.#announcedNames;
    const ends = !this.#named && this.#announcedNames;
    if (changes === undefined && !returns && !ends) return;
    this.#announcedNames = this.#named;
    const count: Presence = { type: "presence", room, online };
    const now = this.#options.clock.now();
    const isList = returns || changes === "many" || changes === undefined;
    const named = isList
      ? { ...count, ...this.namedMembers(MAX_NAMED_MEMBERS) }
      : { ...count, ...changes, ...this.#accountsOf(newNames(changes)) };
    broadcast(this.#connectionsWith("names"), this.#named ? named : count, now);
    broadcast(this.#connectionsWith("count"), count, now);
  }
}

/** Joins messages into batches that fit a frame: one, unless they are very long. */
function joined(messages: readonly EncodedMessage[]): readonly string[] {
  const batches: string[][] = [[]];
  let length = 0;
  for (const { json } of messages) {
    length += json.length + 1;
    if (length > FRAME_LENGTH && length > json.length + 1) {
      batches.push([]);
      length = json.length + 1;
    }
    batches.at(-1)?.push(json);
  }
  // Not by `+=`: every connection sends them, and flat strings are faster to send than joined ones.
  return batches.map((batch) => batch.join("\n"));
}

function newNames({ joined = [], renamed = [] }: PresenceLists): ReadonlySet<string> {
  return new Set([...joined, ...renamed.map(({ to }) => to)]);
}

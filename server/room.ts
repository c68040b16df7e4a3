import { type Joined, MAX_NAMED_MEMBERS } from "../protocol.ts";
import type { ControlFrame } from "./encoders/encoder.ts";
import type { Connection } from "./connection.ts";
import { PresenceChanges } from "./presence.ts";
import { FanOutBuffer } from "./fan_out_buffer.ts";
import type { Session } from "./session.ts";
import { RecentMessages } from "./recent_messages.ts";
import { broadcast } from "./broadcast.ts";

/** One room while somebody is in it. */
export class Room {
  /** Everybody who is in the room, those in their grace time included. */
  readonly members = new Set<Session>();
  /** Those among them whose person is here with another session too. */
  #doubles = 0;
  /** Those who only listen: nobody is told of them, and they count for nobody. */
  readonly observers = new Set<Session>();
  /** The connections of all of them. */
  readonly connections = new Set<Connection>();
  /** Connections that are still reading the log, with the id up to which they have read. */
  readonly replayCursors = new Map<Connection, number>();
  readonly presence = new PresenceChanges();
  /** Messages that are in the log and wait for the next fan-out. */
  readonly fanOut = new FanOutBuffer();

  constructor(
    readonly name: string,
    readonly epoch: string,
    /** The newest id. */
    public last: number,
    readonly recent: RecentMessages,
  ) {}

  /** How many people are here. */
  get online(): number {
    return this.members.size - this.#doubles;
  }

  /** Whether nobody is here, not even to listen. */
  get empty(): boolean {
    return this.members.size === 0 && this.observers.size === 0;
  }

  /** Whether `session` is here. */
  has(session: Session): boolean {
    return (session.observer ? this.observers : this.members).has(session);
  }

  /** Adds a session; false when nobody is to hear of it, as its person was here already. */
  add(session: Session): boolean {
    if (session.observer) {
      this.observers.add(session);
      return false;
    }
    const double = this.#hasTwinOf(session);
    this.members.add(session);
    if (double) this.#doubles++;
    return !double;
  }

  /** Removes a session; false when nobody is to hear of it, as its person is still here. */
  remove(session: Session): boolean {
    if (this.observers.delete(session)) return false;
    this.members.delete(session);
    const double = this.#hasTwinOf(session);
    if (double) this.#doubles--;
    return !double;
  }

  #hasTwinOf(session: Session): boolean {
    for (const twin of session.siblingSessions ?? []) {
      if (twin !== session && this.members.has(twin)) return true;
    }
    return false;
  }

  /** Whether its members are named one by one: beyond that, joins would cost n². */
  get small(): boolean {
    return this.members.size <= MAX_NAMED_MEMBERS;
  }

  /** What is told of the room to `name`, who enters it. */
  fields(name: string, last: number, recovered: boolean): Omit<Joined, "history"> {
    if (this.small) this.presence.listed(name);
    return {
      room: this.name,
      epoch: this.epoch,
      last,
      recovered,
      online: this.online,
      ...(this.small ? { members: this.names(MAX_NAMED_MEMBERS) } : {}),
    };
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

  /** Sends `frame` to everybody here, encoded once for each kind of client. */
  broadcast(frame: ControlFrame, now: number, except?: Connection): void {
    broadcast(this.connections, frame, now, except);
  }
}

import { MAX_NAMED_MEMBERS } from "../protocol.ts";
import type { ControlFrame, Dialect } from "./dialect.ts";
import type { Peer } from "./peer.ts";
import { PresenceChanges } from "./presence.ts";
import { Pending } from "./pending.ts";
import type { Session } from "./session.ts";
import { Tail } from "./tail.ts";

/** One room while somebody is in it. */
export class Room {
  /** Everybody who is in the room, those in their grace time included. */
  readonly members = new Set<Session>();
  /** The connections among them. */
  readonly peers = new Set<Peer>();
  /** Connections that are still reading the log, with the id up to which they have read. */
  readonly behind = new Map<Peer, number>();
  readonly changes = new PresenceChanges();
  /** Messages that are in the log and wait for the next fan-out. */
  readonly pending = new Pending();

  constructor(
    readonly name: string,
    readonly epoch: string,
    /** The newest id. */
    public last: number,
    readonly tail: Tail,
  ) {}

  /** How many are here. */
  get online(): number {
    return this.members.size;
  }

  /** Whether its members are named one by one: beyond that, joins would cost n². */
  get small(): boolean {
    return this.members.size <= MAX_NAMED_MEMBERS;
  }

  /** The names of at most `limit` members. */
  names(limit: number): readonly string[] {
    const names: string[] = [];
    for (const member of this.members) {
      if (names.length >= limit) break;
      names.push(member.name);
    }
    return names;
  }

  /** Sends `frame` to everybody here, encoded once for each kind of client. */
  tellAll(frame: ControlFrame, now: number, except?: Peer): void {
    const encoded = new Map<Dialect, readonly string[]>();
    for (const peer of this.peers) {
      if (peer === except) continue;
      let frames = encoded.get(peer.dialect);
      if (frames === undefined) {
        frames = peer.dialect.control(frame, now);
        encoded.set(peer.dialect, frames);
      }
      peer.offer(frames);
    }
  }
}

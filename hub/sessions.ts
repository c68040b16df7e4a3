import { getLogger } from "@logtape/logtape";
import { CLOSE, nameKey } from "../protocol.ts";
import type { Clock } from "./clock.ts";
import { NameBook } from "./names.ts";
import type { Peer } from "./peer.ts";
import type { Rooms } from "./rooms.ts";
import { isSecret, newSecret, Session } from "./session.ts";

const logger = getLogger(["bcast", "hub"]);

/** Who is here, under which name, and for how long after a connection broke. */
export class Sessions {
  readonly #names = new NameBook<Session>();
  readonly #bySecret = new Map<string, Session>();
  /** Those without a connection, waiting for it to come back. */
  readonly #away = new Set<Session>();

  constructor(private readonly rooms: Rooms, private readonly clock: Clock) {}

  /** How many there are, those without a connection included. */
  get count(): number {
    return this.#bySecret.size;
  }

  /** Whose name it is. */
  find(name: string): Session | undefined {
    return this.#names.holder(name);
  }

  /** A new session for `peer`, under the free name nearest to `wanted`, or a guest's. */
  begin(peer: Peer, wanted?: string, secret?: string): Session {
    // A secret of before a restart of the hub stays what it was: its `ref`s are still known.
    const session = new Session(secret !== undefined && isSecret(secret) ? secret : newSecret());
    this.#bySecret.set(session.secret, session);
    if (wanted === undefined) {
      session.name = this.#names.takeGuest(session);
    } else {
      session.name = this.#names.takeNearest(wanted, session);
      session.guest = false;
    }
    this.#connect(session, peer);
    return session;
  }

  /** The session that `secret` belongs to, now on `peer`; `undefined` when there is none (any more). */
  resume(peer: Peer, secret: string): Session | undefined {
    const session = this.#bySecret.get(secret);
    if (session === undefined || session.peer === peer) return session;
    const old = session.peer;
    if (old !== undefined) {
      this.rooms.detach(old);
      old.session = undefined;
      old.close(CLOSE.replaced, "This session went on in another connection");
    }
    if (peer.session !== undefined) this.end(peer.session);
    this.#connect(session, peer);
    return session;
  }

  /** Changes a name; false when another has it. */
  rename(session: Session, name: string): boolean {
    const from = session.name;
    if (!this.#names.take(name, session)) return false;
    if (nameKey(from) !== nameKey(name)) this.#names.release(from, session);
    this.#renamed(session, name);
    return true;
  }

  /** Gives a guest the free name nearest to the one it signs its first message with. */
  nameGuest(session: Session, wanted: string): void {
    const from = session.name;
    const name = this.#names.takeNearest(wanted, session);
    this.#names.release(from, session);
    this.#renamed(session, name);
  }

  /** Parts a session from a connection that has ended; it waits `grace` milliseconds for another. */
  detach(peer: Peer, grace: number): void {
    const { session } = peer;
    if (session === undefined || session.peer !== peer) return;
    if (grace === 0) {
      this.end(session);
      return;
    }
    this.rooms.detach(peer);
    this.rooms.changed();
    session.peer = undefined;
    session.expires = this.clock.now() + grace;
    this.#away.add(session);
  }

  /** Ends a session: its rooms see it leave, its name is free. */
  end(session: Session): void {
    for (const room of [...session.rooms]) this.rooms.leave(session, room);
    this.rooms.changed();
    session.ended = true;
    session.peer = undefined;
    session.mail = [];
    this.#away.delete(session);
    this.#names.release(session.name, session);
    this.#bySecret.delete(session.secret);
  }

  /** Ends the sessions whose time to come back is over. */
  sweep(now: number): void {
    for (const session of this.#away) {
      if (session.expires <= now) this.end(session);
    }
  }

  #connect(session: Session, peer: Peer): void {
    this.rooms.changed();
    session.peer = peer;
    session.expires = Infinity;
    peer.session = session;
    this.#away.delete(session);
  }

  #renamed(session: Session, name: string): void {
    const from = session.name;
    session.guest = false;
    if (from === name) return;
    session.name = name;
    this.rooms.changed();
    logger.info("{connection} {from} is now {name}", {
      connection: session.peer?.id,
      from,
      name,
    });
    this.rooms.renamed(session, from);
  }
}

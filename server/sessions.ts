import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import { CLOSE, nameKey } from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import { NameBook } from "./names.ts";
import type { OwnedNames } from "./owned_names.ts";
import type { Connection } from "./connection.ts";
import type { RoomMembership } from "./room_membership.ts";
import { isSecret, newSecret, Session } from "./session.ts";

const logger = getLogger(["bcast", "hub"]);

/** Who is here, under which name, and for how long after a connection broke. */
export class Sessions {
  readonly #names: NameBook<Session>;
  readonly #bySecret = new Map<string, Session>();
  /** Those without a connection, waiting for it to come back. */
  readonly #away = new Set<Session>();

  /** @param onNamed is told of every session that begins, is taken up again, or has a new name. */
  constructor(
    private readonly rooms: RoomMembership,
    private readonly clock: ServerClock,
    private readonly owned: OwnedNames,
    private readonly onNamed: (session: Session) => void,
  ) {
    this.#names = new NameBook(owned);
  }

  /** How many there are, those included whose connection may come back. */
  get size(): number {
    return this.#bySecret.size;
  }

  /** All of them. */
  all(): Iterable<Session> {
    return this.#bySecret.values();
  }

  /** Whether nobody has `name`, nor a token that says so. */
  isFree(name: string): boolean {
    return this.#names.holder(name) === undefined && !this.owned.has(name);
  }

  /** Why `name` cannot be had: one that a token reserved may be of nobody who is here. */
  whyTaken(name: string): string {
    return this.owned.has(name)
      ? `${name} is reserved for a token: take another name`
      : `Somebody else is called ${name}: take another name`;
  }

  /** Why {@linkcode own} refuses `name` to a bearer of a token that says so. */
  whyNotOwn(name: string): string {
    return `A token that spells ${name} differently has the name: ask for another`;
  }

  /** Whether `name` is a token's. */
  isOwned(name: string): boolean {
    return this.owned.has(name);
  }

  /**
   * Keeps `name` for the bearers of its token, from whom it is taken who has it without one. False
   * when it is another person's.
   */
  own(name: string): boolean {
    const holder = this.#names.holder(name);
    // Its name may have been freed meanwhile, but it goes on under it.
    if (holder?.identity !== undefined && holder.identity !== name) return false;
    if (!this.owned.own(name)) return false;
    if (holder !== undefined && holder.identity === undefined) this.#displace(holder);
    return true;
  }

  /** Frees a name that a token owns; `in use` while such a token's bearer is here. */
  async release(name: string): Promise<"released" | "in use" | "free"> {
    if (this.#names.holder(name)?.identity !== undefined) return "in use";
    return await this.owned.release(name) ? "released" : "free";
  }

  /** Whose name it is. */
  find(name: string): Session | undefined {
    return this.#names.holder(name);
  }

  /**
   * A new session for `peer`: under the name of its token, else under the free name nearest to
   * `wanted`, else a guest's. `undefined` when the name of the token is another person's.
   */
  begin(peer: Connection, grant: Grant, wanted?: string, secret?: string): Session | undefined {
    // A secret of before a restart of the hub stays what it was: its `ref`s are still known.
    const known = secret !== undefined && isSecret(secret) && !this.#bySecret.has(secret);
    const session = new Session(known ? secret : newSecret(), grant);
    if (grant.name !== undefined) {
      if (!this.#nameByToken(session, grant.name)) return undefined;
    } else if (wanted === undefined) {
      session.name = this.#names.takeGuest(session);
    } else {
      session.name = this.#names.takeNearest(wanted, session);
      session.guest = false;
    }
    session.requestedName = wanted;
    this.#bySecret.set(session.secret, session);
    this.#connect(session, peer);
    return session;
  }

  /**
   * The session that `secret` belongs to, now on `peer`; `undefined` when there is none (any more),
   * or when it is that of a person whom `grant` does not name.
   */
  resume(peer: Connection, secret: string, grant: Grant): Session | undefined {
    const session = this.#bySecret.get(secret);
    if (session === undefined || session.identity !== grant.name) return undefined;
    session.grant = grant;
    if (session.connection === peer) return session;
    const old = session.connection;
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
    session.requestedName = name;
    this.#renamed(session, name);
    return true;
  }

  /** Gives a guest the free name nearest to the one it signs its first message with. */
  nameGuest(session: Session, wanted: string): void {
    const from = session.name;
    const name = this.#names.takeNearest(wanted, session);
    this.#names.release(from, session);
    session.requestedName = wanted;
    this.#renamed(session, name);
  }

  /** Parts a session from a connection that has ended; it waits `grace` milliseconds for another. */
  detach(peer: Connection, grace: number): void {
    const { session } = peer;
    if (session === undefined || session.connection !== peer) return;
    if (grace === 0) {
      this.end(session);
      return;
    }
    this.rooms.detach(peer);
    this.rooms.changed();
    session.connection = undefined;
    session.expiresAt = this.clock.now() + grace;
    this.#away.add(session);
  }

  /** Ends a session: its rooms see it leave, its name is free. */
  end(session: Session): void {
    for (const room of [...session.rooms]) this.rooms.leave(session, room);
    this.rooms.changed();
    session.ended = true;
    session.connection = undefined;
    session.pendingDirects = [];
    this.#away.delete(session);
    this.#bySecret.delete(session.secret);
    // Until now its token was good: however long it was here, that is when it was last seen.
    if (session.identity !== undefined && session.name !== "") this.owned.own(session.identity);
    session.siblingSessions?.delete(session);
    const [twin] = session.siblingSessions ?? [];
    if (twin === undefined) this.#names.release(session.name, session);
    else this.#names.put(session.name, twin);
  }

  /** Ends the sessions whose time to come back is over. */
  sweep(now: number): void {
    for (const session of this.#away) {
      if (session.expiresAt <= now) this.end(session);
    }
  }

  /** Gives a session the name of its token; who took that name without one has to leave it. */
  #nameByToken(session: Session, name: string): boolean {
    if (!this.own(name)) return false;
    const holder = this.#names.holder(name);
    session.name = name;
    session.guest = false;
    if (holder !== undefined) {
      session.siblingSessions = holder.siblingSessions ??= new Set([holder]);
      session.siblingSessions.add(session);
      return true;
    }
    this.#names.put(name, session);
    return true;
  }

  #displace(session: Session): void {
    const from = session.name;
    const name = this.#names.takeNearest(from, session);
    this.#names.release(from, session);
    this.#renamed(session, name);
    // It did not ask for this, and its rooms may tell it as something else: who came in only now is
    // not renamed there, but joins under the new name.
    this.#tellRenamed(session, from);
  }

  /** Tells a session of its new name where its rooms are too large to do so. */
  tellRenamed(session: Session, from: string): void {
    if (!session.rooms.some((room) => room.small)) this.#tellRenamed(session, from);
  }

  #tellRenamed(session: Session, from: string): void {
    const { connection } = session;
    if (connection === undefined) return;
    const renamed = [{ from, to: session.name }];
    const [room] = session.rooms;
    if (room === undefined) {
      const timestamp = new Date(this.clock.now()).toISOString();
      const message = `${from} is now ${session.name}`;
      connection.sendControl({ type: "system", message, timestamp, event: "rename" });
    } else {
      connection.sendControl({ type: "presence", room: room.name, online: room.online, renamed });
    }
  }

  #connect(session: Session, peer: Connection): void {
    this.rooms.changed();
    session.connection = peer;
    session.address = peer.address;
    session.expiresAt = Infinity;
    peer.session = session;
    this.#away.delete(session);
    this.onNamed(session);
  }

  #renamed(session: Session, name: string): void {
    const from = session.name;
    session.guest = false;
    if (from === name) return;
    session.name = name;
    this.rooms.changed();
    this.onNamed(session);
    logger.info("{connection} {from} is now {name}", {
      connection: session.connection?.id ?? "(away)",
      from,
      name,
    });
    this.rooms.renamed(session, from);
  }
}

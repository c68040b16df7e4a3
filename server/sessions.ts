import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { ServerClock } from "../lib/clock.ts";
import { CLOSE, nameKey } from "../protocol.ts";
import { type Connection, isSecret, newSecret, Session } from "./connection.ts";
import { NameBook } from "./names/name_book.ts";
import type { OwnedNames } from "./names/owned_names.ts";
import type { RoomMembership } from "./room_membership.ts";

const logger = getLogger(["bcast", "hub"]);

/** All sessions and their names, including sessions that wait for their client to reconnect. */
export class Sessions {
  readonly #names: NameBook<Session>;
  readonly #bySecret = new Map<string, Session>();
  /** Sessions in their grace time. */
  readonly #away = new Set<Session>();

  /** @param onNamed called with every session that begins, resumes or changes its name. */
  constructor(
    private readonly rooms: RoomMembership,
    private readonly clock: ServerClock,
    private readonly owned: OwnedNames,
    private readonly onNamed: (session: Session) => void,
  ) {
    this.#names = new NameBook(owned);
  }

  /** Includes sessions in their grace time. */
  get size(): number {
    return this.#bySecret.size;
  }

  all(): Iterable<Session> {
    return this.#bySecret.values();
  }

  /** Whether no session has `name` and no token owns it. */
  isFree(name: string): boolean {
    return this.#names.holder(name) === undefined && !this.owned.has(name);
  }

  /** The error for a name that is taken. Its owner is not necessarily connected. */
  whyTaken(name: string): string {
    return this.owned.has(name)
      ? `${name} is reserved for a token: choose another`
      : `The name ${name} is taken: choose another`;
  }

  /** The error when {@linkcode own} returns false. */
  whyNotOwn(name: string): string {
    return `A token that spells ${name} differently has the name: ask for another`;
  }

  /** Whether a token owns `name`. */
  isOwned(name: string): boolean {
    return this.owned.has(name);
  }

  /**
   * Reserves `name` for tokens that contain it, and renames a session that has it without one. False
   * if a token with another spelling owns it.
   */
  own(name: string): boolean {
    const holder = this.#names.holder(name);
    // Covers a name that was released while a session still uses it.
    if (holder?.identity !== undefined && holder.identity !== name) return false;
    if (!this.owned.own(name)) return false;
    if (holder !== undefined && holder.identity === undefined) this.#displace(holder);
    return true;
  }

  /** Frees a name that a token owns; `in use` while a session with such a token exists. */
  async release(name: string): Promise<"released" | "in use" | "free"> {
    if (this.#names.holder(name)?.identity !== undefined) return "in use";
    return await this.owned.release(name) ? "released" : "free";
  }

  /** The session with `secret`, unless it belongs to a token with another name. */
  withSecret(secret: string, grant: Grant): Session | undefined {
    const session = this.#bySecret.get(secret);
    return session?.identity === grant.name ? session : undefined;
  }

  /** The session called `name`. */
  find(name: string): Session | undefined {
    return this.#names.holder(name);
  }

  /**
   * Begins a session: with the name of its token, else the free name nearest to `wanted`, else a
   * guest name. `undefined` if another token owns the name of its token.
   */
  begin(
    connection: Connection,
    grant: Grant,
    wanted?: string,
    secret?: string,
  ): Session | undefined {
    // A secret from before a restart of the hub stays valid: the log still knows its keys.
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
    this.#connect(session, connection);
    return session;
  }

  /**
   * Moves the session with `secret` to `connection`. `undefined` if it has ended, or belongs to a
   * token with another name.
   */
  resume(connection: Connection, secret: string, grant: Grant): Session | undefined {
    const session = this.withSecret(secret, grant);
    if (session === undefined) return undefined;
    session.grant = grant;
    if (session.connection === connection) return session;
    const old = session.connection;
    if (old !== undefined) {
      this.rooms.detach(old);
      old.session = undefined;
      old.close(CLOSE.replaced, "This session continues in another connection");
    }
    if (connection.session !== undefined) this.end(connection.session);
    this.#connect(session, connection);
    return session;
  }

  /** Changes a name; false if it is taken. */
  rename(session: Session, name: string): boolean {
    const from = session.name;
    if (!this.#names.take(name, session)) return false;
    if (nameKey(from) !== nameKey(name)) this.#names.release(from, session);
    session.requestedName = name;
    this.#renamed(session, name);
    return true;
  }

  /** Gives a guest the free name nearest to the sender of its first message. */
  nameGuest(session: Session, wanted: string): void {
    const from = session.name;
    const name = this.#names.takeNearest(wanted, session);
    this.#names.release(from, session);
    session.requestedName = wanted;
    this.#renamed(session, name);
  }

  /** Separates a session from its ended connection, for at most `grace` milliseconds. */
  detach(connection: Connection, grace: number): void {
    const { session } = connection;
    if (session === undefined || session.connection !== connection) return;
    if (grace === 0) {
      this.end(session);
      return;
    }
    this.rooms.detach(connection);
    this.rooms.changed();
    session.connection = undefined;
    session.expiresAt = this.clock.now() + grace;
    this.#away.add(session);
  }

  /** Ends a session: it leaves its rooms, and its name is free. */
  end(session: Session): void {
    for (const room of [...session.rooms]) this.rooms.leave(session, room);
    this.rooms.changed();
    session.ended = true;
    session.connection = undefined;
    session.pendingDirects = [];
    this.#away.delete(session);
    this.#bySecret.delete(session.secret);
    // The name counts as last proved now, however long ago the session began.
    if (session.identity !== undefined && session.name !== "") this.owned.own(session.identity);
    session.siblingSessions?.delete(session);
    const [sibling] = session.siblingSessions ?? [];
    if (sibling === undefined) this.#names.release(session.name, session);
    else this.#names.put(session.name, sibling);
  }

  /** Ends sessions whose grace time is over. */
  sweep(now: number): void {
    for (const session of this.#away) {
      if (session.expiresAt <= now) this.end(session);
    }
  }

  /** Tells a client without `hello` its new name, unless presence in one of its rooms does. */
  tellRenamed(session: Session, from: string): void {
    if (!session.rooms.some((room) => this.rooms.get(room)?.named)) {
      this.#sendRenamed(session, from);
    }
  }

  /** Gives a session the name of its token; a session that has it without a token is renamed. */
  #nameByToken(session: Session, name: string): boolean {
    if (!this.own(name)) return false;
    const holder = this.#names.holder(name);
    session.name = name;
    session.guest = false;
    if (holder === undefined) {
      this.#names.put(name, session);
    } else {
      session.siblingSessions = holder.siblingSessions ??= new Set([holder]);
      session.siblingSessions.add(session);
    }
    return true;
  }

  #displace(session: Session): void {
    const from = session.name;
    const name = this.#names.takeNearest(from, session);
    this.#names.release(from, session);
    this.#renamed(session, name);
    // Always: a session that joined within the presence window is announced under its new name only.
    this.#sendRenamed(session, from);
  }

  #sendRenamed({ connection, name, rooms: [first] }: Session, from: string): void {
    // Others get `renamed`.
    if (connection === undefined || connection.encoder.requiresHello) return;
    const room = first === undefined ? undefined : this.rooms.get(first);
    if (room === undefined) {
      const timestamp = new Date(this.clock.now()).toISOString();
      const message = `${from} is now ${name}`;
      connection.sendControl({ type: "system", message, timestamp, event: "rename" });
    } else {
      const renamed = [{ from, to: name }];
      connection.sendControl({ type: "presence", room: room.name, online: room.online, renamed });
    }
  }

  #connect(session: Session, connection: Connection): void {
    this.rooms.changed();
    session.connection = connection;
    session.address = connection.address;
    session.expiresAt = Infinity;
    connection.session = session;
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
    const { connection } = session;
    logger.info("{connection} {from} is now {name}", {
      connection: connection?.id ?? "(away)",
      from,
      name,
    });
    // Before `welcome`, that tells it.
    if (connection?.welcomed && connection.encoder.requiresHello) {
      connection.sendControl({ type: "renamed", from, name });
    }
    this.rooms.renamed(session, from);
  }
}

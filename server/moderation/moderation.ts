import { getLogger } from "@logtape/logtape";
import type { Grant } from "../../auth/authorizer.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { CLOSE, type Left, nameKey, type System } from "../../protocol.ts";
import { networkOf } from "../../lib/net.ts";
import { banMessage, closedRoomMessage, muteMessage, reasonSuffix } from "./sanction_messages.ts";
import type { Sanction, SanctionKey } from "./sanction_store.ts";
import { type MutableSession, nameSanction, roomSanction, type Sanctions } from "./sanctions.ts";

const audit = getLogger(["bcast", "audit"]);

/** A session of the hub, as far as moderation needs it. */
interface ModeratedSession extends MutableSession {
  /** The name that its token fixed. */
  readonly identity: string | undefined;
  /** `undefined` while it is disconnected. */
  readonly connection: ModeratedConnection | undefined;
  /** Whether it belongs to an event stream. */
  readonly observer: boolean;
}

/** A connection of the hub, as far as moderation needs it. */
interface ModeratedConnection {
  readonly address: string;
  readonly session: ModeratedSession | undefined;
  readonly grant: Grant | undefined;
  /** A token that is not checked yet. */
  readonly token: string | undefined;
  readonly welcomed: boolean;
  readonly encoder: { readonly batches: boolean };
  sendControl(frame: System | Left): void;
  close(code: number, reason: string): void;
}

interface ModeratedRoom {
  readonly members: Iterable<ModeratedSession>;
  readonly observers: Iterable<ModeratedSession>;
  readonly connections: Iterable<ModeratedConnection>;
}

/** The parts of the hub that moderation acts on. */
export interface ModerationOptions {
  readonly sanctions: Sanctions;
  readonly rooms: {
    get(name: string): ModeratedRoom | undefined;
    leave(session: ModeratedSession, room: string): void;
    /** Delivers all messages that wait for the next fan-out. */
    flush(): void;
  };
  readonly sessions: {
    all(): Iterable<ModeratedSession>;
    end(session: ModeratedSession): void;
    release(name: string): Promise<"released" | "in use" | "free">;
  };
  readonly connections: () => Iterable<ModeratedConnection>;
  broadcast(connections: Iterable<ModeratedConnection>, frame: System, now: number): void;
  readonly clock: ServerClock;
}

/** The person or program that moderates, for the audit log. */
export interface Moderator {
  /** The name in the token, never the token. */
  readonly name: string;
  readonly address: string;
}

/** A name, an address, or both, each as a target of its own. */
export interface ModerationTarget {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
}

export interface SanctionOptions {
  readonly reason?: string | undefined;
  /** Seconds; absent: until it is lifted. */
  readonly for?: number | undefined;
}

/** A client that connects, takes a name or writes. */
export interface Candidate {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  /** Sanctions never apply to moderators: they could lift them anyway. */
  readonly admin: boolean;
}

export interface KickResult {
  /** Sessions and event streams that ended. */
  readonly sessions: number;
  /** Their addresses without repeats; for a disconnected session, its last one. */
  readonly addresses: readonly string[];
}

/** Applies the decisions of moderators to present and future clients. */
export class Moderation {
  constructor(private readonly options: ModerationOptions) {}

  /** The sanctions in force, oldest first. */
  list(): readonly Sanction[] {
    return this.options.sanctions.list();
  }

  activeBan({ name, address, admin }: Candidate): Sanction | undefined {
    return admin ? undefined : this.options.sanctions.match("ban", { name, address });
  }

  /** The mute of a client without a session. */
  activeMute({ name, address, admin }: Candidate): Sanction | undefined {
    return admin ? undefined : this.options.sanctions.match("mute", { name, address });
  }

  /** The sanction that closes a room; `undefined` when it is open. */
  closedRoom(room: string): Sanction | undefined {
    return this.options.sanctions.find(roomSanction(room));
  }

  /** The mute of a session; looked up again once the current one has expired. */
  sessionMute(session: MutableSession): Sanction | undefined {
    const { activeMute } = session;
    if (activeMute === undefined || activeMute.until > this.options.clock.now()) return activeMute;
    session.activeMute = undefined;
    this.options.sanctions.applyMute(session);
    return session.activeMute;
  }

  /** Ends the sessions and event streams of a name at once; `undefined` when there are none. */
  kick(
    name: string,
    { reason }: Pick<SanctionOptions, "reason">,
    by: Moderator,
  ): KickResult | undefined {
    const key = nameSanction("ban", name);
    const sessions = [...this.#clients()].filter((session) => matches(key, session));
    if (sessions.length === 0) return undefined;
    const result = this.#endSessions(sessions, `A moderator kicked you${reasonSuffix({ reason })}`);
    this.#audit(by, "kicked", name, reason);
    return result;
  }

  /** Bans a target and disconnects its clients, except moderators. */
  async ban(
    target: ModerationTarget,
    options: SanctionOptions,
    by: Moderator,
  ): Promise<KickResult> {
    const bans = this.#createSanctions("ban", target, options, by);
    await this.options.sanctions.put(bans);
    let ended = 0;
    const addresses = new Set<string>();
    for (const ban of bans) {
      const message = banMessage(ban);
      const banned = [...this.#clients()].filter((session) =>
        !session.grant.admin && matches(ban, session)
      );
      const result = this.#endSessions(banned, message);
      ended += result.sessions;
      for (const address of result.addresses) addresses.add(address);
      if (ban.on === "address") this.#disconnectNetwork(ban.key, message);
      this.#audit(by, "banned", ban.target, options.reason, ban.until);
    }
    return { sessions: ended, addresses: [...addresses] };
  }

  /** Returns the bans that were lifted. */
  unban(target: ModerationTarget, by: Moderator): Promise<readonly Sanction[]> {
    return this.#lift(keysOf("ban", target), "unbanned", by);
  }

  /** Mutes a target. Returns the number of sessions that are muted by it now. */
  async mute(target: ModerationTarget, options: SanctionOptions, by: Moderator): Promise<number> {
    const { sanctions, sessions } = this.options;
    const mutes = this.#createSanctions("mute", target, options, by);
    await sanctions.put(mutes);
    let muted = 0;
    for (const session of sessions.all()) {
      const mute = mutes.find((each) => matches(each, session) || isMutedBy(each, session));
      if (mute === undefined || session.grant.admin) continue;
      session.activeMute = mute;
      muted++;
      this.#notify(session.connection, muteMessage(mute, this.options.clock.now()));
    }
    for (const mute of mutes) this.#audit(by, "muted", mute.target, options.reason, mute.until);
    return muted;
  }

  /**
   * Lifts mutes, also from sessions that have taken another name since. Returns the mutes that were
   * lifted.
   */
  async unmute(target: ModerationTarget, by: Moderator): Promise<readonly Sanction[]> {
    const { sanctions, sessions } = this.options;
    const lifted = await this.#lift(keysOf("mute", target), "unmuted", by);
    for (const session of sessions.all()) {
      if (!lifted.some((mute) => isMutedBy(mute, session))) continue;
      session.activeMute = undefined;
      sanctions.applyMute(session);
      if (session.activeMute === undefined) this.#notify(session.connection, "You may write again");
    }
    return lifted;
  }

  /** Closes a room and removes its members. Returns how many there were. */
  async closeRoom(room: string, options: SanctionOptions, by: Moderator): Promise<number> {
    const { sanctions, rooms } = this.options;
    const sanction = { ...roomSanction(room), target: room, ...this.#details(options, by) };
    await sanctions.put([sanction]);
    // Messages from before the decision are still delivered.
    rooms.flush();
    const message = closedRoomMessage(sanction);
    const members = [...rooms.get(room)?.members ?? []];
    for (const session of members) {
      // A notice, not an error: clients take errors for answers to their own requests.
      this.#notify(session.connection, message, room);
      rooms.leave(session, room);
      if (session.connection?.welcomed) session.connection.sendControl({ type: "left", room });
    }
    const observers = [...rooms.get(room)?.observers ?? []];
    for (const { connection } of observers) {
      if (connection !== undefined) this.#disconnect(connection, message);
    }
    this.#audit(by, "closed", room, options.reason, sanction.until);
    return members.length + observers.length;
  }

  /** Opens a closed room; false when it was open. */
  async openRoom(room: string, by: Moderator): Promise<boolean> {
    return (await this.#lift([roomSanction(room)], "opened", by)).length > 0;
  }

  /** Frees a name that tokens have reserved, unless its owner is connected. */
  async releaseName(name: string, by: Moderator): Promise<"released" | "in use" | "free"> {
    const outcome = await this.options.sessions.release(name);
    if (outcome === "released") this.#audit(by, "released the name", name);
    return outcome;
  }

  /**
   * Sends a text to a room or to all clients, without keeping it. Returns the number of connections
   * it was sent to.
   */
  announce(message: string, room: string | undefined, by: Moderator): number {
    const { connections, rooms, clock } = this.options;
    const receivers = room === undefined
      ? [...connections()].filter(({ welcomed }) => welcomed)
      : [...rooms.get(room)?.connections ?? []];
    const now = clock.now();
    const timestamp = new Date(now).toISOString();
    const frame: System = { type: "system", message, timestamp, event: "announcement" };
    this.options.broadcast(receivers, room === undefined ? frame : { ...frame, room }, now);
    this.#audit(by, "announced to", room ?? "all clients", message);
    return receivers.length;
  }

  async #lift(
    keys: readonly SanctionKey[],
    action: string,
    by: Moderator,
  ): Promise<readonly Sanction[]> {
    const lifted = await this.options.sanctions.lift(keys);
    for (const { target } of lifted) this.#audit(by, action, target);
    return lifted;
  }

  #createSanctions(
    kind: "ban" | "mute",
    target: ModerationTarget,
    options: SanctionOptions,
    by: Moderator,
  ): readonly Sanction[] {
    const details = this.#details(options, by);
    return keysOf(kind, target).map((key) => ({
      ...key,
      target: key.on === "name" ? target.name ?? key.key : key.key,
      ...details,
    }));
  }

  #details({ reason, for: seconds }: SanctionOptions, by: Moderator) {
    const since = this.options.clock.now();
    return {
      ...(reason === undefined ? {} : { reason }),
      by: by.name,
      since,
      // The store keeps whole milliseconds only.
      until: seconds === undefined ? Infinity : Math.ceil(since + seconds * 1000),
    };
  }

  /** All sessions, including those of event streams, which `sessions.all()` does not list. */
  *#clients(): Generator<ModeratedSession, void, undefined> {
    yield* this.options.sessions.all();
    for (const { session } of this.options.connections()) {
      if (session?.observer) yield session;
    }
  }

  /** Ends sessions at once, without the grace time of a broken connection. */
  #endSessions(sessions: readonly ModeratedSession[], reason: string): KickResult {
    const addresses = new Set<string>();
    for (const session of sessions) {
      const { connection, address } = session;
      this.options.sessions.end(session);
      if (address !== undefined) addresses.add(address);
      if (connection !== undefined) this.#disconnect(connection, reason);
    }
    return { sessions: sessions.length, addresses: [...addresses] };
  }

  /** Also closes connections that have sent no hello yet. */
  #disconnectNetwork(network: string, reason: string): void {
    for (const connection of [...this.options.connections()]) {
      if (networkOf(connection.address) !== network) continue;
      const grant = connection.session?.grant ?? connection.grant;
      if (grant?.admin) continue;
      // Its hello checks the token, which may be a moderator's, and then the ban.
      if (connection.session === undefined && connection.token !== undefined) continue;
      this.#disconnect(connection, reason);
    }
  }

  #disconnect(connection: ModeratedConnection, reason: string): void {
    // Plain clients do not show the reason of a close.
    if (!connection.encoder.batches) this.#notify(connection, reason);
    connection.close(CLOSE.forbidden, reason);
  }

  #notify(connection: ModeratedConnection | undefined, message: string, room?: string): void {
    if (!connection?.welcomed) return;
    const timestamp = new Date(this.options.clock.now()).toISOString();
    const frame: System = { type: "system", message, timestamp, event: "notice" };
    connection.sendControl(room === undefined ? frame : { ...frame, room });
  }

  #audit(by: Moderator, action: string, target: string, reason?: string, until?: number): void {
    audit.info("{moderator} at {address} {what} {whom}{until}{reason}", {
      moderator: by.name,
      address: by.address,
      what: action,
      whom: target,
      until: until === undefined || until === Infinity
        ? ""
        : ` until ${new Date(until).toISOString()}`,
      reason: reasonSuffix({ reason }),
    });
  }
}

function keysOf(kind: "ban" | "mute", { name, address }: ModerationTarget): readonly SanctionKey[] {
  return [
    ...(name === undefined ? [] : [nameSanction(kind, name)]),
    ...(address === undefined ? [] : [{ kind, on: "address" as const, key: address }]),
  ];
}

function matches({ on, key }: SanctionKey, { name, identity, address }: ModeratedSession): boolean {
  // The only name of an event stream is that of its token.
  if (on === "name") return nameKey(identity ?? name) === key;
  return on === "address" && address !== undefined && networkOf(address) === key;
}

/** Whether this mute applies to the session, even if its name has changed since. */
function isMutedBy({ on, key }: SanctionKey, { activeMute }: MutableSession): boolean {
  return activeMute !== undefined && activeMute.on === on && activeMute.key === key;
}

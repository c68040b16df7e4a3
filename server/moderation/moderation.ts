import { getLogger } from "@logtape/logtape";
import type { Sanction, SanctionKey } from "../../broker/sqlite/sanctions.ts";
import { CLOSE, nameKey, type System } from "../../protocol.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { nameSanction, roomSanction, type Sanctions } from "./sanctions.ts";
import { banMessage, closedRoomMessage, muteMessage, reasonOf } from "./sanction_messages.ts";
import { networkOf } from "../limits/networks.ts";
import type { Connection } from "../connection.ts";
import type { RoomMembership } from "../room_membership.ts";
import type { Session } from "../session.ts";
import type { Sessions } from "../sessions.ts";
import { applyMute } from "./mute.ts";
import { broadcast } from "../broadcast.ts";

const audit = getLogger(["bcast", "audit"]);

/** What moderating takes. */
export interface ModerationOptions {
  readonly book: Sanctions;
  readonly rooms: RoomMembership;
  readonly sessions: Sessions;
  readonly peers: () => Iterable<Connection>;
  readonly clock: ServerClock;
}

/** Who moderates, for the audit. */
export interface Moderator {
  /** The name of the token, never the token. */
  readonly name: string;
  readonly address: string;
}

/** Whom something is about: a name, an address, or both, each for itself. */
export interface ModerationTarget {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
}

/** Why, and for how long. */
export interface SanctionOptions {
  readonly reason?: string | undefined;
  /** Seconds; none: until it is lifted. */
  readonly for?: number | undefined;
}

/** Who wants to come in, to have a name, or to write. */
export interface Candidate {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  /** Whether it may moderate: nobody locks out who could unlock. */
  readonly admin: boolean;
}

/** Who was sent away. */
export interface KickResult {
  /** Sessions and event streams that ended. */
  readonly sessions: number;
  /** Where they came from, each once; of those who are away, where they were last. */
  readonly addresses: readonly string[];
}

/** Keeps order: what moderators decide, and what follows from it for those who are here or come. */
export class Moderation {
  constructor(private readonly options: ModerationOptions) {}

  /** What holds now, the oldest first. */
  list(): readonly Sanction[] {
    return this.options.book.list();
  }

  /** The ban that keeps somebody out, or from a name. */
  banOn({ name, address, admin }: Candidate): Sanction | undefined {
    return admin ? undefined : this.options.book.against("ban", { name, address });
  }

  /** The mute of somebody who is not in a session. */
  muteOn({ name, address, admin }: Candidate): Sanction | undefined {
    return admin ? undefined : this.options.book.against("mute", { name, address });
  }

  /** Why a room is closed; `undefined` when it is open. */
  closureOf(room: string): Sanction | undefined {
    return this.options.book.find(roomSanction(room));
  }

  /** The mute of a session, looked at anew when the one it was given has run out. */
  silenceOf(session: Session): Sanction | undefined {
    const { activeMute } = session;
    if (activeMute === undefined || activeMute.until > this.options.clock.now()) return activeMute;
    session.activeMute = undefined;
    applyMute(this.options.book, session);
    return session.activeMute;
  }

  /** Ends the sessions and event streams of a name at once; `undefined` when there are none. */
  kick(
    name: string,
    { reason }: Pick<SanctionOptions, "reason">,
    by: Moderator,
  ): KickResult | undefined {
    const named: SanctionKey = { kind: "ban", on: "name", key: nameKey(name) };
    const sessions = [...this.#present()].filter((session) => isAbout(named, session));
    if (sessions.length === 0) return undefined;
    const given = reason === undefined ? {} : { reason };
    const sent = this.#sendAway(sessions, `A moderator sent you away${reasonOf(given)}`);
    this.#audit(by, "kicked", name, reason);
    return sent;
  }

  /** Keeps somebody out, and sends away who is inside; moderators are spared. */
  async ban(whom: ModerationTarget, terms: SanctionOptions, by: Moderator): Promise<KickResult> {
    const bans = this.#measures("ban", whom, terms, by);
    await this.options.book.put(bans);
    let sent: KickResult = { sessions: 0, addresses: [] };
    for (const ban of bans) {
      const sentence = banMessage(ban);
      const present = [...this.#present()].filter((session) =>
        !session.grant.admin && isAbout(ban, session)
      );
      const more = this.#sendAway(present, sentence);
      sent = {
        sessions: sent.sessions + more.sessions,
        addresses: [...new Set([...sent.addresses, ...more.addresses])],
      };
      if (ban.on === "address") this.#hangUpOn(ban.key, sentence);
      this.#audit(by, "banned", ban.target, terms.reason, ban.until);
    }
    return sent;
  }

  /** Lifts bans; returns those there were. */
  unban(whom: ModerationTarget, by: Moderator): Promise<readonly Sanction[]> {
    return this.#lift(keysOf("ban", whom), "unbanned", by);
  }

  /** Lets somebody read only. Returns how many sessions that silenced now. */
  async mute(whom: ModerationTarget, terms: SanctionOptions, by: Moderator): Promise<number> {
    const { book, sessions } = this.options;
    const mutes = this.#measures("mute", whom, terms, by);
    await book.put(mutes);
    let silenced = 0;
    for (const session of sessions.all()) {
      const mute = mutes.find((measure) => isAbout(measure, session) || isSame(measure, session));
      if (mute === undefined || session.grant.admin) continue;
      session.activeMute = mute;
      silenced++;
      this.#note(session.connection, muteMessage(mute, this.options.clock.now()));
    }
    for (const mute of mutes) this.#audit(by, "muted", mute.target, terms.reason, mute.until);
    return silenced;
  }

  /** Lifts mutes, also for who has taken another name since; returns those there were. */
  async unmute(whom: ModerationTarget, by: Moderator): Promise<readonly Sanction[]> {
    const { book, sessions } = this.options;
    const lifted = await this.#lift(keysOf("mute", whom), "unmuted", by);
    for (const session of sessions.all()) {
      if (!lifted.some((measure) => isSame(measure, session))) continue;
      session.activeMute = undefined;
      applyMute(book, session);
      if (session.activeMute === undefined) this.#note(session.connection, "You may write again");
    }
    return lifted;
  }

  /** Empties a room, and lets nobody in or write there. Returns how many had to leave. */
  async closeRoom(room: string, terms: SanctionOptions, by: Moderator): Promise<number> {
    const { book, rooms } = this.options;
    const closure: Sanction = {
      ...roomSanction(room),
      target: room,
      ...this.#particulars(terms, by),
    };
    await book.put([closure]);
    // What was said before belongs to before.
    rooms.flush();
    const members = [...rooms.get(room)?.members ?? []];
    for (const session of members) {
      // Not an error: nothing of theirs was refused, and clients take errors for answers.
      this.#note(session.connection, closedRoomMessage(closure), room);
      const present = rooms.get(room);
      if (present !== undefined) rooms.leave(session, present);
      if (session.connection?.welcomed) session.connection.sendControl({ type: "left", room });
    }
    const observers = [...rooms.get(room)?.observers ?? []];
    for (const { connection } of observers) {
      if (connection !== undefined) this.#hangUp(connection, closedRoomMessage(closure));
    }
    this.#audit(by, "closed", room, terms.reason, closure.until);
    return members.length + observers.length;
  }

  /** Opens a room again; false when it was open. */
  async openRoom(room: string, by: Moderator): Promise<boolean> {
    return (await this.#lift([roomSanction(room)], "opened", by)).length > 0;
  }

  /** Lets anybody take a name again that tokens have proved; moderators do so for one of the past. */
  async releaseName(name: string, by: Moderator): Promise<"released" | "in use" | "free"> {
    const outcome = await this.options.sessions.release(name);
    if (outcome === "released") this.#audit(by, "released the name", name);
    return outcome;
  }

  /** Says something to everybody, or to a room. It is not kept. Returns how many connections it reached. */
  announce(message: string, room: string | undefined, by: Moderator): number {
    const { peers, rooms, clock } = this.options;
    const listeners = room === undefined
      ? [...peers()].filter(({ welcomed }) => welcomed)
      : [...rooms.get(room)?.connections ?? []];
    const now = clock.now();
    const timestamp = new Date(now).toISOString();
    const frame: System = { type: "system", message, timestamp, event: "announcement" };
    broadcast(listeners, room === undefined ? frame : { ...frame, room }, now);
    this.#audit(by, "announced to", room ?? "everybody", message);
    return listeners.length;
  }

  async #lift(
    keys: readonly SanctionKey[],
    what: string,
    by: Moderator,
  ): Promise<readonly Sanction[]> {
    const lifted = await this.options.book.lift(keys);
    for (const { target } of lifted) this.#audit(by, what, target);
    return lifted;
  }

  #measures(
    kind: "ban" | "mute",
    whom: ModerationTarget,
    terms: SanctionOptions,
    by: Moderator,
  ): readonly Sanction[] {
    const particulars = this.#particulars(terms, by);
    return keysOf(kind, whom).map((key) => ({
      ...key,
      target: key.on === "name" ? whom.name ?? key.key : key.key,
      ...particulars,
    }));
  }

  #particulars({ reason, for: seconds }: SanctionOptions, by: Moderator) {
    const since = this.options.clock.now();
    return {
      ...(reason === undefined ? {} : { reason }),
      by: by.name,
      since,
      // Whole milliseconds: the store holds nothing else.
      until: seconds === undefined ? Infinity : Math.ceil(since + seconds * 1000),
    };
  }

  /** All sessions, and those of event streams, which are not listed among them. */
  *#present(): Generator<Session, void, undefined> {
    yield* this.options.sessions.all();
    for (const { session } of this.options.peers()) {
      if (session?.observer) yield session;
    }
  }

  /** Ends sessions without the time to come back that a broken connection has. */
  #sendAway(sessions: readonly Session[], sentence: string): KickResult {
    const addresses = new Set<string>();
    for (const session of sessions) {
      const { connection, address } = session;
      this.options.sessions.end(session);
      if (address !== undefined) addresses.add(address);
      if (connection !== undefined) this.#hangUp(connection, sentence);
    }
    return { sessions: sessions.length, addresses: [...addresses] };
  }

  /** Also those who have not said yet who they are. */
  #hangUpOn(network: string, sentence: string): void {
    for (const peer of [...this.options.peers()]) {
      if (networkOf(peer.address) !== network) continue;
      const grant = peer.session?.grant ?? peer.grant;
      if (grant?.admin) continue;
      // Who comes with a token that is not checked yet hears of the ban at its hello.
      if (peer.session === undefined && peer.token !== undefined) continue;
      this.#hangUp(peer, sentence);
    }
  }

  #hangUp(peer: Connection, sentence: string): void {
    // Other people's clients show no close reason.
    if (!peer.encoder.batches) this.#note(peer, sentence);
    peer.close(CLOSE.forbidden, sentence);
  }

  #note(peer: Connection | undefined, message: string, room?: string): void {
    if (!peer?.welcomed) return;
    const timestamp = new Date(this.options.clock.now()).toISOString();
    const frame: System = { type: "system", message, timestamp, event: "notice" };
    peer.sendControl(room === undefined ? frame : { ...frame, room });
  }

  /** One line for each decision: who, from where, what, whom. */
  #audit(by: Moderator, what: string, whom: string, reason?: string, until?: number): void {
    audit.info("{moderator} at {address} {what} {whom}{until}{reason}", {
      moderator: by.name,
      address: by.address,
      what,
      whom,
      until: until === undefined || until === Infinity
        ? ""
        : ` until ${new Date(until).toISOString()}`,
      reason: reason === undefined ? "" : `: ${reason}`,
    });
  }
}

function keysOf(kind: "ban" | "mute", { name, address }: ModerationTarget): readonly SanctionKey[] {
  return [
    ...(name === undefined ? [] : [nameSanction(kind, name)]),
    ...(address === undefined ? [] : [{ kind, on: "address" as const, key: address }]),
  ];
}

function isAbout({ on, key }: SanctionKey, { name, identity, address }: Session): boolean {
  // An event stream has no name but that of its token.
  if (on === "name") return nameKey(identity ?? name) === key;
  return on === "address" && address !== undefined && networkOf(address) === key;
}

/** Whether it is what silences the session: under whatever name it came to that. */
function isSame({ on, key }: SanctionKey, { activeMute }: Session): boolean {
  return activeMute !== undefined && activeMute.on === on && activeMute.key === key;
}

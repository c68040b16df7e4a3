import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import { CLOSE, type Hello, normalizeName, type RoomPosition, VERSION } from "../protocol.ts";
import type { Authentication, AuthResult } from "./authentication.ts";
import type { Counters } from "./metrics/counters.ts";
import type { JoinSnapshot } from "./join_result.ts";
import { resetEvent } from "./encoders/sse.ts";
import type { ConnectParams } from "./hub.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import { banMessage, closedRoomMessage } from "./moderation/sanction_messages.ts";
import type { Moderation } from "./moderation/moderation.ts";
import type { Connection } from "./connection.ts";
import type { RoomLimiter, RoomRefusal } from "./limits/room_limiter.ts";
import type { JoinResult, RoomMembership } from "./room_membership.ts";
import { newSecret, Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** What receiving clients takes. */
export interface HandshakeOptions {
  readonly admission: Authentication;
  readonly moderation: Moderation;
  readonly limits: ServerLimits;
  readonly counters: Counters;
  readonly rooms: RoomMembership;
  readonly registry: RoomLimiter;
  readonly sessions: Sessions;
  readonly defaultRooms: readonly string[];
  readonly now: () => number;
}

const logger = getLogger(["bcast", "hub"]);

/** Rooms named in one refusal: what a sentence can hold. */
const MAX_NAMED_ROOMS = 10;

/** Lets clients in: whether they may come, who they are, where they go on, and `welcome`. */
export class Handshake {
  constructor(private readonly options: HandshakeOptions) {}

  /** Takes in a client that needs no handshake. */
  async connectPlain(peer: Connection, introduction: ConnectParams): Promise<void> {
    const grant = await this.#admit(peer, undefined);
    if (grant === undefined || !peer.open) return;
    const { sender } = introduction;
    const wanted = sender === undefined ? undefined : normalizeName(sender);
    const session = this.#begin(peer, grant, wanted);
    if (session === undefined) return;
    if (sender !== undefined && wanted === undefined) {
      peer.refuse("bad_name", "The sender is not a name: you are a guest until you take one");
    }
    await this.#enterAll(peer, session, this.#choose(grant, introduction.rooms));
  }

  /** Lets somebody listen to one room, whom nobody there is told of; `grant` permits it. */
  async subscribeAnonymously(
    peer: Connection,
    grant: Grant,
    position: RoomPosition,
  ): Promise<void> {
    const { rooms, moderation } = this.options;
    const session = new Session(newSecret(), grant, true);
    session.connection = peer;
    session.address = peer.address;
    peer.session = session;
    // A ban since the request was let in.
    if (this.#keptOut(peer, grant, grant.name)) return;
    const entrance = await rooms.join(session, position);
    if (entrance === undefined || !peer.open) return;
    const closure = moderation.closedRoom(position.room);
    if (closure !== undefined) {
      peer.close(CLOSE.forbidden, closedRoomMessage(closure));
      return;
    }
    const { fields, history } = entrance.snapshot;
    if (position.after !== undefined && !fields.recovered) {
      peer.enqueue([resetEvent(fields, history, position)]);
    }
    peer.welcomed = true;
    peer.enqueue(peer.encoder.joined(entrance.snapshot));
    rooms.goLive(peer, entrance);
  }

  /** Answers `hello`: the first one, or one that brings a fresh token. */
  async onHello(peer: Connection, frame: Hello): Promise<void> {
    const grant = await this.#admit(peer, frame.token);
    // It may have gone while its token was checked.
    if (grant === undefined || !peer.open) return;
    const { sessions, counters } = this.options;
    const present = peer.session;
    if (present !== undefined && present.identity !== grant.name) {
      peer.refuse("unauthorized", "That token is another person's: open a connection for it");
      return;
    }
    if (this.#keptOut(peer, grant, grant.name)) return;
    peer.saidHello = true;
    peer.expiryWarned = false;
    const resumed = frame.session === undefined
      ? undefined
      : sessions.resume(peer, frame.session, grant);
    if (resumed !== undefined && resumed !== present) counters.resumes++;
    const session = resumed ?? present ?? this.#begin(peer, grant, frame.sender, frame.session);
    if (session === undefined) return;
    session.grant = grant;
    // Who comes back keeps its name; a guest that introduces itself late gets one.
    if (session.guest && frame.sender !== undefined) {
      if (this.#keptOut(peer, grant, frame.sender)) return;
      sessions.nameGuest(session, frame.sender);
    }
    if (frame.echo !== undefined) session.echo = frame.echo;
    this.#leaveForbidden(peer, session);
    if (session === present && frame.rooms === undefined && frame.token !== undefined) {
      return this.#renew(peer, session);
    }
    await this.#goOn(peer, session, frame.rooms);
  }

  /** What `peer` may do; `undefined` when it may not come in, of which it was told. */
  async #admit(peer: Connection, token: string | undefined): Promise<Grant | undefined> {
    const { admission, now } = this.options;
    const known = peer.session?.grant ?? peer.grant;
    // A grant is good for as long as it says, however often its bearer says hello.
    if (token === undefined && known !== undefined && known.expiresAt > now()) return known;
    const answer = await admission.check(token ?? peer.token, {
      address: peer.address,
      connection: peer.id,
    });
    peer.token = undefined;
    if (answer.ok) return answer.grant;
    if (peer.open) turnAway(peer, answer);
    return undefined;
  }

  #begin(peer: Connection, grant: Grant, wanted?: string, secret?: string): Session | undefined {
    if (this.#keptOut(peer, grant, grant.name ?? wanted)) return undefined;
    const session = this.options.sessions.begin(peer, grant, wanted, secret);
    if (session === undefined && grant.name !== undefined) {
      peer.close(CLOSE.unauthorized, this.options.sessions.whyNotOwn(grant.name));
    }
    return session;
  }

  /** Whether `peer` is banned, or the name that it wants; it then was told. */
  #keptOut(peer: Connection, { admin }: Grant, name: string | undefined): boolean {
    const { address } = peer;
    const ban = this.options.moderation.activeBan({ name, address, admin });
    if (ban !== undefined) peer.close(CLOSE.forbidden, banMessage(ban));
    return ban !== undefined;
  }

  /** Enters the rooms of a `hello`; without any, those that the session is in. */
  async #goOn(
    peer: Connection,
    session: Session,
    wanted: readonly RoomPosition[] | undefined,
  ): Promise<void> {
    if (wanted === undefined) {
      const names = session.rooms.map((room) => room.name);
      return await this.#enterAll(peer, session, this.#choose(session.grant, names));
    }
    for (const room of [...session.rooms]) {
      if (wanted.some((position) => position.room === room.name)) continue;
      this.options.rooms.leave(session, room);
    }
    await this.#enterAll(peer, session, wanted);
  }

  /** Goes on as before under a fresh token: no room is entered anew, nothing is shown again. */
  #renew(peer: Connection, session: Session): void {
    const { rooms } = this.options;
    this.#welcome(peer, session, session.rooms.map((room) => rooms.currentSnapshot(peer, room)));
  }

  /** Takes a session out of the rooms that its grant does not (any longer) open. */
  #leaveForbidden(peer: Connection, session: Session): void {
    for (const room of [...session.rooms]) {
      if (session.grant.rights.mayRead(room.name)) continue;
      this.options.rooms.leave(session, room);
      peer.sendControl({ type: "left", room: room.name });
    }
  }

  /** Enters rooms, says welcome, and lets the client take part. */
  async #enterAll(
    peer: Connection,
    session: Session,
    positions: readonly RoomPosition[],
  ): Promise<void> {
    const { limits, rooms, registry, moderation } = this.options;
    const { rights } = session.grant;
    const byRoom = new Map(positions.map((position) => [position.room, position]));
    const readable = [...byRoom.values()].filter(({ room }) => rights.mayRead(room));
    const wanted = readable.filter(({ room }) => moderation.closedRoom(room) === undefined);
    let entrances: JoinResult[] = [];
    let noRoom: RoomRefusal | undefined;
    for (const position of wanted.slice(0, limits.maxRooms)) {
      const refusal = await registry.admit(position.room, peer.network);
      if (refusal !== undefined) {
        noRoom = refusal;
        continue;
      }
      // In order: the first is the room of messages that name none.
      const entrance = await rooms.join(session, position);
      if (entrance === undefined || !peer.open) return;
      entrances.push(entrance);
    }
    for (const { room } of entrances) {
      // Closed meanwhile; who was in it already was made to leave then.
      if (moderation.closedRoom(room.name) !== undefined) rooms.leave(session, room);
    }
    entrances = entrances.filter(({ room }) => session.rooms.includes(room));
    this.#welcome(peer, session, entrances.map((entrance) => entrance.snapshot));
    logger.info("{connection} is {name} in {rooms}", {
      connection: peer.id,
      name: session.name,
      rooms: session.rooms.map((room) => room.name).join(", ") || "no room",
    });
    if (wanted.length > limits.maxRooms) tooManyRooms(peer, limits.maxRooms);
    if (noRoom !== undefined) mayNotCreate(peer, noRoom);
    const closed = [...byRoom.keys()].filter((room) => !rights.mayRead(room));
    if (closed.length > 0) mayNotRead(peer, closed);
    for (const { room } of readable) {
      const closure = moderation.closedRoom(room);
      if (closure !== undefined) peer.refuse("forbidden", closedRoomMessage(closure));
    }
    peer.enqueue(session.pendingDirects);
    session.pendingDirects = [];
    for (const entrance of entrances) rooms.goLive(peer, entrance);
  }

  #welcome(peer: Connection, session: Session, entered: readonly JoinSnapshot[]): void {
    const { limits } = this.options;
    peer.welcomed = true;
    peer.enqueue(peer.encoder.welcome(
      {
        type: "welcome",
        sender: session.name,
        session: session.secret,
        server: { name: "bcast", version: VERSION },
        limits: {
          maxMessageBytes: limits.maxMessageBytes,
          maxRooms: limits.maxRooms,
          replay: limits.replay,
          rate: peer.bucket === undefined ? 0 : limits.rate,
          burst: limits.burst,
        },
      },
      entered,
      this.options.now(),
    ));
  }

  /** The rooms of a client: those it named, else the hub's own, else those its token names. */
  #choose({ rights }: Grant, named: readonly string[]): readonly RoomPosition[] {
    const own = this.options.defaultRooms.filter((room) => rights.mayRead(room));
    const rooms = named.length > 0 ? named : own.length > 0 ? own : rights.named;
    return rooms.map((room) => ({ room }));
  }
}

/** Says that a client may not be in more rooms. */
export function tooManyRooms(peer: Connection, maxRooms: number): void {
  peer.refuse("too_many_rooms", `You may be in ${maxRooms} rooms: leave one first`);
}

/** Says why a room cannot come into being. */
export function mayNotCreate(peer: Connection, { code, message, retryAfter }: RoomRefusal): void {
  peer.refuse(code, message, undefined, retryAfter);
}

/** Says that `rooms` are closed to a client, in the same words whether they exist or not. */
export function mayNotRead(
  peer: Connection,
  rooms: readonly string[],
  ref?: string | number,
): void {
  const more = rooms.length > MAX_NAMED_ROOMS ? " and others" : "";
  const names = rooms.slice(0, MAX_NAMED_ROOMS).join(", ") + more;
  peer.refuse("forbidden", `Your token does not let you into ${names}: ask for one that does`, ref);
}

function turnAway(peer: Connection, answer: Exclude<AuthResult, { readonly ok: true }>): void {
  const { failure, reason } = answer;
  const inside = peer.session !== undefined;
  if (failure === "throttled") {
    peer.refuse("rate_limited", reason, undefined, answer.retryAfter);
    if (!inside) peer.close(CLOSE.rateLimited, reason);
  } else if (inside) {
    // What it had is still good, or about to be cut off by the sweep.
    peer.refuse("unauthorized", reason);
  } else {
    peer.close(CLOSE.unauthorized, reason);
  }
}

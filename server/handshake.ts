import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import { CLOSE, type Hello, normalizeName, type Ref, type RoomPosition } from "../protocol.ts";
import { VERSION } from "../lib/version.ts";
import type { Authentication, AuthResult } from "./authentication.ts";
import { type Connection, newSecret, Session } from "./connection.ts";
import type { Encoder, JoinSnapshot } from "./encoders/encoder.ts";
import { resetEvent } from "./encoders/sse.ts";
import type { RoomLimiter, RoomRefusal } from "./limits/room_limiter.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { banMessage, closedRoomMessage } from "./moderation/sanction_messages.ts";
import type { JoinResult, RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

const logger = getLogger(["bcast", "hub"]);

/** Rooms named in one error message. */
const MAX_NAMED_ROOMS = 10;

/** The parameters of a connection, known before its first frame. */
export interface ConnectParams {
  readonly encoder: Encoder;
  /** The wanted name, unchecked. */
  readonly sender?: string | undefined;
  /** Empty: the default rooms. */
  readonly rooms: readonly string[];
  /** Set if the token was checked already. */
  readonly grant?: Grant | undefined;
  /** A token to check at `hello`, if that brings none. */
  readonly token?: string | undefined;
}

export interface HandshakeOptions {
  readonly authentication: Authentication;
  readonly moderation: Moderation;
  readonly limits: ServerLimits;
  readonly counters: Counters;
  readonly rooms: RoomMembership;
  readonly roomLimiter: RoomLimiter;
  readonly sessions: Sessions;
  readonly defaultRooms: readonly string[];
  readonly now: () => number;
}

/** Admits clients: checks their token, finds or begins their session, joins rooms, sends `welcome`. */
export class Handshake {
  constructor(private readonly options: HandshakeOptions) {}

  /** Admits a client that sends no `hello`. */
  async connectPlain(connection: Connection, { sender, rooms }: ConnectParams): Promise<void> {
    const grant = await this.#authenticate(connection, undefined);
    if (grant === undefined || !connection.open) return;
    const wanted = sender === undefined ? undefined : normalizeName(sender);
    const session = this.#begin(connection, grant, wanted);
    if (session === undefined) return;
    if (sender !== undefined && wanted === undefined) {
      connection.refuse("bad_name", "The sender is not a name: you are a guest until you take one");
    }
    await this.#joinAll(connection, session, this.#chooseRooms(grant, rooms));
  }

  /** Admits a client that only listens to one room, unannounced. `grant` must permit that. */
  async subscribeAnonymously(
    connection: Connection,
    grant: Grant,
    position: RoomPosition,
  ): Promise<void> {
    const { rooms, moderation } = this.options;
    const session = new Session(newSecret(), grant, true);
    session.connection = connection;
    session.address = connection.address;
    connection.session = session;
    // The ban may be newer than the check of the request.
    if (this.#rejectBanned(connection, grant, grant.name)) return;
    const joined = await rooms.join(session, position);
    if (joined === undefined || !connection.open) return;
    const closure = moderation.closedRoom(position.room);
    if (closure !== undefined) {
      connection.close(CLOSE.forbidden, closedRoomMessage(closure));
      return;
    }
    const { fields, history } = joined.snapshot;
    if (position.after !== undefined && !fields.recovered) {
      connection.enqueue([resetEvent(fields, history, position)]);
    }
    connection.welcomed = true;
    connection.enqueue(connection.encoder.joined(joined.snapshot));
    rooms.goLive(connection, joined);
  }

  /** Answers `hello`: the first one, or a later one with a new token or other rooms. */
  async onHello(connection: Connection, frame: Hello): Promise<void> {
    const grant = await this.#authenticate(connection, frame.token);
    // The connection may have ended meanwhile.
    if (grant === undefined || !connection.open) return;
    const { sessions, counters } = this.options;
    const present = connection.session;
    if (present !== undefined && present.identity !== grant.name) {
      connection.refuse("unauthorized", "That token is another person's: open a connection for it");
      return;
    }
    if (this.#rejectBanned(connection, grant, grant.name)) return;
    connection.saidHello = true;
    connection.expiryWarned = false;
    const resumed = frame.session === undefined
      ? undefined
      : sessions.resume(connection, frame.session, grant);
    if (resumed !== undefined && resumed !== present) counters.resumes++;
    const session = resumed ?? present ??
      this.#begin(connection, grant, frame.sender, frame.session);
    if (session === undefined) return;
    session.grant = grant;
    // A resumed session keeps its name, unless the hub chose it.
    if (session.guest && frame.sender !== undefined) {
      if (this.#rejectBanned(connection, grant, frame.sender)) return;
      sessions.nameGuest(session, frame.sender);
    }
    if (frame.echo !== undefined) session.echo = frame.echo;
    this.#leaveForbidden(connection, session);
    if (session === present && frame.rooms === undefined && frame.token !== undefined) {
      // Only a new token: no room is joined again, no history is sent again.
      const snapshots = this.options.rooms.currentSnapshots(connection, session);
      this.#welcome(connection, session, snapshots);
      return;
    }
    await this.#resumeRooms(connection, session, frame.rooms);
  }

  /** The rights of `connection`; `undefined` if it was rejected. */
  async #authenticate(
    connection: Connection,
    token: string | undefined,
  ): Promise<Grant | undefined> {
    const { authentication, now } = this.options;
    const known = connection.session?.grant ?? connection.grant;
    // A grant is valid until it expires, however often the client says hello.
    if (token === undefined && known !== undefined && known.expiresAt > now()) return known;
    const result = await authentication.check(token ?? connection.token, {
      address: connection.address,
      connection: connection.id,
    });
    connection.token = undefined;
    if (result.ok) return result.grant;
    if (connection.open) reject(connection, result);
    return undefined;
  }

  #begin(
    connection: Connection,
    grant: Grant,
    wanted?: string,
    secret?: string,
  ): Session | undefined {
    if (this.#rejectBanned(connection, grant, grant.name ?? wanted)) return undefined;
    const session = this.options.sessions.begin(connection, grant, wanted, secret);
    if (session === undefined && grant.name !== undefined) {
      connection.close(CLOSE.unauthorized, this.options.sessions.whyNotOwn(grant.name));
    }
    return session;
  }

  /** Closes the connection if its address or `name` is banned. */
  #rejectBanned(connection: Connection, { admin }: Grant, name: string | undefined): boolean {
    const { address } = connection;
    const ban = this.options.moderation.activeBan({ name, address, admin });
    if (ban !== undefined) connection.close(CLOSE.forbidden, banMessage(ban));
    return ban !== undefined;
  }

  /** Joins the rooms of a `hello`, or if it names none those of the session. */
  async #resumeRooms(
    connection: Connection,
    session: Session,
    wanted: readonly RoomPosition[] | undefined,
  ): Promise<void> {
    if (wanted === undefined) {
      const rooms = this.#chooseRooms(session.grant, session.rooms);
      return await this.#joinAll(connection, session, rooms);
    }
    for (const name of [...session.rooms]) {
      if (wanted.some(({ room }) => room === name)) continue;
      this.options.rooms.leave(session, name);
    }
    await this.#joinAll(connection, session, wanted);
  }

  /** Removes a session from rooms that its grant does not permit. */
  #leaveForbidden(connection: Connection, session: Session): void {
    for (const room of [...session.rooms]) {
      if (session.grant.rights.mayRead(room)) continue;
      this.options.rooms.leave(session, room);
      connection.sendControl({ type: "left", room });
    }
  }

  /** Joins rooms, sends `welcome` and pending private messages, and starts live delivery. */
  async #joinAll(
    connection: Connection,
    session: Session,
    positions: readonly RoomPosition[],
  ): Promise<void> {
    const { limits, rooms, roomLimiter, moderation } = this.options;
    const { rights } = session.grant;
    const byRoom = new Map(positions.map((position) => [position.room, position]));
    const readable = [...byRoom.values()].filter(({ room }) => rights.mayRead(room));
    const wanted = readable.filter(({ room }) => moderation.closedRoom(room) === undefined);
    let joined: JoinResult[] = [];
    let refusal: RoomRefusal | undefined;
    for (const position of wanted.slice(0, limits.maxRooms)) {
      const refused = await roomLimiter.admit(position.room, connection.network);
      if (refused !== undefined) {
        refusal = refused;
        continue;
      }
      // In order, as the first room gets the messages that name none.
      const result = await rooms.join(session, position);
      if (result === undefined || !connection.open) return;
      joined.push(result);
    }
    for (const { room } of joined) {
      // Closed meanwhile, before the session had joined.
      if (moderation.closedRoom(room.name) !== undefined) rooms.leave(session, room.name);
    }
    joined = joined.filter(({ room }) => session.rooms.includes(room.name));
    this.#welcome(connection, session, joined.map(({ snapshot }) => snapshot));
    logger.info("{connection} is {name} in {rooms}", {
      connection: connection.id,
      name: session.name,
      rooms: session.rooms.join(", ") || "no room",
    });
    if (wanted.length > limits.maxRooms) refuseTooManyRooms(connection, limits.maxRooms);
    if (refusal !== undefined) refuseNewRoom(connection, refusal);
    const forbidden = [...byRoom.keys()].filter((room) => !rights.mayRead(room));
    if (forbidden.length > 0) refuseToRead(connection, forbidden);
    for (const { room } of readable) {
      const closure = moderation.closedRoom(room);
      if (closure !== undefined) connection.refuse("forbidden", closedRoomMessage(closure));
    }
    connection.enqueue(session.pendingDirects);
    session.pendingDirects = [];
    for (const result of joined) rooms.goLive(connection, result);
  }

  #welcome(connection: Connection, session: Session, rooms: readonly JoinSnapshot[]): void {
    const { limits, now } = this.options;
    connection.welcomed = true;
    connection.enqueue(connection.encoder.welcome(
      {
        type: "welcome",
        sender: session.name,
        session: session.secret,
        server: { name: "bcast", version: VERSION },
        limits: {
          maxMessageBytes: limits.maxMessageBytes,
          maxRooms: limits.maxRooms,
          replay: limits.replay,
          rate: connection.bucket === undefined ? 0 : limits.rate,
          burst: limits.burst,
        },
      },
      rooms,
      now(),
    ));
  }

  /** The rooms that a client named, else the default rooms, else the rooms of its token. */
  #chooseRooms({ rights }: Grant, named: readonly string[]): readonly RoomPosition[] {
    const defaults = this.options.defaultRooms.filter((room) => rights.mayRead(room));
    const rooms = named.length > 0 ? named : defaults.length > 0 ? defaults : rights.named;
    return rooms.map((room) => ({ room }));
  }
}

export function refuseTooManyRooms(connection: Connection, maxRooms: number): void {
  connection.refuse("too_many_rooms", `You may be in ${maxRooms} rooms: leave one first`);
}

export function refuseNewRoom(
  connection: Connection,
  { code, message, retryAfter }: RoomRefusal,
): void {
  connection.refuse(code, message, undefined, retryAfter);
}

/** The error does not reveal whether the rooms exist. */
export function refuseToRead(connection: Connection, rooms: readonly string[], ref?: Ref): void {
  const more = rooms.length > MAX_NAMED_ROOMS ? " and others" : "";
  const names = rooms.slice(0, MAX_NAMED_ROOMS).join(", ") + more;
  const message = `Your token does not let you into ${names}: ask for one that does`;
  connection.refuse("forbidden", message, ref);
}

/** Refuses a token. A client that is admitted keeps its present rights, as long as they last. */
function reject(connection: Connection, result: Exclude<AuthResult, { readonly ok: true }>): void {
  const { failure, reason } = result;
  const admitted = connection.session !== undefined;
  if (failure === "throttled") {
    connection.refuse("rate_limited", reason, undefined, result.retryAfter);
    if (!admitted) connection.close(CLOSE.rateLimited, reason);
  } else if (admitted) {
    connection.refuse("unauthorized", reason);
  } else {
    connection.close(CLOSE.unauthorized, reason);
  }
}

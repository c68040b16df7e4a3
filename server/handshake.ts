import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import {
  type BadRoom,
  type ClientFrame,
  CLOSE,
  DEDUPE_MINUTES,
  type Features,
  type Hello,
  type Join,
  MAX_EXTENSION_LENGTH,
  normalizeName,
  type Ok,
  type Ref,
  type RoomPosition,
  type TokenRequest,
  visible,
} from "../protocol.ts";
import { VERSION } from "../lib/version.ts";
import type { Authentication, AuthResult } from "./authentication.ts";
import type { Entrance } from "./catch_up.ts";
import { type Connection, newSecret, Session } from "./connection.ts";
import type { Refusal } from "./refusal.ts";
import type { Encoder } from "./encoders/encoder.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { banMessage, closedRoomMessage } from "./moderation/sanction_messages.ts";
import { Room } from "./room.ts";
import type { RoomAdmission } from "./room_admission.ts";
import type { RoomMembership, RoomSnapshot } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

const logger = getLogger(["bcast", "hub"]);

/** UTF-16 units of messages in one `welcome`, for clients that get them there. */
const WELCOME_LENGTH = 192 * 1024;

/** Rooms whose members are listed in one `welcome`: with the messages, they must fit into a frame. */
const WELCOME_NAMED_ROOMS = 8;

/** The version of the protocol. */
const PROTOCOL_VERSION = 1;

/** The optional features that this hub has. */
const FEATURES: Features = {
  key: { seconds: DEDUPE_MINUTES * 60 },
  x: { maxBytes: MAX_EXTENSION_LENGTH },
};

/** What a `welcome` says about its `hello`. */
interface WelcomeDetails {
  readonly resumed: boolean;
  readonly ref?: Ref | undefined;
}

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
  readonly admission: RoomAdmission;
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
      const message = "The sender is not a name: you are a guest until you take one";
      connection.refuse({ code: "bad_name", message });
    }
    await this.#joinAll(connection, session, this.#chooseRooms(grant, rooms), { resumed: false });
  }

  /** Admits a client that only listens to rooms, unannounced. `grant` must permit that. */
  async subscribeAnonymously(
    connection: Connection,
    grant: Grant,
    positions: readonly RoomPosition[],
  ): Promise<void> {
    const { rooms, moderation } = this.options;
    const session = new Session(newSecret(), grant, true);
    session.connection = connection;
    session.address = connection.address;
    connection.session = session;
    connection.welcomed = true;
    // The ban may be newer than the check of the request.
    if (this.#rejectBanned(connection, grant, grant.name)) return;
    for (const position of positions) {
      const room = await rooms.enter(session, position.room);
      if (room === undefined || !connection.open) return;
      const closure = moderation.closedRoom(room.name);
      if (closure !== undefined) {
        connection.close(CLOSE.forbidden, closedRoomMessage(closure));
        return;
      }
      void rooms.catchUp.join(connection, session, { room, position });
    }
  }

  /**
   * Answers `hello`: the first one, or a later one with a new token or other rooms.
   *
   * @param badRooms entries of its `rooms` that could not be read.
   */
  async onHello(
    connection: Connection,
    frame: Hello,
    badRooms: readonly BadRoom[] = [],
  ): Promise<void> {
    const request = requestOf(frame);
    const grant = await this.#authenticate(connection, frame.token, request);
    // The connection may have ended meanwhile.
    if (grant === undefined || !connection.open) return;
    const { sessions, counters } = this.options;
    const present = connection.session;
    if (present !== undefined && present.identity !== grant.name) {
      return refuseOther(connection, request);
    }
    if (this.#rejectBanned(connection, grant, grant.name)) return;
    connection.saidHello = true;
    connection.expiryWarned = false;
    const known = frame.session === undefined
      ? undefined
      : sessions.resume(connection, frame.session, grant);
    if (known !== undefined && known !== present) counters.resumes++;
    const resumed = known ?? present;
    const session = resumed ?? this.#begin(connection, grant, frame.sender, frame.session);
    if (session === undefined) return;
    session.grant = grant;
    // A resumed session keeps its name, unless the hub chose it.
    if (session.guest && frame.sender !== undefined) {
      if (this.#rejectBanned(connection, grant, frame.sender)) return;
      sessions.nameGuest(session, frame.sender);
    }
    if (frame.echo !== undefined) session.echo = frame.echo;
    this.#leaveForbidden(connection, session);
    if (frame.client !== undefined) {
      const { name, version } = frame.client;
      logger.info("{connection} uses {program}", {
        connection: connection.id,
        program: visible(`${name} ${version}`),
      });
    }
    const details = { resumed: resumed !== undefined, ref: frame.ref };
    // Without rooms, a later hello changes nothing about them.
    const positions = frame.rooms ??
      (session === present ? [] : this.#chooseRooms(grant, session.rooms));
    if (frame.rooms !== undefined) this.#leaveOthers(connection, session, frame.rooms);
    await this.#joinAll(connection, session, positions, details, badRooms);
  }

  /** Answers `token`: replaces the rights of a session by those of a new token of the same person. */
  async onToken(connection: Connection, session: Session, frame: TokenRequest): Promise<void> {
    const request = requestOf(frame);
    const grant = await this.#authenticate(connection, frame.token, request);
    if (grant === undefined || !connection.open || connection.session !== session) return;
    if (session.identity !== grant.name) return refuseOther(connection, request);
    if (this.#rejectBanned(connection, grant, grant.name)) return;
    session.grant = grant;
    connection.expiryWarned = false;
    this.#leaveForbidden(connection, session);
    connection.sendControl({ type: "ok", ...request, ...expiryOf(grant) });
  }

  /** Answers `join`. Returns whether the session is a new member of the room. */
  async onJoin(connection: Connection, session: Session, frame: Join): Promise<boolean> {
    const { room: name, ref } = frame;
    const isMember = session.rooms.includes(name);
    const result = await this.options.admission.enter(
      connection,
      session,
      name,
      isMember ? 0 : session.rooms.length,
    );
    if (result === undefined) return false;
    if (!(result instanceof Room)) {
      connection.refuse(ref === undefined ? result : { ...result, ref });
      return false;
    }
    await this.options.rooms.catchUp.join(connection, session, {
      room: result,
      position: frame,
      ref,
    });
    return !isMember;
  }

  /** The rights of `connection`; `undefined` if it was rejected. */
  async #authenticate(
    connection: Connection,
    token: string | undefined,
    request?: RequestRef,
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
    if (connection.open) reject(connection, result, request);
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

  /** Removes a session from rooms that a `hello` does not name. */
  #leaveOthers(
    connection: Connection,
    session: Session,
    wanted: readonly RoomPosition[],
  ): void {
    for (const name of [...session.rooms]) {
      if (wanted.some(({ room }) => room === name)) continue;
      this.options.rooms.leave(session, name);
      if (connection.welcomed) connection.sendControl({ type: "left", room: name });
    }
  }

  /** Removes a session from rooms that its grant does not permit. */
  #leaveForbidden(connection: Connection, session: Session): void {
    for (const room of [...session.rooms]) {
      if (session.grant.rights.mayRead(room)) continue;
      this.options.rooms.leave(session, room);
      // Only `welcome` tells a client that resumes which rooms it is in.
      if (connection.welcomed) connection.sendControl({ type: "left", room });
    }
  }

  /**
   * Joins rooms, and sends an error for each room that it could not join, `welcome`, and pending private
   * messages. The history of the rooms follows, or is in `welcome` for clients without `hello`.
   */
  async #joinAll(
    connection: Connection,
    session: Session,
    positions: readonly RoomPosition[],
    details: WelcomeDetails,
    badRooms: readonly BadRoom[] = [],
  ): Promise<void> {
    const { rooms } = this.options;
    const byRoom = new Map(positions.map((position) => [position.room, position]));
    const refused: Refusal[] = badRooms.map((bad) => ({ ...bad, re: "join" }));
    const entered: Entrance[] = [];
    // In order, as the first room gets the messages that name none.
    for (const position of byRoom.values()) {
      const result = await this.options.admission.enter(
        connection,
        session,
        position.room,
        entered.length,
      );
      if (result === undefined) return;
      if (result instanceof Room) entered.push({ room: result, position });
      else refused.push(result);
    }
    const { requiresHello } = connection.encoder;
    const snapshots = requiresHello ? [] : await this.#snapshots(session, entered);
    if (!connection.open) return;
    const refuse = (): void => {
      for (const refusal of refused) connection.refuse(refusal);
    };
    const greet = async (): Promise<void> => {
      // Errors before `welcome`, so that a client knows at once about all of its rooms. Simple clients
      // expect `welcome` first.
      if (requiresHello) refuse();
      this.#welcome(connection, session, details, snapshots);
      if (!requiresHello) refuse();
      connection.enqueue(session.pendingDirects);
      session.pendingDirects = [];
      const { catchUp } = rooms;
      for (const { room, cursor } of snapshots) catchUp.resume(connection, session, room, cursor);
      if (!requiresHello) return;
      await Promise.all(entered.map((entrance) => catchUp.join(connection, session, entrance)));
    };
    // `welcome` and the first pages share a frame where they can: a restart brings many clients.
    connection.sendTogether(greet).catch((error) => connection.fail(error));
    logger.info("{connection} is {name} in {rooms}", {
      connection: connection.id,
      name: session.name,
      rooms: session.rooms.join(", ") || "no room",
    });
  }

  async #snapshots(
    session: Session,
    entered: readonly Entrance[],
  ): Promise<readonly RoomSnapshot[]> {
    let left = WELCOME_LENGTH;
    const snapshots: RoomSnapshot[] = [];
    for (const [index, { room, position }] of entered.entries()) {
      const found = await this.options.rooms.snapshot(session, room, position, {
        length: left / (entered.length - index),
        presence: index < WELCOME_NAMED_ROOMS ? "names" : "count",
      });
      for (const { json } of found.snapshot.messages) left -= json.length;
      snapshots.push(found);
    }
    return snapshots;
  }

  #welcome(
    connection: Connection,
    session: Session,
    { resumed, ref }: WelcomeDetails,
    snapshots: readonly RoomSnapshot[],
  ): void {
    const { limits } = this.options;
    const now = this.options.now();
    connection.welcomed = true;
    connection.enqueue(connection.encoder.welcome(
      {
        type: "welcome",
        protocol: PROTOCOL_VERSION,
        sender: session.name,
        ...(session.identity === undefined ? {} : { account: session.identity }),
        session: session.secret,
        resumed,
        ...expiryOf(session.grant),
        time: new Date(now).toISOString(),
        server: { name: "bcast", version: VERSION },
        features: FEATURES,
        limits: {
          maxMessageBytes: limits.maxMessageBytes,
          maxFrameBytes: limits.maxFrameBytes,
          maxRooms: limits.maxRooms,
          recent: limits.recent,
          rate: connection.bucket === undefined ? 0 : limits.rate,
          burst: limits.burst,
          heartbeat: limits.heartbeat,
        },
        rooms: [...session.rooms],
        ...(ref === undefined ? {} : { ref }),
      },
      snapshots.map(({ snapshot }) => snapshot),
      now,
    ));
  }

  /** The rooms that a client named, else the default rooms, else the rooms of its token. */
  #chooseRooms({ rights }: Grant, named: readonly string[]): readonly RoomPosition[] {
    const defaults = this.options.defaultRooms.filter((room) => rights.mayRead(room));
    const rooms = named.length > 0 ? named : defaults.length > 0 ? defaults : rights.named;
    return rooms.map((room) => ({ room }));
  }
}

/** What an answer says about its request. */
type RequestRef = Pick<Ok, "re" | "ref">;

/** The fields of an answer that tell which request it answers. */
export function requestOf({ type, ref }: ClientFrame): RequestRef {
  return ref === undefined ? { re: type } : { re: type, ref };
}

function expiryOf({ expiresAt }: Grant): { readonly expires?: string } {
  return Number.isFinite(expiresAt) ? { expires: new Date(expiresAt).toISOString() } : {};
}

function refuseOther(connection: Connection, request: RequestRef): void {
  const message = "That token is another person's: open a connection for it";
  connection.refuse({ code: "unauthorized", message, ...request });
}

/** Refuses a token. A client that is admitted keeps its present rights, as long as they last. */
function reject(
  connection: Connection,
  result: Exclude<AuthResult, { readonly ok: true }>,
  request: RequestRef | undefined,
): void {
  const { failure, reason: message } = result;
  const admitted = connection.session !== undefined;
  if (failure === "throttled") {
    connection.refuse({ code: "rate_limited", message, ...request, retryAfter: result.retryAfter });
    if (!admitted) connection.close(CLOSE.rateLimited, message, result.retryAfter);
  } else if (admitted) {
    connection.refuse({ code: "unauthorized", message, ...request });
  } else {
    connection.close(CLOSE.unauthorized, message);
  }
}

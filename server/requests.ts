import { getLogger } from "@logtape/logtape";
import type { Broker } from "../broker/broker.ts";
import type { ServerClock } from "../lib/clock.ts";
import { ErrorStreak } from "../lib/error_streak.ts";
import {
  type BadRoom,
  type ClientFrame,
  CLOSE,
  type ErrorCode,
  type HistoryRequest,
  type Join,
  type Leave,
  type MembersRequest,
  nameKey,
  type Nick,
  parseClientFrame,
  type Parsed,
  plainFields,
  type Publish,
  type Ref,
  type TypingRequest,
} from "../protocol.ts";
import type { Connection, RequestHandler, Session } from "./connection.ts";
import type { Refusal } from "./refusal.ts";
import type { DirectMessages } from "./direct_messages.ts";
import { JSON_ENCODER } from "./encoders/json.ts";
import { TEXT_ENCODER } from "./encoders/text.ts";
import { parseLine } from "./encoders/text_commands.ts";
import { type Handshake, requestOf } from "./handshake.ts";
import { readPage, type StoredPage } from "./history.ts";
import type { RequestQuotas } from "./limits/request_quotas.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { banMessage, closedRoomMessage, muteMessage } from "./moderation/sanction_messages.ts";
import type { Sanction } from "./moderation/sanction_store.ts";
import { Publication, type Publisher } from "./publisher.ts";
import { refusedToRead } from "./room_admission.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

const logger = getLogger(["bcast", "hub"]);

/** Names in the answer to `members`. */
const MAX_MEMBERS = 1000;

/** Frames over the rate limit, in bursts, after which a client is disconnected. */
const MAX_BURSTS_OVER_RATE = 3;

/**
 * Milliseconds between the decision to disconnect a client that sends too much and the close frame.
 * A close frame that crosses with data is lost: the runtime then drops the connection.
 */
const DISCONNECT_DELAY = 500;

export interface RequestsOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  readonly limits: ServerLimits;
  readonly moderation: Moderation;
  readonly rooms: RoomMembership;
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly handshake: Handshake;
  readonly directMessages: DirectMessages;
  readonly quotas: RequestQuotas;
}

/** Answers the requests of all connections. Holds no state of clients. */
export class Requests implements RequestHandler {
  /** Asked once, as every message comes past. */
  readonly #debugs = logger.isEnabledFor("debug");
  readonly #readErrors = new ErrorStreak(logger, "Cannot read the log");

  constructor(private readonly options: RequestsOptions) {}

  reply(connection: Connection, line: string): void {
    if (this.#isWithinRate(connection, "")) connection.enqueue([line]);
  }

  handle(connection: Connection, input: string): Promise<void> | void {
    if (!this.#isWithinRate(connection, input)) return;
    if (connection.encoder === TEXT_ENCODER) return this.#handleLine(connection, input);
    const { maxMessageBytes } = this.options.limits;
    const parsed = connection.encoder === JSON_ENCODER
      ? parseClientFrame(
        input,
        maxMessageBytes,
        (fields) => plainFields(fields, connection.session?.rooms[0]),
      )
      : parseClientFrame(input, maxMessageBytes);
    if (!parsed.ok) return connection.refuse(parsed.error);
    return this.#handleFrame(connection, parsed.frame, input.length, parsed.badRooms);
  }

  #handleLine(connection: Connection, input: string): Promise<void> | void {
    const { session } = connection;
    const line = parseLine(
      input,
      session?.rooms.at(-1),
      (name) => this.options.directMessages.findVisible(session, name),
    );
    const wasAsked = connection.askedToQuit;
    connection.askedToQuit = line.kind === "leaving";
    switch (line.kind) {
      case "frame": {
        const checked = this.#checkLine(line.frame);
        if (checked.ok) return this.#handleFrame(connection, checked.frame, input.length);
        return connection.refuse(checked.error);
      }
      case "reply":
        return connection.enqueue([line.text]);
      case "leaving":
        if (!wasAsked) return connection.enqueue([line.question]);
        return connection.close(CLOSE.normal, "You left");
      case "quit":
        return connection.close(CLOSE.normal, "You left");
      case "nothing":
        return;
    }
  }

  /** Applies the limits of JSON frames to a line. */
  #checkLine(frame: ClientFrame): Parsed<ClientFrame> {
    return parseClientFrame(JSON.stringify(frame), this.options.limits.maxMessageBytes);
  }

  #handleFrame(
    connection: Connection,
    frame: ClientFrame,
    size: number,
    badRooms?: readonly BadRoom[],
  ): Promise<void> | void {
    if (this.#debugs) {
      logger.debug("{connection} asks for {type} with {size} characters", {
        connection: connection.id,
        type: frame.type,
        size,
        ...("room" in frame ? { room: frame.room } : {}),
      });
    }
    const { handshake } = this.options;
    if (frame.type === "hello") return handshake.onHello(connection, frame, badRooms);
    const { session } = connection;
    if (session === undefined) {
      const message = `Say hello first: {"type":"hello","sender":"Alice"}`;
      return refuse(connection, frame, "unauthorized", message);
    }
    switch (frame.type) {
      case "message":
        return this.#publish(connection, session, frame, size);
      case "direct":
        if (this.#refuseMuted(connection, session, frame)) return;
        return this.options.directMessages.send(connection, session, frame);
      case "join":
        return this.#join(connection, session, frame);
      case "leave":
        return this.#leave(connection, session, frame);
      case "nick":
        return this.#nick(connection, session, frame);
      case "token":
        return handshake.onToken(connection, session, frame);
      case "typing":
        return this.#typing(connection, session, frame);
      case "history":
        return this.#history(connection, session, frame);
      case "members":
        return this.#members(connection, session, frame);
      case "ping":
        return connection.sendControl({ type: "pong", ...withRef(frame) });
    }
  }

  #publish(connection: Connection, session: Session, frame: Publish, size: number): void {
    const { sender } = frame;
    if (session.guest && sender !== undefined) {
      const ban = this.#banOn(session, sender);
      if (ban !== undefined) return refuse(connection, frame, "forbidden", banMessage(ban));
      this.options.sessions.nameGuest(session, sender);
    }
    if (
      sender !== undefined && connection.encoder === JSON_ENCODER &&
      !isOwnName(session, sender) && !this.#rename(connection, session, sender, frame)
    ) return;
    if (this.#refuseMuted(connection, session, frame)) return;
    const room = frame.room ?? session.rooms[0];
    if (room === undefined || !session.rooms.includes(room)) {
      return this.#refuseNotInRoom(connection, frame);
    }
    if (!session.grant.rights.mayWrite(room)) return refuseToWrite(connection, frame, room);
    this.options.publisher.publish(new Publication(connection, session, room, frame, size));
  }

  async #join(connection: Connection, session: Session, frame: Join): Promise<void> {
    const isNew = await this.options.handshake.onJoin(connection, session, frame);
    if (isNew) this.#log("joined", connection, session, frame.room);
  }

  #leave(connection: Connection, session: Session, frame: Leave): void {
    const { room } = frame;
    if (!session.rooms.includes(room)) return this.#refuseNotInRoom(connection, frame);
    this.options.rooms.leave(session, room);
    connection.sendControl({ type: "left", room, ...withRef(frame) });
    this.#log("left", connection, session, room);
  }

  #log(what: "joined" | "left", { id }: Connection, { name }: Session, room: string): void {
    logger.info("{connection} {name} {what} {room}", { connection: id, name, what, room });
  }

  #nick(connection: Connection, session: Session, frame: Nick): void {
    if (!this.#rename(connection, session, frame.name, frame)) return;
    connection.sendControl({ type: "ok", ...requestOf(frame), name: session.name });
  }

  /** Renames a session; false if that was refused. @param request that asks for it. */
  #rename(
    connection: Connection,
    session: Session,
    name: string,
    request: ClientFrame,
  ): boolean {
    const from = session.name;
    if (session.identity !== undefined) {
      const message = `Your token says that you are ${from}: the name cannot be changed`;
      refuse(connection, request, "forbidden", message);
      return false;
    }
    const ban = this.#banOn(session, name);
    if (ban !== undefined) {
      refuse(connection, request, "name_taken", `${banMessage(ban)}. Take another name`);
      return false;
    }
    if (!this.options.sessions.rename(session, name)) {
      refuse(connection, request, "name_taken", this.options.sessions.whyTaken(name));
      return false;
    }
    this.options.sessions.tellRenamed(session, from);
    return true;
  }

  #typing(connection: Connection, session: Session, frame: TypingRequest): void {
    const { room, active } = frame;
    if (!session.rooms.includes(room)) return this.#refuseNotInRoom(connection, frame);
    // A muted client may still stop: it may have started before the mute.
    if (active && this.#refuseMuted(connection, session, frame)) return;
    if (!session.grant.rights.mayWrite(room)) return refuseToWrite(connection, frame, room);
    this.options.rooms.get(room)?.broadcastTyping(session.name, active, connection);
    if (frame.ref !== undefined) connection.sendControl({ type: "ok", ...requestOf(frame) });
  }

  async #history(connection: Connection, session: Session, frame: HistoryRequest): Promise<void> {
    const { room } = frame;
    if (!session.grant.rights.mayRead(room)) return refuseToRead(connection, frame, room);
    let page: StoredPage;
    try {
      page = await readPage(this.options.broker, frame);
    } catch (error) {
      // The log may recover: no reason to close the connection.
      this.#readErrors.recordFailure(error instanceof Error ? error.message : String(error));
      const message = "The hub could not read its log: try again";
      return refuse(connection, frame, "internal", message, 1);
    }
    this.#readErrors.recordSuccess();
    connection.sendControl({ type: "history", room, ...page, ...withRef(frame) });
  }

  #members(connection: Connection, session: Session, frame: MembersRequest): void {
    if (!session.grant.rights.mayRead(frame.room)) {
      return refuseToRead(connection, frame, frame.room);
    }
    const room = this.options.rooms.get(frame.room);
    connection.sendControl({
      type: "members",
      room: frame.room,
      online: room?.online ?? 0,
      ...(room?.namedMembers(MAX_MEMBERS) ?? { members: [] }),
      ...withRef(frame),
    });
  }

  /** Counts one request against the rate limits; if it exceeds them, refuses it. */
  #isWithinRate(connection: Connection, input: string): boolean {
    const { limits, clock, quotas } = this.options;
    const own = connection.bucket?.take(clock.now()) ?? 0;
    const wait = own > 0 ? own : quotas.consumeNetworkQuota(connection.network);
    if (wait === 0) {
      connection.overRate = 0;
      return true;
    }
    connection.overRate++;
    const retryAfter = Math.ceil(wait * 1000) / 1000;
    const limit = own > 0
      ? `Over ${limits.rate} frames a second`
      : `Over ${limits.ratePerAddress} frames a second from your address`;
    if (connection.overRate > MAX_BURSTS_OVER_RATE * limits.burst) {
      connection.inputClosed = true;
      clock.after(DISCONNECT_DELAY, () => {
        connection.close(CLOSE.rateLimited, `${limit}: wait and come back`, retryAfter);
      });
      return false;
    }
    const parsed = parseClientFrame(input, limits.maxMessageBytes);
    const request = parsed.ok ? aboutRequest(parsed.frame) : parsed.error;
    const message = `${limit}: wait ${retryAfter} s`;
    connection.refuse({ ...request, code: "rate_limited", message, retryAfter });
    return false;
  }

  /** The ban on `name`, if it applies to `session`. */
  #banOn({ grant: { admin } }: Session, name: string): Sanction | undefined {
    return this.options.moderation.activeBan({ name, admin });
  }

  /** Refuses a request to write if the session is muted. */
  #refuseMuted(connection: Connection, session: Session, frame: ClientFrame): boolean {
    if (session.activeMute === undefined) return false;
    const mute = this.options.moderation.sessionMute(session);
    if (mute === undefined) return false;
    const now = this.options.clock.now();
    const wait = mute.until === Infinity ? undefined : Math.ceil((mute.until - now) / 1000);
    refuse(connection, frame, "forbidden", muteMessage(mute, now), wait);
    return true;
  }

  /** @param frame names the room, or no room while the client is in none. */
  #refuseNotInRoom(
    connection: Connection,
    frame: Extract<ClientFrame, { readonly room?: string }>,
  ): void {
    const { room } = frame;
    const closure = room === undefined ? undefined : this.options.moderation.closedRoom(room);
    if (closure !== undefined) {
      return refuse(connection, frame, "forbidden", closedRoomMessage(closure));
    }
    const where = room === undefined ? "You are in no room" : `You are not in ${room}`;
    const join = room ?? "lobby";
    const how = connection.encoder === TEXT_ENCODER
      ? `/join ${join}`
      : `send {"type":"join","room":"${join}"}`;
    refuse(connection, frame, "not_in_room", `${where}: ${how}`);
  }
}

/** Whether `sender` is the session's name, or the one that it asked for but did not get. */
function isOwnName({ name, requestedName }: Session, sender: string): boolean {
  const key = nameKey(sender);
  return key === nameKey(name) || (requestedName !== undefined && key === nameKey(requestedName));
}

function withRef({ ref }: ClientFrame): { readonly ref?: Ref } {
  return ref === undefined ? {} : { ref };
}

/** The fields of an error that tell which request failed. */
function aboutRequest(frame: ClientFrame): Pick<Refusal, "re" | "room" | "ref"> {
  const room = "room" in frame ? frame.room : undefined;
  return room === undefined ? requestOf(frame) : { ...requestOf(frame), room };
}

/** Answers a request with an error; `retryAfter` in seconds. */
export function refuse(
  connection: Connection,
  request: ClientFrame,
  code: ErrorCode,
  message: string,
  retryAfter?: number,
): void {
  connection.refuse({ code, message, ...aboutRequest(request), retryAfter });
}

function refuseToRead(connection: Connection, frame: ClientFrame, room: string): void {
  const { code, message } = refusedToRead(room);
  refuse(connection, frame, code, message);
}

function refuseToWrite(connection: Connection, frame: ClientFrame, room: string): void {
  const message = `Your token lets you read ${room}, not write: ask for one that does`;
  refuse(connection, frame, "forbidden", message);
}

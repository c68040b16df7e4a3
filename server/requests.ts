import { getLogger } from "@logtape/logtape";
import type { Broker } from "../broker/broker.ts";
import type { ServerClock } from "../lib/clock.ts";
import { ErrorStreak } from "../lib/error_streak.ts";
import {
  type ClientFrame,
  CLOSE,
  type HistoryRequest,
  type Join,
  nameKey,
  parseClientFrame,
  type Parsed,
  plainFields,
  type Publish,
  type Ref,
  type TypingRequest,
  type WhoRequest,
} from "../protocol.ts";
import type { Connection, RequestHandler, Session } from "./connection.ts";
import type { DirectMessages } from "./direct_messages.ts";
import { JSON_ENCODER } from "./encoders/json.ts";
import { TEXT_ENCODER } from "./encoders/text.ts";
import { parseLine } from "./encoders/text_commands.ts";
import { type Handshake, refuseNewRoom, refuseTooManyRooms, refuseToRead } from "./handshake.ts";
import { type HistoryPage, readPage } from "./history.ts";
import type { RequestQuotas } from "./limits/request_quotas.ts";
import type { RoomLimiter } from "./limits/room_limiter.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Moderation } from "./moderation/moderation.ts";
import { banMessage, closedRoomMessage, muteMessage } from "./moderation/sanction_messages.ts";
import type { Sanction } from "./moderation/sanction_store.ts";
import { Publication, type Publisher } from "./publisher.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

const logger = getLogger(["bcast", "hub"]);

/** Names in the answer to `who`. */
const MAX_WHO_NAMES = 1000;

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
  readonly roomLimiter: RoomLimiter;
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
    if (!parsed.ok) {
      const { code, message, ref } = parsed.error;
      connection.refuse(code, message, ref);
      return;
    }
    return this.#handleFrame(connection, parsed.frame, input.length);
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
        return connection.refuse(checked.error.code, checked.error.message);
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

  #handleFrame(connection: Connection, frame: ClientFrame, size: number): Promise<void> | void {
    if (this.#debugs) {
      logger.debug("{connection} asks for {type} with {size} characters", {
        connection: connection.id,
        type: frame.type,
        size,
        ...("room" in frame ? { room: frame.room } : {}),
      });
    }
    if (frame.type === "hello") return this.options.handshake.onHello(connection, frame);
    const { session } = connection;
    if (session === undefined) {
      const ref = "ref" in frame ? frame.ref : undefined;
      const message = `Say hello first: {"type":"hello","sender":"Alice"}`;
      return connection.refuse("unauthorized", message, ref);
    }
    switch (frame.type) {
      case "message":
        return this.#publish(connection, session, frame, size);
      case "direct":
        if (this.#refuseMuted(connection, session, frame.ref)) return;
        return this.options.directMessages.send(connection, session, frame);
      case "join":
        return this.#join(connection, session, frame);
      case "leave":
        return this.#leave(connection, session, frame.room);
      case "nick":
        this.#rename(connection, session, frame.sender);
        return;
      case "typing":
        return this.#typing(connection, session, frame);
      case "history":
        return this.#history(connection, session, frame);
      case "who":
        return this.#who(connection, session, frame);
      case "ping":
        return connection.sendControl({ type: "pong", ...withRef(frame) });
    }
  }

  #publish(connection: Connection, session: Session, frame: Publish, size: number): void {
    const { sender, ref } = frame;
    if (session.guest && sender !== undefined) {
      const ban = this.#banOn(session, sender);
      if (ban !== undefined) return connection.refuse("forbidden", banMessage(ban), ref);
      this.options.sessions.nameGuest(session, sender);
    }
    if (
      sender !== undefined && connection.encoder === JSON_ENCODER &&
      !isOwnName(session, sender) && !this.#rename(connection, session, sender, ref)
    ) return;
    if (this.#refuseMuted(connection, session, ref)) return;
    const room = frame.room ?? session.rooms[0];
    if (room === undefined || !session.rooms.includes(room)) {
      return this.#refuseNotInRoom(connection, frame.room, ref);
    }
    if (!session.grant.rights.mayWrite(room)) return refuseToWrite(connection, room, ref);
    this.options.publisher.publish(new Publication(connection, session, room, frame, size));
  }

  async #join(connection: Connection, session: Session, frame: Join): Promise<void> {
    const { limits, rooms, roomLimiter, moderation } = this.options;
    if (!session.grant.rights.mayRead(frame.room)) return refuseToRead(connection, [frame.room]);
    const closure = moderation.closedRoom(frame.room);
    if (closure !== undefined) return connection.refuse("forbidden", closedRoomMessage(closure));
    const present = session.rooms.includes(frame.room);
    if (!present && session.rooms.length >= limits.maxRooms) {
      return refuseTooManyRooms(connection, limits.maxRooms);
    }
    const refusal = await roomLimiter.admit(frame.room, connection.network);
    if (refusal !== undefined) return refuseNewRoom(connection, refusal);
    const joined = await rooms.join(session, frame);
    if (joined === undefined || !connection.open) return;
    const closedMeanwhile = moderation.closedRoom(frame.room);
    if (closedMeanwhile !== undefined) {
      rooms.leave(session, frame.room);
      return connection.refuse("forbidden", closedRoomMessage(closedMeanwhile));
    }
    connection.enqueue(connection.encoder.joined(joined.snapshot));
    rooms.goLive(connection, joined);
    if (!present) this.#log("joined", connection, session, frame.room);
  }

  #leave(connection: Connection, session: Session, room: string): void {
    if (!session.rooms.includes(room)) return this.#refuseNotInRoom(connection, room);
    this.options.rooms.leave(session, room);
    connection.sendControl({ type: "left", room });
    this.#log("left", connection, session, room);
  }

  #log(what: "joined" | "left", { id }: Connection, { name }: Session, room: string): void {
    logger.info("{connection} {name} {what} {room}", { connection: id, name, what, room });
  }

  /** Renames a session; false if that was refused. */
  #rename(connection: Connection, session: Session, name: string, ref?: Ref): boolean {
    const from = session.name;
    if (session.identity !== undefined) {
      const message = `Your token says that you are ${from}: the name cannot be changed`;
      connection.refuse("forbidden", message, ref);
      return false;
    }
    const ban = this.#banOn(session, name);
    if (ban !== undefined) {
      connection.refuse("name_taken", `${banMessage(ban)}. Take another name`, ref);
      return false;
    }
    if (!this.options.sessions.rename(session, name)) {
      connection.refuse("name_taken", this.options.sessions.whyTaken(name), ref);
      return false;
    }
    this.options.sessions.tellRenamed(session, from);
    return true;
  }

  #typing(connection: Connection, session: Session, frame: TypingRequest): void {
    if (!session.rooms.includes(frame.room)) {
      return this.#refuseNotInRoom(connection, frame.room);
    }
    // A muted client may still stop: it may have started before the mute.
    if (frame.typing && this.#refuseMuted(connection, session)) return;
    if (!session.grant.rights.mayWrite(frame.room)) return refuseToWrite(connection, frame.room);
    const room = this.options.rooms.get(frame.room);
    // Not in large rooms, where it would cost much and help no reader.
    if (room?.small) room.broadcast({ ...frame, sender: session.name }, connection);
  }

  async #history(connection: Connection, session: Session, frame: HistoryRequest): Promise<void> {
    const { room, ref } = frame;
    if (!session.grant.rights.mayRead(room)) return refuseToRead(connection, [room], ref);
    let page: HistoryPage;
    try {
      page = await readPage(this.options.broker, frame);
    } catch (error) {
      // The log may recover: no reason to close the connection.
      this.#readErrors.recordFailure(error instanceof Error ? error.message : String(error));
      return connection.refuse("internal", "The hub could not read its log: try again", ref, 1);
    }
    this.#readErrors.recordSuccess();
    connection.sendControl({ type: "history", room, ...page, ...withRef(frame) });
  }

  #who(connection: Connection, session: Session, frame: WhoRequest): void {
    if (!session.grant.rights.mayRead(frame.room)) {
      return refuseToRead(connection, [frame.room], frame.ref);
    }
    const room = this.options.rooms.get(frame.room);
    connection.sendControl({
      type: "who",
      room: frame.room,
      online: room?.online ?? 0,
      members: room?.names(MAX_WHO_NAMES) ?? [],
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
        connection.close(CLOSE.rateLimited, `${limit}: wait and come back`);
      });
      return false;
    }
    const parsed = parseClientFrame(input, limits.maxMessageBytes);
    const ref = parsed.ok && "ref" in parsed.frame ? parsed.frame.ref : undefined;
    connection.refuse("rate_limited", `${limit}: wait ${retryAfter} s`, ref, retryAfter);
    return false;
  }

  /** The ban on `name`, if it applies to `session`. */
  #banOn({ grant: { admin } }: Session, name: string): Sanction | undefined {
    return this.options.moderation.activeBan({ name, admin });
  }

  /** Refuses a request to write if the session is muted. */
  #refuseMuted(connection: Connection, session: Session, ref?: Ref): boolean {
    if (session.activeMute === undefined) return false;
    const mute = this.options.moderation.sessionMute(session);
    if (mute === undefined) return false;
    const now = this.options.clock.now();
    const wait = mute.until === Infinity ? undefined : Math.ceil((mute.until - now) / 1000);
    connection.refuse("forbidden", muteMessage(mute, now), ref, wait);
    return true;
  }

  #refuseNotInRoom(connection: Connection, room: string | undefined, ref?: Ref): void {
    const closure = room === undefined ? undefined : this.options.moderation.closedRoom(room);
    if (closure !== undefined) {
      return connection.refuse("forbidden", closedRoomMessage(closure), ref);
    }
    const where = room === undefined ? "You are in no room" : `You are not in ${room}`;
    const join = room ?? "lobby";
    const how = connection.encoder === TEXT_ENCODER
      ? `/join ${join}`
      : `send {"type":"join","room":"${join}"}`;
    connection.refuse("not_in_room", `${where}: ${how}`, ref);
  }
}

/** Whether `sender` is the session's name, or the one that it asked for but did not get. */
function isOwnName({ name, requestedName }: Session, sender: string): boolean {
  const key = nameKey(sender);
  return key === nameKey(name) || (requestedName !== undefined && key === nameKey(requestedName));
}

function withRef(frame: { readonly ref?: Ref }): { readonly ref?: Ref } {
  return frame.ref === undefined ? {} : { ref: frame.ref };
}

function refuseToWrite(connection: Connection, room: string, ref?: Ref): void {
  const message = `Your token lets you read ${room}, not write: ask for one that does`;
  connection.refuse("forbidden", message, ref);
}

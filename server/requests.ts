import { getLogger } from "@logtape/logtape";
import { ErrorStreak } from "../lib/error_streak.ts";
import type { Broker } from "../broker/broker.ts";
import type { Sanction } from "./moderation/sanction_store.ts";
import {
  type ClientFrame,
  CLOSE,
  type DirectRequest,
  type HistoryRequest,
  type Join,
  nameKey,
  parseClientFrame,
  type Parsed,
  plainFields,
  type Publish,
  RETURN_SECONDS,
  type TypingRequest,
  type WhoRequest,
} from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import { JSON_ENCODER, TEXT_ENCODER } from "./encoders/encoder.ts";
import { type HistoryPage, readPage } from "./history.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import { parseLine } from "./encoders/text_commands.ts";
import { banMessage, closedRoomMessage, muteMessage } from "./moderation/sanction_messages.ts";
import type { Moderation } from "./moderation/moderation.ts";
import type { Connection } from "./connection.ts";
import { Publication, type Publisher } from "./publisher.ts";
import type { TokenBuckets } from "./limits/token_bucket.ts";
import { type Handshake, mayNotCreate, mayNotRead, tooManyRooms } from "./handshake.ts";
import type { RoomLimiter } from "./limits/room_limiter.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

const logger = getLogger(["bcast", "hub"]);

/** What answering requests takes. */
export interface RequestsOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  readonly limits: ServerLimits;
  readonly moderation: Moderation;
  readonly rooms: RoomMembership;
  readonly registry: RoomLimiter;
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly reception: Handshake;
  readonly addresses: TokenBuckets;
}

/** Names in the answer to `who`. */
const MAX_WHO_NAMES = 1000;

/** UTF-16 units of private messages kept for a session that is away. */
const MAX_MAIL_LENGTH = 256 * 1024;

/** Frames over the rate, in bursts, after which a client that was told each time is cut off. */
const PATIENCE_BURSTS = 3;

/**
 * Milliseconds between the decision to cut off a client that sends too much and the close frame. A
 * close frame that crosses with data is lost to the client: the runtime then drops the connection.
 */
const CUT_OFF_DELAY = 500;

/** Answers what clients send. One object for the whole hub; all state is in peers, sessions and rooms. */
export class Requests {
  /** Asked once: this is the path of every message. */
  readonly #debugs = logger.isEnabledFor("debug");
  readonly #startedAt: number;
  readonly #reading = new ErrorStreak(logger, "Cannot read the log");

  constructor(private readonly options: RequestsOptions) {
    this.#startedAt = options.clock.now();
  }

  /** Answers what is neither object nor line of a client, but counts as one in its rate. */
  reply(peer: Connection, line: string): void {
    if (this.#withinRate(peer, "")) peer.enqueue([line]);
  }

  /** Handles one object or line of a client. A promise means: nothing else of this client before. */
  handle(peer: Connection, input: string): Promise<void> | void {
    if (!this.#withinRate(peer, input)) return;
    if (peer.encoder === TEXT_ENCODER) return this.#line(peer, input);
    const { maxMessageBytes } = this.options.limits;
    const parsed = peer.encoder === JSON_ENCODER
      ? parseClientFrame(
        input,
        maxMessageBytes,
        (fields) => plainFields(fields, peer.session?.rooms[0]?.name),
      )
      : parseClientFrame(input, maxMessageBytes);
    if (!parsed.ok) {
      const { code, message, ref } = parsed.error;
      peer.refuse(code, message, ref);
      return;
    }
    return this.#frame(peer, parsed.frame, input.length);
  }

  #line(peer: Connection, input: string): Promise<void> | void {
    const { session } = peer;
    const line = parseLine(input, session?.rooms.at(-1)?.name, (name) => {
      const person = this.options.sessions.find(name);
      if (session === undefined || person === undefined) return undefined;
      return maySee(session, person.siblingSessions ?? [person]) ? person.name : undefined;
    });
    const wasAsked = peer.askedToQuit;
    peer.askedToQuit = line.kind === "leaving";
    switch (line.kind) {
      case "frame": {
        const checked = this.#checkLine(line.frame);
        if (checked.ok) return this.#frame(peer, checked.frame, input.length);
        peer.refuse(checked.error.code, checked.error.message);
        return;
      }
      case "reply":
        peer.enqueue([line.text]);
        return;
      case "leaving":
        if (!wasAsked) return peer.enqueue([line.question]);
        peer.close(CLOSE.normal, "Goodbye");
        return;
      case "quit":
        peer.close(CLOSE.normal, "Goodbye");
        return;
      case "nothing":
        return;
    }
  }

  /** Holds what came as a line to the same limits as what comes as JSON. */
  #checkLine(frame: ClientFrame): Parsed<ClientFrame> {
    return parseClientFrame(JSON.stringify(frame), this.options.limits.maxMessageBytes);
  }

  #frame(peer: Connection, frame: ClientFrame, size: number): Promise<void> | void {
    if (this.#debugs) {
      logger.debug("{connection} asks for {type} with {size} characters", {
        connection: peer.id,
        type: frame.type,
        size,
        ...("room" in frame ? { room: frame.room } : {}),
      });
    }
    if (frame.type === "hello") return this.options.reception.onHello(peer, frame);
    const { session } = peer;
    if (session === undefined) {
      const ref = "ref" in frame ? frame.ref : undefined;
      peer.refuse("unauthorized", `Say hello first: {"type":"hello","sender":"Alice"}`, ref);
      return;
    }
    switch (frame.type) {
      case "message":
        return this.#publish(peer, session, frame, size);
      case "direct":
        return this.#direct(peer, session, frame);
      case "join":
        return this.#join(peer, session, frame);
      case "leave":
        return this.#leave(peer, session, frame.room);
      case "nick":
        this.#rename(peer, session, frame.sender);
        return;
      case "typing":
        return this.#typing(peer, session, frame);
      case "history":
        return this.#history(peer, session, frame);
      case "who":
        return this.#who(peer, session, frame);
      case "ping":
        return peer.sendControl({ type: "pong", ...withRef(frame) });
    }
  }

  #publish(peer: Connection, session: Session, frame: Publish, size: number): void {
    if (session.guest && frame.sender !== undefined) {
      const ban = this.#banOn(session, frame.sender);
      if (ban !== undefined) return peer.refuse("forbidden", banMessage(ban), frame.ref);
      this.options.sessions.nameGuest(session, frame.sender);
    }
    if (
      frame.sender !== undefined && peer.encoder === JSON_ENCODER &&
      !isOwnName(session, frame.sender) && !this.#rename(peer, session, frame.sender, frame.ref)
    ) return;
    if (session.activeMute !== undefined && this.#isSilenced(peer, session, frame.ref)) return;
    const room = frame.room === undefined
      ? session.rooms[0]
      : session.rooms.find(({ name }) => name === frame.room);
    if (room === undefined) {
      this.#notInRoom(peer, frame.room, frame.ref);
      return;
    }
    if (!session.grant.rights.mayWrite(room.name)) return mayNotWrite(peer, room.name, frame.ref);
    this.options.publisher.publish(new Publication(peer, session, room.name, frame, size));
  }

  #direct(peer: Connection, session: Session, frame: DirectRequest): void {
    const { sessions, clock } = this.options;
    if (session.activeMute !== undefined && this.#isSilenced(peer, session, frame.ref)) return;
    const receiver = sessions.find(frame.to);
    // All that this person is here with: one name, however many devices.
    const devices = receiver?.siblingSessions ?? (receiver === undefined ? [] : [receiver]);
    if (receiver === undefined || !maySee(session, devices)) {
      const message = `Nobody here is called ${frame.to}: ask who is here`;
      peer.refuse("no_such_user", message, frame.ref, this.#isStarting() ? 1 : undefined);
      return;
    }
    if (!mayAddress(session, devices)) {
      const message =
        `Your token does not let you write to ${receiver.name}: ask for one that does`;
      peer.refuse("forbidden", message, frame.ref);
      return;
    }
    const direct = {
      ...frame,
      to: receiver.name,
      sender: session.name,
      ...(session.identity === undefined ? {} : { verified: true as const }),
      timestamp: new Date(clock.now()).toISOString(),
    };
    const { ref: _, ...forReceiver } = direct;
    const mail = JSON.stringify(forReceiver);
    const full = (device: Session): boolean =>
      device.connection === undefined &&
      device.pendingDirectsLength + mail.length > MAX_MAIL_LENGTH;
    if ([...devices].every(full)) {
      const message = `${receiver.name} is away and has too much mail: try again later`;
      peer.refuse("rate_limited", message, frame.ref, 10);
      return;
    }
    for (const device of devices) {
      if (device === session || full(device)) continue;
      if (device.connection === undefined) device.pendingDirects.push(mail);
      else device.connection.sendControl(forReceiver);
    }
    peer.sendControl(direct);
  }

  /** Whether people who were connected before the hub restarted may still be on their way back. */
  #isStarting(): boolean {
    return this.options.clock.now() - this.#startedAt < RETURN_SECONDS * 1000;
  }

  async #join(peer: Connection, session: Session, frame: Join): Promise<void> {
    const { limits, rooms, registry, moderation } = this.options;
    if (!session.grant.rights.mayRead(frame.room)) return mayNotRead(peer, [frame.room]);
    const closure = moderation.closedRoom(frame.room);
    if (closure !== undefined) return peer.refuse("forbidden", closedRoomMessage(closure));
    const present = session.rooms.some(({ name }) => name === frame.room);
    if (!present && session.rooms.length >= limits.maxRooms) {
      tooManyRooms(peer, limits.maxRooms);
      return;
    }
    const refusal = await registry.admit(frame.room, peer.network);
    if (refusal !== undefined) return mayNotCreate(peer, refusal);
    const entrance = await rooms.join(session, frame);
    if (entrance === undefined || !peer.open) return;
    const closedMeanwhile = moderation.closedRoom(frame.room);
    if (closedMeanwhile !== undefined) {
      rooms.leave(session, entrance.room);
      peer.refuse("forbidden", closedRoomMessage(closedMeanwhile));
      return;
    }
    peer.enqueue(peer.encoder.joined(entrance.snapshot));
    rooms.goLive(peer, entrance);
    if (!present) this.#log("joined", peer, session, frame.room);
  }

  #leave(peer: Connection, session: Session, name: string): void {
    const room = session.rooms.find((joined) => joined.name === name);
    if (room === undefined) {
      this.#notInRoom(peer, name);
      return;
    }
    this.options.rooms.leave(session, room);
    peer.sendControl({ type: "left", room: name });
    this.#log("left", peer, session, name);
  }

  #log(what: "joined" | "left", { id }: Connection, { name }: Session, room: string): void {
    logger.info("{connection} {name} {what} {room}", { connection: id, name, what, room });
  }

  /** Gives a session another name; `false` when it cannot have that, which it was told. */
  #rename(peer: Connection, session: Session, name: string, ref?: string | number): boolean {
    const from = session.name;
    if (session.identity !== undefined) {
      const message = `Your token says that you are ${from}: the name cannot be changed`;
      peer.refuse("forbidden", message, ref);
      return false;
    }
    const ban = this.#banOn(session, name);
    if (ban !== undefined) {
      peer.refuse("name_taken", `${banMessage(ban)}. Take another name`, ref);
      return false;
    }
    if (!this.options.sessions.rename(session, name)) {
      peer.refuse("name_taken", this.options.sessions.whyTaken(name), ref);
      return false;
    }
    // Rooms of more than a few do not name the renamed, but the renamed wants to know.
    this.options.sessions.tellRenamed(session, from);
    return true;
  }

  #typing(peer: Connection, session: Session, frame: TypingRequest): void {
    const room = session.rooms.find(({ name }) => name === frame.room);
    if (room === undefined) {
      this.#notInRoom(peer, frame.room);
      return;
    }
    // To have stopped typing says nothing, and may end what was said before the mute.
    const says = frame.typing && session.activeMute !== undefined;
    if (says && this.#isSilenced(peer, session)) return;
    if (!session.grant.rights.mayWrite(room.name)) return mayNotWrite(peer, room.name);
    // In a crowd nobody watches who is typing, and everybody would pay for it.
    if (!room.small) return;
    room.broadcast({ ...frame, sender: session.name }, this.options.clock.now(), peer);
  }

  async #history(peer: Connection, session: Session, frame: HistoryRequest): Promise<void> {
    const { broker } = this.options;
    const { room } = frame;
    if (!session.grant.rights.mayRead(room)) return mayNotRead(peer, [room], frame.ref);
    let page: HistoryPage;
    try {
      page = await readPage(broker, frame);
    } catch (error) {
      // What the log cannot give now, it may give later: no reason to end the connection.
      this.#reading.recordFailure(error instanceof Error ? error.message : String(error));
      peer.refuse("internal", "The hub could not read its log: try again", frame.ref, 1);
      return;
    }
    this.#reading.recordSuccess();
    peer.sendControl({ type: "history", room, ...page, ...withRef(frame) });
  }

  #who(peer: Connection, session: Session, frame: WhoRequest): void {
    if (!session.grant.rights.mayRead(frame.room)) return mayNotRead(peer, [frame.room], frame.ref);
    const room = this.options.rooms.get(frame.room);
    peer.sendControl({
      type: "who",
      room: frame.room,
      online: room?.online ?? 0,
      members: room?.names(MAX_WHO_NAMES) ?? [],
      ...withRef(frame),
    });
  }

  #withinRate(peer: Connection, input: string): boolean {
    const { limits, clock } = this.options;
    const own = peer.bucket?.take(clock.now()) ?? 0;
    const wait = own > 0 ? own : this.#waitOfAddress(peer);
    if (wait === 0) {
      peer.overRate = 0;
      return true;
    }
    peer.overRate++;
    const retryAfter = Math.ceil(wait * 1000) / 1000;
    const limit = own > 0
      ? `Over ${limits.rate} frames a second`
      : `Over ${limits.ratePerAddress} frames a second from your address`;
    if (peer.overRate > PATIENCE_BURSTS * limits.burst) {
      peer.inputClosed = true;
      clock.after(CUT_OFF_DELAY, () => {
        peer.close(CLOSE.rateLimited, `${limit}: wait and come back`);
      });
      return false;
    }
    const parsed = parseClientFrame(input, limits.maxMessageBytes);
    const ref = parsed.ok && "ref" in parsed.frame ? parsed.frame.ref : undefined;
    peer.refuse("rate_limited", `${limit}: wait ${retryAfter} s`, ref, retryAfter);
    return false;
  }

  #waitOfAddress({ network }: Connection): number {
    const { addresses, clock } = this.options;
    return network === undefined ? 0 : addresses.take(network, clock.now());
  }

  /** The ban that keeps `session` from a name. */
  #banOn({ grant: { admin } }: Session, name: string): Sanction | undefined {
    return this.options.moderation.activeBan({ name, admin });
  }

  /** Whether `session` may not write; it then was told. */
  #isSilenced(peer: Connection, session: Session, ref?: string | number): boolean {
    const mute = this.options.moderation.sessionMute(session);
    if (mute === undefined) return false;
    const now = this.options.clock.now();
    const wait = mute.until === Infinity ? undefined : Math.ceil((mute.until - now) / 1000);
    peer.refuse("forbidden", muteMessage(mute, now), ref, wait);
    return true;
  }

  #notInRoom(peer: Connection, room: string | undefined, ref?: string | number): void {
    const closure = room === undefined ? undefined : this.options.moderation.closedRoom(room);
    if (closure !== undefined) {
      peer.refuse("forbidden", closedRoomMessage(closure), ref);
      return;
    }
    const where = room === undefined ? "You are in no room" : `You are not in ${room}`;
    const join = room ?? "lobby";
    const what = peer.encoder === TEXT_ENCODER
      ? `/join ${join}`
      : `send {"type":"join","room":"${join}"}`;
    peer.refuse("not_in_room", `${where}: ${what}`, ref);
  }
}

/** Whether `name` is the session's, or the one that it asked for and somebody else had. */
function isOwnName({ name, requestedName }: Session, said: string): boolean {
  const key = nameKey(said);
  return key === nameKey(name) || (requestedName !== undefined && key === nameKey(requestedName));
}

function withRef(frame: { readonly ref?: string | number }): { readonly ref?: string | number } {
  return frame.ref === undefined ? {} : { ref: frame.ref };
}

/**
 * Whether `session` may know that somebody is here: who may read some rooms only knows who is in
 * those.
 */
function maySee({ grant: { rights } }: Session, devices: Iterable<Session>): boolean {
  return rights.unlimited || anyRoom(devices, (room) => rights.mayRead(room));
}

/** Whether `session` may write to somebody alone: where they could be met in a room to write in. */
function mayAddress({ grant: { rights } }: Session, devices: Iterable<Session>): boolean {
  return rights.unlimited || anyRoom(devices, (room) => rights.mayWrite(room));
}

function anyRoom(devices: Iterable<Session>, permits: (room: string) => boolean): boolean {
  for (const { rooms } of devices) {
    if (rooms.some(({ name }) => permits(name))) return true;
  }
  return false;
}

function mayNotWrite(peer: Connection, room: string, ref?: string | number): void {
  peer.refuse(
    "forbidden",
    `Your token lets you read ${room}, not write: ask for one that does`,
    ref,
  );
}

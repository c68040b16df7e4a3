import type { Broker } from "../broker/broker.ts";
import {
  type ClientFrame,
  CLOSE,
  DEFAULT_HISTORY_PAGE,
  type DirectRequest,
  type Hello,
  type HistoryRequest,
  type Join,
  normalizeName,
  parseClientFrame,
  type Parsed,
  type Publish,
  type RoomPosition,
  type TypingRequest,
  VERSION,
  type WhoRequest,
} from "../protocol.ts";
import type { Clock } from "./clock.ts";
import type { Counters } from "./counters.ts";
import { TEXT } from "./dialect.ts";
import type { Introduction } from "./hub.ts";
import type { ServerLimits } from "./limits.ts";
import { parseLine } from "./line_commands.ts";
import type { Peer } from "./peer.ts";
import { Publication, type Publisher } from "./publisher.ts";
import type { Entrance, Rooms } from "./rooms.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** What answering requests takes. */
export interface RequestsOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly counters: Counters;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly defaultRooms: readonly string[];
}

/** Names in the answer to `who`. */
const MAX_WHO_NAMES = 1000;

/** UTF-16 units of private messages kept for a session that is away. */
const MAX_MAIL_LENGTH = 256 * 1024;

/** UTF-16 units of one page of history: well under any outbox. */
const MAX_PAGE_LENGTH = 1024 * 1024;

/** Frames over the rate, in bursts, after which a client that was told each time is cut off. */
const PATIENCE_BURSTS = 3;

/**
 * Milliseconds between the decision to cut off a client that sends too much and the close frame. A
 * close frame that crosses with data is lost to the client: the runtime then drops the connection.
 */
const CUT_OFF_DELAY = 500;

/** Answers what clients send. One object for the whole hub; all state is in peers, sessions and rooms. */
export class Requests {
  constructor(private readonly options: RequestsOptions) {}

  /** Takes in a client that needs no handshake. */
  attach(peer: Peer, introduction: Introduction): Promise<void> {
    const wanted = introduction.sender === undefined
      ? undefined
      : normalizeName(introduction.sender);
    this.options.sessions.begin(peer, wanted);
    if (introduction.sender !== undefined && wanted === undefined) {
      peer.refuse("bad_name", "The sender is not a name: you are a guest until you take one");
    }
    return this.#enterAll(peer, this.#positions(introduction.rooms));
  }

  /** Handles one object or line of a client. A promise means: nothing else of this client before. */
  handle(peer: Peer, input: string): Promise<void> | void {
    if (!this.#withinRate(peer, input)) return;
    if (peer.dialect === TEXT) return this.#line(peer, input);
    const parsed = parseClientFrame(input, this.options.limits.maxMessageBytes);
    if (!parsed.ok) {
      const { code, message, ref } = parsed.error;
      peer.refuse(code, message, ref);
      return;
    }
    return this.#frame(peer, parsed.frame, input.length);
  }

  #line(peer: Peer, input: string): Promise<void> | void {
    const room = peer.session?.rooms.at(-1)?.name;
    const line = parseLine(input, room);
    switch (line.kind) {
      case "frame": {
        const checked = this.#checkLine(line.frame);
        if (checked.ok) return this.#frame(peer, checked.frame, input.length);
        peer.refuse(checked.error.code, checked.error.message);
        return;
      }
      case "reply":
        peer.offer([line.text]);
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

  #frame(peer: Peer, frame: ClientFrame, size: number): Promise<void> | void {
    if (frame.type === "hello") return this.#hello(peer, frame);
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
        return this.#nick(peer, session, frame.sender);
      case "typing":
        return this.#typing(peer, session, frame);
      case "history":
        return this.#history(peer, frame);
      case "who":
        return this.#who(peer, frame);
      case "ping":
        return peer.tell({ type: "pong", ...withRef(frame) });
    }
  }

  #hello(peer: Peer, frame: Hello): Promise<void> {
    const { sessions, counters, rooms } = this.options;
    peer.saidHello = true;
    const resumed = frame.session === undefined ? undefined : sessions.resume(peer, frame.session);
    if (resumed !== undefined) counters.resumes++;
    const session = resumed ?? peer.session ?? sessions.begin(peer, frame.sender, frame.session);
    // Who comes back keeps its name; a guest that introduces itself late gets one.
    if (session.guest && frame.sender !== undefined) sessions.nameGuest(session, frame.sender);
    if (frame.echo !== undefined) session.echo = frame.echo;
    if (frame.rooms === undefined) {
      const before = session.rooms.map((room) => room.name);
      return this.#enterAll(peer, this.#positions(before));
    }
    const wanted = frame.rooms;
    for (const room of [...session.rooms]) {
      if (!wanted.some((position) => position.room === room.name)) rooms.leave(session, room);
    }
    return this.#enterAll(peer, wanted);
  }

  /** Enters rooms, says welcome, and lets the client take part. */
  async #enterAll(peer: Peer, positions: readonly RoomPosition[]): Promise<void> {
    const { session } = peer;
    if (session === undefined) return;
    const { limits, rooms } = this.options;
    const byRoom = new Map(positions.map((position) => [position.room, position]));
    const wanted = [...byRoom.values()];
    const entrances: Entrance[] = [];
    for (const position of wanted.slice(0, limits.maxRooms)) {
      // In order: the first is the room of messages that name none.
      const entrance = await rooms.enter(session, position);
      if (entrance === undefined || !peer.open) return;
      entrances.push(entrance);
    }
    peer.offer(peer.dialect.welcome(
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
      entrances.map((entrance) => entrance.entered),
    ));
    if (wanted.length > limits.maxRooms) this.#tooManyRooms(peer);
    peer.offer(session.mail);
    session.mail = [];
    for (const entrance of entrances) rooms.settle(peer, entrance);
  }

  #publish(peer: Peer, session: Session, frame: Publish, size: number): void {
    if (session.guest && frame.sender !== undefined) {
      this.options.sessions.nameGuest(session, frame.sender);
    }
    const room = frame.room === undefined
      ? session.rooms[0]
      : session.rooms.find(({ name }) => name === frame.room);
    if (room === undefined) {
      this.#notInRoom(peer, frame.room, frame.ref);
      return;
    }
    this.options.publisher.publish(new Publication(peer, session, room.name, frame, size));
  }

  #direct(peer: Peer, session: Session, frame: DirectRequest): void {
    const { sessions, clock } = this.options;
    const receiver = sessions.find(frame.to);
    if (receiver === undefined) {
      peer.refuse("no_such_user", `Nobody here is called ${frame.to}: ask who is here`, frame.ref);
      return;
    }
    const direct = {
      ...frame,
      to: receiver.name,
      sender: session.name,
      timestamp: new Date(clock.now()).toISOString(),
    };
    const { ref: _, ...forReceiver } = direct;
    if (receiver.peer === undefined) {
      const mail = JSON.stringify(forReceiver);
      if (receiver.mailLength + mail.length > MAX_MAIL_LENGTH) {
        const message = `${receiver.name} is away and has too much mail: try again later`;
        peer.refuse("rate_limited", message, frame.ref, 10);
        return;
      }
      receiver.mail.push(mail);
    } else if (receiver !== session) {
      receiver.peer.tell(forReceiver);
    }
    peer.tell(direct);
  }

  async #join(peer: Peer, session: Session, frame: Join): Promise<void> {
    const { limits, rooms } = this.options;
    const present = session.rooms.some(({ name }) => name === frame.room);
    if (!present && session.rooms.length >= limits.maxRooms) {
      this.#tooManyRooms(peer);
      return;
    }
    const entrance = await rooms.enter(session, frame);
    if (entrance === undefined || !peer.open) return;
    peer.offer(peer.dialect.joined(entrance.entered));
    rooms.settle(peer, entrance);
  }

  #leave(peer: Peer, session: Session, name: string): void {
    const room = session.rooms.find((joined) => joined.name === name);
    if (room === undefined) {
      this.#notInRoom(peer, name);
      return;
    }
    this.options.rooms.leave(session, room);
    peer.tell({ type: "left", room: name });
  }

  #nick(peer: Peer, session: Session, name: string): void {
    const from = session.name;
    if (!this.options.sessions.rename(session, name)) {
      peer.refuse("name_taken", `Somebody else is called ${name}: take another name`);
      return;
    }
    // Rooms of more than a few do not name the renamed, but the renamed wants to know.
    if (session.rooms.some((room) => room.small)) return;
    const renamed = [{ from, to: session.name }];
    const room = session.rooms[0];
    if (room === undefined) {
      const timestamp = new Date(this.options.clock.now()).toISOString();
      const message = `${from} is now ${session.name}`;
      peer.tell({ type: "system", message, timestamp, event: "rename" });
    } else {
      peer.tell({ type: "presence", room: room.name, online: room.online, renamed });
    }
  }

  #typing(peer: Peer, session: Session, frame: TypingRequest): void {
    const room = session.rooms.find(({ name }) => name === frame.room);
    if (room === undefined) {
      this.#notInRoom(peer, frame.room);
      return;
    }
    // In a crowd nobody watches who is typing, and everybody would pay for it.
    if (!room.small) return;
    room.tellAll({ ...frame, sender: session.name }, this.options.clock.now(), peer);
  }

  async #history(peer: Peer, frame: HistoryRequest): Promise<void> {
    const { broker } = this.options;
    const { room, query, before, after } = frame;
    const limit = frame.limit ?? DEFAULT_HISTORY_PAGE;
    const range = {
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      // One more than wanted tells whether there is more.
      limit: limit + 1,
    };
    const found = query === undefined
      ? await broker.read(room, range)
      : await broker.search(room, query, range);
    const forward = after !== undefined;
    let messages = found.length <= limit
      ? found
      : forward
      ? found.slice(0, limit)
      : found.slice(found.length - limit);
    let length = 0;
    const fitting = (forward ? messages : messages.toReversed()).findIndex((message) => {
      length += (message.message?.length ?? 0) + 128;
      if (message.data !== undefined) length += JSON.stringify(message.data).length;
      return length > MAX_PAGE_LENGTH;
    });
    if (fitting > 0) {
      messages = forward ? messages.slice(0, fitting) : messages.slice(messages.length - fitting);
    }
    const more = messages.length < found.length;
    peer.tell({ type: "history", room, messages, more, ...withRef(frame) });
  }

  #who(peer: Peer, frame: WhoRequest): void {
    const room = this.options.rooms.get(frame.room);
    peer.tell({
      type: "who",
      room: frame.room,
      online: room?.online ?? 0,
      members: room?.names(MAX_WHO_NAMES) ?? [],
      ...withRef(frame),
    });
  }

  /** The rooms of a client that named none: those of its query, else the hub's own. */
  #positions(rooms: readonly string[]): readonly RoomPosition[] {
    const names = rooms.length > 0 ? rooms : this.options.defaultRooms;
    return names.map((room) => ({ room }));
  }

  #withinRate(peer: Peer, input: string): boolean {
    const { limits, clock } = this.options;
    const wait = peer.bucket?.take(clock.now()) ?? 0;
    if (wait === 0) {
      peer.overRate = 0;
      return true;
    }
    peer.overRate++;
    const retryAfter = Math.ceil(wait * 1000) / 1000;
    if (peer.overRate > PATIENCE_BURSTS * limits.burst) {
      peer.muted = true;
      clock.after(CUT_OFF_DELAY, () => {
        peer.close(CLOSE.rateLimited, `Over ${limits.rate} frames a second: wait and come back`);
      });
      return false;
    }
    const parsed = parseClientFrame(input, limits.maxMessageBytes);
    const ref = parsed.ok && "ref" in parsed.frame ? parsed.frame.ref : undefined;
    const message = `Over ${limits.rate} frames a second: wait ${retryAfter} s`;
    peer.refuse("rate_limited", message, ref, retryAfter);
    return false;
  }

  #tooManyRooms(peer: Peer): void {
    const { maxRooms } = this.options.limits;
    peer.refuse("too_many_rooms", `You may be in ${maxRooms} rooms: leave one first`);
  }

  #notInRoom(peer: Peer, room: string | undefined, ref?: string | number): void {
    const message = room === undefined
      ? `You are in no room: send {"type":"join","room":"lobby"}`
      : `You are not in ${room}: send {"type":"join","room":"${room}"}`;
    peer.refuse("not_in_room", message, ref);
  }
}

function withRef(frame: { readonly ref?: string | number }): { readonly ref?: string | number } {
  return frame.ref === undefined ? {} : { ref: frame.ref };
}

import { assert, assertEquals } from "@std/assert";
import {
  type Ack,
  type Bye,
  type ClientFrame,
  DEFAULT_LIMITS,
  encode,
  type Entry,
  type ErrorFrame,
  type Hello,
  type HubFrame,
  type Joined,
  type JoinedFrame,
  type Limits,
  type Message,
  parseClientFrame,
  type Publish,
  type Ref,
  splitBatch,
  SUBPROTOCOL,
  type Welcome,
} from "../../protocol.ts";
import { Inbox, within } from "./wait.ts";

/** A hub that sends and receives the frames that a test scripts, one by one. */
export class ScriptedHub implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #connections = new Inbox<ScriptedConnection>("a connection");
  readonly #open = new Set<ScriptedConnection>();
  #answer: ((request: Request) => Response) | undefined;

  /** @param subprotocol the subprotocol that it accepts. */
  constructor(subprotocol: string | undefined = SUBPROTOCOL.v1) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      if (this.#answer !== undefined) return this.#answer(request);
      const { socket, response } = Deno.upgradeWebSocket(request, {
        ...(subprotocol === undefined ? {} : { protocol: subprotocol }),
        idleTimeout: 0,
      });
      const side = new ScriptedConnection(socket);
      this.#open.add(side);
      socket.addEventListener("close", () => this.#open.delete(side));
      socket.addEventListener("open", () => this.#connections.put(side));
      return response;
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Number of connections that the test has not accepted. */
  get unexpected(): number {
    return this.#connections.size;
  }

  /** Answers every request with `respond` from now on; `undefined` opens WebSockets again. */
  answer(respond: ((request: Request) => Response) | undefined): void {
    this.#answer = respond;
  }

  /** The next connection. */
  accept(): Promise<ScriptedConnection> {
    return this.#connections.take();
  }

  /** The next connection, after its hello is answered. */
  async welcome(script: WelcomeScript = {}): Promise<ScriptedConnection> {
    const side = await this.accept();
    await side.hello();
    side.welcome(script);
    return side;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open];
    for (const side of open) side.close(1000, "The test has ended");
    await within(Promise.all(open.map(({ closed }) => closed)), "the end of all connections");
    await this.#server.shutdown();
  }
}

/** The fields of a welcome that differ from the default. */
export interface WelcomeScript {
  readonly sender?: string;
  readonly session?: string;
  readonly resumed?: boolean;
  readonly limits?: Partial<Limits>;
  /** The rooms, whose `joined` frames follow. */
  readonly rooms?: readonly Joined[];
}

/** The hub's end of one connection. */
export class ScriptedConnection {
  readonly #frames = new Inbox<string>("a frame from the client");
  readonly #objects: string[] = [];
  readonly closed: Promise<CloseEvent>;

  constructor(private readonly socket: WebSocket) {
    socket.addEventListener("message", ({ data }) => this.#frames.put(data));
    // Clients may drop connections at any point.
    socket.addEventListener("error", (event) => event.preventDefault());
    this.closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  }

  /** The next WebSocket frame, unparsed. */
  raw(): Promise<string> {
    return this.#frames.take();
  }

  /** The next object, which must be a valid frame. */
  async frame(what?: string): Promise<ClientFrame> {
    if (this.#objects.length === 0) {
      this.#objects.push(...splitBatch(await this.#frames.take(what)));
    }
    const parsed = parseClientFrame(this.#objects.shift() ?? "", Number.MAX_SAFE_INTEGER);
    assert(parsed.ok, "the client sent an invalid frame");
    return parsed.frame;
  }

  /** The next object, which must be of this type. */
  async expect<T extends ClientFrame["type"]>(
    type: T,
  ): Promise<Extract<ClientFrame, { readonly type: T }>> {
    const frame = await this.frame(`"${type}" from the client`);
    assertEquals(frame.type, type);
    return frame as Extract<ClientFrame, { readonly type: T }>;
  }

  hello(): Promise<Hello> {
    return this.expect("hello");
  }

  /** The next `count` messages. */
  async messages(count: number): Promise<Publish[]> {
    const messages: Publish[] = [];
    while (messages.length < count) messages.push(await this.expect("message"));
    return messages;
  }

  /** Number of received objects that the test has not read. */
  get unread(): number {
    return this.#objects.length + this.#frames.size;
  }

  /** Sends these frames in one WebSocket frame. */
  say(...frames: readonly HubFrame[]): void {
    this.sayRaw(frames.map(encode).join("\n"));
  }

  /** Sends one WebSocket frame, unchanged. */
  sayRaw(frame: string): void {
    this.socket.send(frame);
  }

  welcome({ rooms = [joined("lobby")], ...script }: WelcomeScript = {}): void {
    const names = rooms.map(({ room }) => room);
    this.say(
      welcome({ ...script, rooms: names }),
      ...rooms.map((room): JoinedFrame => ({ ...room, type: "joined" })),
    );
  }

  ack(ref: Publish["ref"], id: number, room = "lobby", duplicate = false): void {
    assert(ref !== undefined, "a message without a ref cannot be acked");
    this.say({ ...ack(ref, id, room), ...(duplicate ? { duplicate } : {}) });
  }

  /** Refuses a request, or reports an error that belongs to none. */
  refuse(script: Partial<ErrorFrame>): void {
    this.say(refusal(script));
  }

  bye(script: Partial<Bye>): void {
    const frame: Bye = { type: "bye", code: 1001, reconnect: true, message: "Bye", ...script };
    this.say(frame);
    this.close(frame.code, frame.message);
  }

  close(code: number, reason = ""): void {
    this.socket.close(code, reason);
  }

  /** Waits until the client closes; returns its code. */
  async closeCode(): Promise<number> {
    return (await within(this.closed, "the end of the connection")).code;
  }
}

const TIMESTAMP = "2026-01-02T03:04:05.678Z";

/** A message as a hub delivers it. */
export function message(id: number, room = "lobby", text = `#${id}`, sender = "Bob"): Message {
  return { type: "message", room, id, sender, timestamp: TIMESTAMP, message: text };
}

/** The first frame of a hub. */
export function welcome(
  { sender, session, resumed, limits, rooms }: Omit<WelcomeScript, "rooms"> & {
    readonly rooms?: readonly string[];
  } = {},
): Welcome {
  return {
    type: "welcome",
    protocol: 1,
    sender: sender ?? "Alice",
    session: session ?? "secret-1",
    resumed: resumed ?? false,
    time: TIMESTAMP,
    server: { name: "bcast", version: "0.0.0" },
    features: {},
    limits: { ...DEFAULT_LIMITS, rate: 0, burst: 0, heartbeat: 0, ...limits },
    rooms: rooms ?? ["lobby"],
  };
}

/** An error of a hub. */
export function refusal(script: Partial<ErrorFrame>): ErrorFrame {
  return { type: "error", code: "internal", message: "No", final: true, ...script };
}

/** An entry that this version cannot show, as the hub sends it. */
export function unreadable(id: number, room = "lobby"): Entry {
  return { ...message(id, room), type: "reaction", message: undefined } as unknown as Entry;
}

/** The ack of a message. */
export function ack(ref: Ref, id: number, room = "lobby"): Ack {
  return { type: "ack", ref, room, id, epoch: "e1", timestamp: TIMESTAMP };
}

/** Messages `from` to `to`. */
export function messages(from: number, to: number, room = "lobby"): Message[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index, room));
}

/** A room as a hub describes it. */
export function joined(room: string, script: Partial<Joined> = {}): Joined {
  const last = script.messages?.at(-1)?.id ?? 0;
  return {
    ...{ room, epoch: "e1", first: 1, last, recovered: false, online: 1, messages: [] },
    more: false,
    ...script,
  };
}

/** The `hello` of this client, with these fields. */
export function helloWith(fields: Partial<Hello>): Hello {
  return { type: "hello", protocol: 1, ...fields };
}

import { splitBatch, SUBPROTOCOL } from "../../protocol.ts";

/** A frame from the hub, loosely typed for tests to inspect. */
export type ReceivedFrame = { readonly type?: string; readonly [field: string]: unknown };

/** A `joined` frame, as a hub of this version sends it. */
export type JoinedRoomFrame = ReceivedFrame & {
  readonly room: string;
  readonly epoch: string;
  readonly last: number;
  readonly recovered: boolean;
  readonly online: number;
  readonly members?: string[];
  readonly messages: ReceivedFrame[];
};

/** Milliseconds after which waiting for a frame has failed. */
const FRAME_DEADLINE = 10_000;

/** A WebSocket that keeps what it receives until a test reads it. */
export class TestSocket implements AsyncDisposable {
  /** All frames received, in order. */
  readonly frames: string[] = [];
  readonly closed: Promise<CloseEvent>;
  #read = 0;
  #wake: (() => void) | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.addEventListener("message", ({ data }) => {
      const batched = socket.protocol === SUBPROTOCOL.v1;
      this.frames.push(...batched ? splitBatch(String(data)) : [String(data)]);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", (event) => {
        resolve(event);
        this.#wake?.();
      });
    });
    // Tests inspect `closed` instead.
    socket.addEventListener("error", (event) => event.preventDefault());
  }

  /** Opens a socket; rejects when the hub rejects it. */
  static async open(url: string, protocols: string | string[] = []): Promise<TestSocket> {
    const socket = new TestSocket(new WebSocket(url, protocols));
    await new Promise<void>((resolve, reject) => {
      socket.socket.addEventListener("open", () => resolve(), { once: true });
      socket.socket.addEventListener("error", (event) => {
        reject(new Error(event instanceof ErrorEvent ? event.message : "cannot connect"));
      }, { once: true });
    });
    return socket;
  }

  /** A plain JSON client that has been welcomed. */
  static async plain(url: string, sender?: string, query = ""): Promise<TestSocket> {
    const name = sender === undefined ? "" : `sender=${encodeURIComponent(sender)}&`;
    const socket = await TestSocket.open(`${url}?${name}${query}`);
    await socket.next("welcome");
    return socket;
  }

  /** A `bcast.v1` client that has joined its rooms; with its `welcome` and `joined` frames. */
  static async v1(
    url: string,
    hello: Record<string, unknown> = {},
  ): Promise<[TestSocket, ReceivedFrame, JoinedRoomFrame[]]> {
    const socket = await TestSocket.open(url, "bcast.v1");
    socket.send({ type: "hello", ...hello });
    const [welcome, joined] = await socket.welcome();
    return [socket, welcome, joined];
  }

  /** The next `welcome`, and the `joined` frames of its rooms. */
  async welcome(): Promise<[ReceivedFrame, JoinedRoomFrame[]]> {
    const welcome = await this.next("welcome");
    const joined: JoinedRoomFrame[] = [];
    for (const room of welcome["rooms"] as string[]) {
      joined.push(
        await this.next("joined", (frame) => frame["room"] === room) as JoinedRoomFrame,
      );
    }
    return [welcome, joined];
  }

  /** Sends objects as JSON and strings as they are. */
  send(frame: object | string): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The next object of `type` that satisfies `match`; skips all others. */
  next(
    type: string,
    match: (frame: ReceivedFrame) => boolean = () => true,
  ): Promise<ReceivedFrame> {
    return this.#find((frame) => {
      const value = parse(frame);
      return value?.type === type && match(value) ? value : undefined;
    }, type);
  }

  /** The next object that satisfies `match`, whatever its type; skips all others. */
  nextFrame(match: (frame: ReceivedFrame) => boolean = () => true): Promise<ReceivedFrame> {
    return this.#find((frame) => {
      const value = parse(frame);
      return value !== undefined && match(value) ? value : undefined;
    }, "frame");
  }

  /** The next line that matches. */
  line(pattern: RegExp): Promise<string> {
    return this.#find((frame) => pattern.test(frame) ? frame : undefined, String(pattern));
  }

  /** All objects of `type` received so far. */
  all(type: string): ReceivedFrame[] {
    return this.frames.map(parse).filter((value) => value !== undefined)
      .filter((value) => value.type === type);
  }

  async #find<T>(match: (frame: string) => T | undefined, wanted: string): Promise<T> {
    const timeout = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`No ${wanted} came; received: ${this.#latest()}`));
      }, FRAME_DEADLINE);
      this.#cancel = (): void => clearTimeout(timer);
    });
    try {
      for (;;) {
        while (this.#read < this.frames.length) {
          const found = match(this.frames[this.#read++] ?? "");
          if (found !== undefined) return found;
        }
        if (this.socket.readyState === WebSocket.CLOSED) {
          throw new Error(`Closed before ${wanted} came; received: ${this.#latest()}`);
        }
        const woken = new Promise<void>((resolve) => this.#wake = resolve);
        await Promise.race([woken, timeout]);
      }
    } finally {
      this.#cancel();
    }
  }

  #latest(): string {
    return this.frames.slice(-5).map((frame) => frame.slice(0, 300)).join(" | ");
  }

  #cancel: () => void = () => {};

  /** Drops all frames that were read. */
  forget(): void {
    this.frames.splice(0, this.#read);
    this.#read = 0;
  }

  /** Closes with 1000 and waits for the end. */
  async close(): Promise<void> {
    if (this.socket.readyState < WebSocket.CLOSING) this.socket.close(1000);
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function parse(frame: string): ReceivedFrame | undefined {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === "object" && value !== null ? value as ReceivedFrame : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

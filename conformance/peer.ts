/** A client that shows what a hub sends, for the checks. */

/** A JSON object that a hub sent or gets. */
// deno-lint-ignore no-explicit-any -- any JSON, for checks to inspect
export type JsonFrame = Record<string, any>;

/** A rule that the hub does not keep, and what was seen instead. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** @throws {Violation} unless `condition` is true. */
export function expect(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

/** @throws {Violation} unless `actual` has the same JSON as `wanted`, in any order of fields. */
export function same(actual: unknown, wanted: unknown, what: string): void {
  const [seen, rule] = [canonical(actual), canonical(wanted)];
  expect(seen === rule, `${what} is ${cut(seen)}, not ${cut(rule)}`);
}

/** `value` as JSON, with sorted fields. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? "absent";
}

/** `text`, shortened for a report, with control characters made visible. */
export function cut(text: string, length = 300): string {
  const safe = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
  return safe.length > length ? `${safe.slice(0, length)}…` : safe;
}

/** Milliseconds to wait for what a hub must send. */
const PATIENCE = 5000;

const encoder = new TextEncoder();

/** A WebSocket client. */
export class Peer {
  /** All objects received so far; for text clients, `{line}`. */
  readonly frames: JsonFrame[] = [];
  /** The largest WebSocket message received, in bytes. */
  largest = 0;
  /** How the connection ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #opened: Promise<void>;
  readonly #socket: WebSocket;
  #read = 0;
  #refs = 0;
  #wake = (): void => undefined;
  #ended: string | undefined;

  constructor(
    url: string,
    protocols: readonly string[] = [],
    private readonly onFrame: (text: string) => void = () => {},
  ) {
    this.#socket = new WebSocket(url, [...protocols]);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#opened = promise;
    // Not everyone asks whether it opened.
    promise.catch(() => undefined);
    this.#socket.onopen = () => resolve();
    this.#socket.onerror = () => reject(new Violation("the WebSocket did not open"));
    this.#socket.onmessage = ({ data }) => this.#receive(String(data));
    this.closed = new Promise((resolve) => {
      this.#socket.onclose = ({ code, reason }) => {
        this.#ended = `the hub closed the connection with ${code} ${cut(reason)}`;
        reject(new Violation(this.#ended));
        resolve({ code, reason });
        this.#wake();
      };
    });
  }

  /** The subprotocol, once open. */
  async opened(): Promise<string> {
    await this.#within(this.#opened, "the WebSocket opens");
    return this.#socket.protocol;
  }

  /** Sends objects as one WebSocket message, or text as it is. */
  send(...frames: readonly (JsonFrame | string | Uint8Array<ArrayBuffer>)[]): void {
    const [first] = frames;
    if (first instanceof Uint8Array) return this.#socket.send(first);
    this.#socket.send(
      frames.map((one) => typeof one === "string" ? one : JSON.stringify(one)).join("\n"),
    );
  }

  /** Sends a request with a new `ref`, and returns its answer. */
  ask(request: JsonFrame): Promise<JsonFrame> {
    const ref = `ask-${++this.#refs}`;
    this.send({ ...request, ref });
    return this.next((frame) => frame["ref"] === ref, `the answer to ${request["type"]}`);
  }

  /** Waits for a frame that was not passed over yet: a type or a condition. */
  async next(
    wanted: string | ((frame: JsonFrame) => boolean),
    what = typeof wanted === "string" ? `"${wanted}"` : "a frame",
  ): Promise<JsonFrame> {
    const matches = typeof wanted === "string"
      ? (frame: JsonFrame) => frame["type"] === wanted
      : wanted;
    const until = Date.now() + PATIENCE;
    for (;;) {
      while (this.#read < this.frames.length) {
        const frame = this.frames[this.#read++];
        if (frame !== undefined && matches(frame)) return frame;
      }
      if (this.#ended !== undefined) throw new Violation(`no ${what}: ${this.#ended}`);
      const left = until - Date.now();
      const last = cut(JSON.stringify(this.frames.at(-1) ?? "nothing"));
      expect(left > 0, `no ${what} within ${PATIENCE / 1000} s; the last frame was ${last}`);
      await this.#change(left);
    }
  }

  /** The frames that arrive until the hub has answered everything sent before this. */
  async rest(): Promise<readonly JsonFrame[]> {
    const start = this.#read;
    const { ref } = await this.ask({ type: "ping" });
    return this.frames.slice(start).filter((frame) => frame["ref"] !== ref);
  }

  /** Closes the connection; code 1000 also ends the session. */
  async close(code = 1000): Promise<void> {
    if (this.#ended === undefined) this.#socket.close(code);
    await this.closed;
  }

  /** How the hub closes the connection. */
  ending(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#within(this.closed, "the hub closes the connection");
  }

  #receive(text: string): void {
    this.largest = Math.max(this.largest, encoder.encode(text).length);
    for (const line of text.split("\n")) {
      if (line.trim() === "") continue;
      this.frames.push(parse(line) ?? { line });
      this.onFrame(line);
    }
    this.#wake();
  }

  async #change(milliseconds: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
  }

  async #within<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Violation(`not within ${PATIENCE / 1000} s: ${what}`));
      }, PATIENCE);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function parse(line: string): JsonFrame | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

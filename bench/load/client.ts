import type { LoadConversation, Ready } from "./wire_format.ts";
import { FrameReader, type FrameSink, FrameWriter, type MaskSource, OPCODE } from "./frames.ts";
import {
  acceptOf,
  checkHead,
  createKey,
  HandshakeError,
  type HandshakeTarget,
  headEnd,
  requestHead,
} from "./handshake.ts";
import type { ObjectSink } from "./scanner.ts";
import type { LoadStats } from "./stats.ts";
import { IdTracker } from "./tracker.ts";

/** What a client of a load is made of. */
export interface ClientOptions {
  readonly target: HandshakeTarget;
  readonly protocol: string | undefined;
  /** Whether to wait for the server's greeting. */
  readonly greets: boolean;
  readonly conversation: LoadConversation;
  readonly stats: LoadStats;
  readonly masks: MaskSource;
  readonly bufferBytes: number;
  /** Authorities to trust beside those of the machine, as PEM. */
  readonly caCerts: readonly string[];
}

/** How a connection ended; 1006 when no close frame came. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The reason of a connection that its client broke by `cut`. */
export const ABORTED = "cut";

/** Told of what comes back to a client that publishes. */
export interface PublishFeedback {
  /** A message of the room, its own or another's. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** The server acknowledged one of its messages. */
  ack(): void;
  /** The server refused one of its messages. */
  refused(): void;
  /** Everything that had arrived is taken in: the moment to send more in one write. */
  settled(): void;
}

// An answer to a handshake fits many times over.
const HEAD_BYTES = 8 * 1024;
const ABNORMAL = 1006;
const CLOSE_BYTES = 2;
const LETTER_A = 0x61;
const LETTER_E = 0x65;
const TYPE_AT = 9;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** One connection of a load: reads as fast as it can, counts, and sends what a publisher tells it. */
export class LoadClient implements FrameSink, ObjectSink {
  readonly tracker = new IdTracker();
  /** How the connection ended; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #connection: Deno.Conn;
  readonly #conversation: LoadConversation;
  readonly #stats: LoadStats;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #ready = Promise.withResolvers<Ready>();
  #greeted = false;
  #returns: PublishFeedback | undefined;
  #gate: PromiseWithResolvers<void> | undefined;
  #writing = false;
  #cut = false;
  #end: Closed | undefined;

  private constructor(connection: Deno.Conn, options: ClientOptions, early: Uint8Array) {
    this.#connection = connection;
    this.#conversation = options.conversation;
    this.#stats = options.stats;
    this.#reader = new FrameReader(options.bufferBytes);
    this.#writer = new FrameWriter(options.masks);
    if (!options.greets) this.#becomeReady({ last: this.tracker.last, replayed: 0 });
    const first = options.conversation.begin();
    if (first !== undefined) this.sendText(first);
    this.closed = this.#read(early);
  }

  /**
   * Connects and waits until the client is in its room.
   *
   * @throws when there is no server, or it refuses.
   */
  static async connect(options: ClientOptions): Promise<{ client: LoadClient; ready: Ready }> {
    const { hostname, port, secure } = options.target;
    const connection = secure
      ? await Deno.connectTls({
        hostname,
        port,
        alpnProtocols: ["http/1.1"],
        caCerts: [...options.caCerts],
      })
      : await Deno.connect({ hostname, port });
    let client: LoadClient;
    try {
      // What a publisher sends must not wait for the acknowledgement of what it sent before.
      if ("setNoDelay" in connection) connection.setNoDelay(true);
      const early = await shakeHands(connection, options.target, options.protocol);
      client = new LoadClient(connection, options, early);
    } catch (error) {
      connection.close();
      throw error;
    }
    return { client, ready: await client.#ready.promise };
  }

  /** Of {@linkcode ObjectSink}: acks and errors come to those who publish. */
  get wantsOthers(): boolean {
    return this.#returns !== undefined;
  }

  /** Tells `returns` of what comes back. */
  publishFor(returns: PublishFeedback): void {
    this.#returns = returns;
  }

  /** A conversation that goes on after the last message of this client. */
  resume(): LoadConversation {
    return this.#conversation.resume(this.tracker.last);
  }

  /** Puts a text frame behind those that wait; `flush` sends them. */
  queue(payload: Uint8Array): void {
    this.#writer.append(OPCODE.text, payload);
  }

  /** Sends what is queued, in one write if no other is under way, else in one after it. */
  flush(): void {
    if (!this.#writing && this.#writer.length > 0) void this.#write();
  }

  /** Sends one text frame. */
  sendText(text: string): void {
    this.queue(encoder.encode(text));
    this.flush();
  }

  /** Stops reading, as a client does whose machine hangs, until the returned function is called. */
  stall(): () => void {
    const gate = this.#gate ??= Promise.withResolvers<void>();
    return () => {
      this.#gate = undefined;
      gate.resolve();
    };
  }

  /** Breaks the connection without a word, as a network does. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#connection.close();
  }

  /** Says goodbye; `closed` resolves when the server has answered. */
  leave(): void {
    this.#writer.append(OPCODE.close, new Uint8Array([1000 >>> 8, 1000 & 0xff]));
    this.flush();
  }

  /** Of {@linkcode FrameSink}. */
  data(bytes: Uint8Array, start: number, end: number): void {
    if (this.#greeted) {
      const reply = this.#conversation.scan(bytes, start, end, this);
      if (reply !== undefined) this.sendText(reply);
      return;
    }
    const greeting = this.#conversation.greet(decoder.decode(bytes.subarray(start, end)));
    if (greeting.reply !== undefined) this.sendText(greeting.reply);
    if (greeting.ready !== undefined) this.#becomeReady(greeting.ready);
  }

  /** Of {@linkcode FrameSink}. */
  control(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === OPCODE.ping) {
      this.#writer.append(OPCODE.pong, bytes.subarray(start, end));
      this.flush();
    } else if (opcode === OPCODE.close) {
      const coded = end - start >= CLOSE_BYTES;
      this.#end = {
        code: coded ? (bytes[start] ?? 0) << 8 | (bytes[start + 1] ?? 0) : 1005,
        reason: coded ? decoder.decode(bytes.subarray(start + CLOSE_BYTES, end)) : "",
      };
      this.#writer.append(OPCODE.close, bytes.subarray(start, start + (coded ? CLOSE_BYTES : 0)));
      this.flush();
    }
  }

  /** Of {@linkcode ObjectSink}. */
  message(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.tracker.see(id);
    this.#stats.delivered(bytes, start, end);
    this.#returns?.message(bytes, start, end);
  }

  /** Of {@linkcode ObjectSink}. */
  other(bytes: Uint8Array, start: number, end: number): void {
    const letter = bytes[start + TYPE_AT];
    if (letter === LETTER_A) {
      this.#stats.acks++;
      this.#returns?.ack();
    } else if (letter === LETTER_E) {
      this.#stats.failed(decoder.decode(bytes.subarray(start, end)));
      this.#returns?.refused();
    }
  }

  #becomeReady(ready: Ready): void {
    this.#greeted = true;
    this.tracker.last = ready.last;
    this.#ready.resolve(ready);
  }

  async #read(early: Uint8Array): Promise<Closed> {
    try {
      this.#takeIn(early);
      while (this.#end === undefined) {
        const count = await this.#connection.read(this.#reader.space());
        if (count === null) break;
        this.#reader.advance(count, this);
        this.#returns?.settled();
        if (this.#gate !== undefined) await this.#gate.promise;
      }
      this.#end ??= { code: ABNORMAL, reason: "the connection broke" };
    } catch (error) {
      // The answer to `closed`: a load goes on when one of its connections fails, and reports it.
      const reason = error instanceof Error ? error.message : String(error);
      this.#end ??= { code: ABNORMAL, reason: this.#cut ? ABORTED : reason };
      this.#ready.reject(error);
    }
    const end = this.#end;
    this.#ready.reject(new HandshakeError(`closed with ${end.code} ${end.reason}`));
    // Nobody waits for `ready` once the client was ready.
    this.#ready.promise.catch(() => undefined);
    if (!this.#writing) this.cut();
    return end;
  }

  /** Bytes that came right behind the handshake. */
  #takeIn(early: Uint8Array): void {
    for (let at = 0; at < early.length;) {
      const space = this.#reader.space();
      const part = early.subarray(at, at + space.length);
      space.set(part);
      this.#reader.advance(part.length, this);
      at += part.length;
    }
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#writer.length > 0) {
        const bytes = this.#writer.take();
        for (let at = 0; at < bytes.length;) {
          at += await this.#connection.write(bytes.subarray(at));
        }
        this.#writer.recycle(bytes);
      }
      this.#writing = false;
      if (this.#end !== undefined) this.cut();
    } catch (error) {
      this.#writing = false;
      this.#end ??= { code: ABNORMAL, reason: error instanceof Error ? error.message : "broken" };
      this.cut();
    }
  }
}

/** Upgrades the connection; returns what arrived behind the answer's head. */
async function shakeHands(
  connection: Deno.Conn,
  target: HandshakeTarget,
  protocol: string | undefined,
): Promise<Uint8Array> {
  const key = createKey();
  const request = encoder.encode(requestHead(target, key, protocol));
  for (let at = 0; at < request.length;) {
    at += await connection.write(request.subarray(at));
  }
  const head = new Uint8Array(HEAD_BYTES);
  let length = 0;
  while (length < head.length) {
    const count = await connection.read(head.subarray(length));
    if (count === null) throw new HandshakeError("the server closed the connection");
    length += count;
    const end = headEnd(head, length);
    if (end >= 0) {
      checkHead(decoder.decode(head.subarray(0, end)), acceptOf(key), protocol);
      return head.subarray(end, length);
    }
  }
  throw new HandshakeError("the server's answer has no end");
}

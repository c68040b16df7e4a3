import type { LoadConversation, Ready } from "./wire_format.ts";
import { type FrameConsumer, FrameReader, FrameWriter, type MaskSource, OPCODE } from "./frames.ts";
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

interface ClientOptions {
  readonly target: HandshakeTarget;
  readonly protocol: string | undefined;
  /** Whether the server sends a greeting. */
  readonly expectsGreeting: boolean;
  readonly conversation: LoadConversation;
  readonly stats: LoadStats;
  readonly masks: MaskSource;
  readonly bufferBytes: number;
  /** Additional certificate authorities, as PEM. */
  readonly caCerts: readonly string[];
}

/** The end of a connection; the code is 1006 without a close frame. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The reason of a connection that its client aborted. */
export const ABORTED = "aborted by the client";

/** Receives the responses to a publisher. */
export interface PublishFeedback {
  /** A message of the room, from any publisher. */
  message(bytes: Uint8Array, start: number, end: number): void;
  ack(): void;
  refused(): void;
  /** All received data is processed: the moment to send more in one write. */
  idle(): void;
}

// Far more than the response to a handshake needs.
const HEAD_BYTES = 8 * 1024;
const ABNORMAL = 1006;
const CLOSE_BYTES = 2;
const LETTER_A = 0x61;
const LETTER_E = 0x65;
const TYPE_AT = 9;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A connection that reads as fast as it can, counts, and sends for a publisher. */
export class LoadClient implements FrameConsumer, ObjectSink {
  readonly tracker = new IdTracker();
  /** Resolves when the connection ends; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #connection: Deno.Conn;
  readonly #conversation: LoadConversation;
  readonly #stats: LoadStats;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #ready = Promise.withResolvers<Ready>();
  #isReady = false;
  #feedback: PublishFeedback | undefined;
  #stalled: PromiseWithResolvers<void> | undefined;
  #writing = false;
  #aborted = false;
  #end: Closed | undefined;

  private constructor(connection: Deno.Conn, options: ClientOptions, early: Uint8Array) {
    this.#connection = connection;
    this.#conversation = options.conversation;
    this.#stats = options.stats;
    this.#reader = new FrameReader(options.bufferBytes);
    this.#writer = new FrameWriter(options.masks);
    if (!options.expectsGreeting) this.#becomeReady({ last: this.tracker.last });
    const first = options.conversation.begin();
    if (first !== undefined) this.sendText(first);
    this.closed = this.#read(early);
  }

  /**
   * Connects and waits until the client is in its room.
   *
   * @throws if there is no server or it rejects the client.
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
      // Sends must not wait for TCP acknowledgements of earlier ones.
      if ("setNoDelay" in connection) connection.setNoDelay(true);
      const early = await performHandshake(connection, options.target, options.protocol);
      client = new LoadClient(connection, options, early);
    } catch (error) {
      connection.close();
      throw error;
    }
    return { client, ready: await client.#ready.promise };
  }

  /** Publishers need acknowledgements and errors. */
  get wantsOthers(): boolean {
    return this.#feedback !== undefined;
  }

  setFeedback(feedback: PublishFeedback): void {
    this.#feedback = feedback;
  }

  /** A conversation that resumes after the last message of this client. */
  resume(): LoadConversation {
    return this.#conversation.resume(this.tracker.last);
  }

  /** Queues a text frame until `flush()`. */
  queue(payload: Uint8Array): void {
    this.#writer.append(OPCODE.text, payload);
  }

  /** Sends the queue in one write, after any write in progress. */
  flush(): void {
    if (!this.#writing && this.#writer.length > 0) void this.#write();
  }

  sendText(text: string): void {
    this.queue(encoder.encode(text));
    this.flush();
  }

  /** Stops reading, like a hanging machine, until the returned function is called. */
  stall(): () => void {
    const gate = this.#stalled ??= Promise.withResolvers<void>();
    return () => {
      this.#stalled = undefined;
      gate.resolve();
    };
  }

  /** Drops the connection without a close frame. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#connection.close();
  }

  /** Sends a close frame; `closed` resolves with the response. */
  close(): void {
    this.#writer.append(OPCODE.close, new Uint8Array([1000 >>> 8, 1000 & 0xff]));
    this.flush();
  }

  data(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isReady) {
      const reply = this.#conversation.scan(bytes, start, end, this);
      if (reply !== undefined) this.sendText(reply);
      return;
    }
    const greeting = this.#conversation.greet(decoder.decode(bytes.subarray(start, end)));
    if (greeting.reply !== undefined) this.sendText(greeting.reply);
    if (greeting.ready !== undefined) this.#becomeReady(greeting.ready);
  }

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

  message(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.tracker.see(id);
    this.#stats.delivered(bytes, start, end);
    this.#feedback?.message(bytes, start, end);
  }

  other(bytes: Uint8Array, start: number, end: number): void {
    const letter = bytes[start + TYPE_AT];
    if (letter === LETTER_A) {
      this.#stats.acks++;
      this.#feedback?.ack();
    } else if (letter === LETTER_E) {
      this.#stats.failed(decoder.decode(bytes.subarray(start, end)));
      this.#feedback?.refused();
    }
  }

  #becomeReady(ready: Ready): void {
    this.#isReady = true;
    this.tracker.last = ready.last;
    this.#ready.resolve(ready);
  }

  async #read(early: Uint8Array): Promise<Closed> {
    try {
      this.#feed(early);
      while (this.#end === undefined) {
        const count = await this.#connection.read(this.#reader.space());
        if (count === null) break;
        this.#reader.advance(count, this);
        this.#feedback?.idle();
        if (this.#stalled !== undefined) await this.#stalled.promise;
      }
      this.#end ??= { code: ABNORMAL, reason: "the connection was lost" };
    } catch (error) {
      // Reported by `closed`: the load continues without this connection.
      const reason = error instanceof Error ? error.message : String(error);
      this.#end ??= { code: ABNORMAL, reason: this.#aborted ? ABORTED : reason };
      this.#ready.reject(error);
    }
    const end = this.#end;
    this.#ready.reject(new HandshakeError(`closed with ${end.code} ${end.reason}`));
    // After `ready` has resolved, its rejection has no handler.
    this.#ready.promise.catch(() => undefined);
    if (!this.#writing) this.abort();
    return end;
  }

  /** Processes bytes that arrived with the handshake. */
  #feed(early: Uint8Array): void {
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
      if (this.#end !== undefined) this.abort();
    } catch (error) {
      this.#writing = false;
      this.#end ??= { code: ABNORMAL, reason: error instanceof Error ? error.message : "broken" };
      this.abort();
    }
  }
}

/** Upgrades the connection; returns the bytes after the response's head. */
async function performHandshake(
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
  throw new HandshakeError("the server's response is too long");
}

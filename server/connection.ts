import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { Clock } from "../lib/clock.ts";
import {
  type Ack,
  CLOSE,
  cutToBytes,
  MAX_BATCH_MESSAGES,
  MAX_BATCH_OBJECTS,
  MAX_CLOSE_REASON_BYTES,
  shouldReconnect,
  splitBatch,
  startsWithJson,
} from "../protocol.ts";
import type { ControlFrame, Encoder } from "./encoders/encoder.ts";
import { JSON_ENCODER } from "./encoders/json.ts";
import { TEXT_ENCODER } from "./encoders/text.ts";
import type { FlushQueue } from "./flush_queue.ts";
import { accountScope, sessionScope } from "./key_scope.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { TokenBucket } from "./limits/token_bucket.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Sanction } from "./moderation/sanction_store.ts";
import { errorFrame, type Refusal } from "./refusal.ts";
import { traceFrame } from "./traffic_log.ts";
import type { Transport } from "./transport.ts";

const logger = getLogger(["bcast", "hub"]);

/** Frames of the largest size that may wait while an earlier request is being answered. */
const MAX_BACKLOG_FRAMES = 8;

/**
 * UTF-16 units of JSON in one frame of several objects. In UTF-8 that is at most three times as many
 * bytes: less than `maxFrameBytes`.
 */
export const FRAME_LENGTH = 256 * 1024;

/**
 * Bytes that may wait for a client while it gets more history: enough to keep a fast network busy
 * between two looks.
 */
const MAX_HISTORY_WAITING = 1024 * 1024;

/** Answers what clients send. */
export interface RequestHandler {
  /**
   * Handles one object or line. If it returns a promise, later input of the same connection waits
   * until the promise settles.
   */
  handle(connection: Connection, input: string): Promise<void> | void;
  /** Sends `line` in answer to something that is not a line, if the rate limit permits. */
  reply(connection: Connection, line: string): void;
}

/** Shared by all connections of a hub: every field of a connection costs memory. */
export interface ConnectionOptions {
  readonly limits: Pick<ServerLimits, "maxMessageBytes" | "maxOutboxBytes" | "burst">;
  readonly clock: Pick<Clock, "now">;
  readonly counters: Counters;
  readonly flushQueue: FlushQueue;
  readonly requests: RequestHandler;
  /** Whether every frame is logged. */
  readonly tracing: boolean;
  /** Called once for each connection. */
  readonly onClose: (connection: Connection, code: number) => void;
}

export interface ConnectionInit {
  /** Names the connection in logs. */
  readonly id: string;
  readonly transport: Transport;
  readonly encoder: Encoder;
  /** `undefined`: no rate limit. */
  readonly bucket?: TokenBucket | undefined;
  /** The key of its limits per address; `undefined`: exempt. */
  readonly network?: string | undefined;
  readonly grant?: Grant | undefined;
  readonly token?: string | undefined;
}

/**
 * One connection: the encoder and identity of its client, the input that waits to be handled, and
 * the output that waits to be sent.
 *
 * Sending never blocks. The output that the transport has not taken is bounded: a client that
 * exceeds the bound is disconnected (4008).
 */
export class Connection {
  readonly id: string;
  readonly transport: Transport;
  encoder: Encoder;
  readonly bucket: TokenBucket | undefined;
  readonly network: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  /** `undefined` until a `bcast.v1` client has said `hello`. */
  session: Session | undefined;
  /** Whether frames may still be sent. */
  open = true;
  /** Whether it ever said `hello`: only such clients can resume. */
  saidHello = false;
  /** Whether `welcome` was sent; no other frame may precede it. */
  welcomed = false;
  /** Whether further input is ignored, because the connection is about to be closed. */
  inputClosed = false;
  /** Rights known before the first frame; afterwards the session's grant counts. */
  grant: Grant | undefined;
  /** The token of the upgrade request, unchecked until `hello`. */
  token: string | undefined;
  /** Whether its last line was `quit` without a slash, and it was asked to confirm. */
  askedToQuit = false;
  /** Whether it was told that its token has expired. */
  expiryWarned = false;
  /** Error frames sent. */
  refusals = 0;
  /** UTF-16 units of frames received. */
  received = 0;
  /** UTF-16 units of frames sent. */
  sent = 0;
  /** Consecutive frames over the rate limit. */
  overRate = 0;
  readonly #options: ConnectionOptions;
  #firstFrameSeen = false;
  #ended = false;
  #out = "";
  #corked = false;
  /** Input that arrived while a request is being answered, so that requests stay in order. */
  #backlog: string[] | undefined;
  #backlogLength = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: ConnectionOptions, init: ConnectionInit) {
    this.#options = options;
    this.id = init.id;
    this.transport = init.transport;
    this.encoder = init.encoder;
    this.bucket = init.bucket;
    this.network = init.network;
    this.grant = init.grant;
    this.token = init.token;
    this.since = options.clock.now();
  }

  /** The name for logs. */
  get label(): string {
    return this.session?.identity ?? (this.session?.name || "(no name)");
  }

  get address(): string {
    return this.transport.address;
  }

  /** Takes a text frame. Never throws. */
  receive(frame: string): void {
    const { limits, tracing } = this.#options;
    if (tracing) traceFrame(this.id, "in", frame);
    if (!this.open || this.inputClosed) return;
    this.received += frame.length;
    if (frame.length > limits.maxMessageBytes * MAX_BATCH_MESSAGES) {
      const limit = `${limits.maxMessageBytes} bytes a message`;
      return this.close(CLOSE.tooBig, `The frame is over the limit of ${limit}: send less at once`);
    }
    try {
      if (!this.#firstFrameSeen) this.#detectText(frame);
      const objects = this.encoder.batches ? splitBatch(frame) : [frame];
      if (objects.length > MAX_BATCH_OBJECTS) {
        const reason = `The frame holds over ${MAX_BATCH_OBJECTS} objects: send fewer at once`;
        return this.close(CLOSE.tooBig, reason);
      }
      for (const object of objects) this.#handle(object);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Closes the connection: the protocol has no binary frames. */
  receiveBinary(): void {
    this.#options.counters.countError("bad_frame");
    this.close(CLOSE.unsupported, "Binary frames are not supported: send text");
  }

  reply(line: string): void {
    if (this.open && !this.inputClosed) this.#options.requests.reply(this, line);
  }

  /** Runs `task`; input waits until its promise settles. */
  runInOrder(task: () => Promise<void> | void): void {
    const pending = task();
    if (pending === undefined) return;
    this.#backlog = [];
    pending.then(() => this.#handleBacklog()).catch((error) => this.fail(error));
  }

  /** Resolves when all requests so far are answered, or the connection has ended. */
  async idle(): Promise<void> {
    if (!this.open || this.#backlog === undefined) return;
    await new Promise<void>((resolve) => this.#onIdle = resolve);
    this.#onIdle = undefined;
  }

  /** Sends `frames` at the end of this turn. */
  enqueue(frames: readonly string[]): void {
    if (!this.open) return;
    for (const frame of frames) {
      if (this.encoder.batches) this.enqueueBatch(frame);
      else this.#send(frame);
    }
  }

  /** Sends `batch`, which may hold several objects, in one frame with all else of this turn. */
  enqueueBatch(batch: string): void {
    if (!this.open) return;
    if (this.#out === "") {
      this.#out = batch;
      if (!this.#corked) this.#options.flushQueue.add(this);
    } else if (this.#out.length + batch.length < FRAME_LENGTH) {
      this.#out += "\n" + batch;
    } else {
      // Does nothing more if flushing closes the connection.
      this.flush();
      this.enqueueBatch(batch);
    }
  }

  /** Whether so much waits to be taken by the network that history should wait, too. */
  get congested(): boolean {
    const limit = Math.min(MAX_HISTORY_WAITING, this.#options.limits.maxOutboxBytes / 4);
    return this.#out.length + this.transport.bufferedAmount >= limit;
  }

  /**
   * Sends what `task` enqueues when it settles, in one frame if that fits, or at the next
   * {@linkcode flush}.
   */
  async sendTogether(task: () => Promise<unknown>): Promise<void> {
    this.#corked = true;
    try {
      await task();
    } finally {
      this.flush();
    }
  }

  /** Sends what was enqueued in this turn. */
  flush(): void {
    this.#corked = false;
    const out = this.#out;
    if (out === "") return;
    this.#out = "";
    if (this.open) this.#send(out);
  }

  /** Sends a frame other than a message or an ack. */
  sendControl(frame: ControlFrame): void {
    this.enqueue(this.encoder.control(frame, this.#options.clock.now()));
  }

  /** Acknowledges a stored message. */
  ack(ack: Ack): void {
    const frame = this.encoder.ack(ack);
    if (frame === undefined || !this.open) return;
    if (this.encoder.batches) this.enqueueBatch(frame);
    else this.#send(frame);
  }

  /** Sends an `error` frame. */
  refuse(refusal: Refusal): void {
    const { code, message } = refusal;
    this.refusals++;
    this.#options.counters.countError(code);
    // Only the first is visible by default; all are counted when the connection ends.
    logger[this.refusals === 1 ? "info" : "debug"](
      "{connection} {name} rejected: {code}: {message}",
      { connection: this.id, name: this.label, code, message },
    );
    this.sendControl(errorFrame(refusal));
  }

  /**
   * Sends what was enqueued and `bye`, then closes the connection; `reason` is a sentence for people.
   *
   * @param retryAfter seconds to wait before a reconnect.
   */
  close(code: number, reason: string, retryAfter?: number): void {
    if (!this.open) return;
    // A client that fell behind would get it after all that it did not read.
    if (code !== CLOSE.fellBehind) {
      const when = retryAfter === undefined ? {} : { retryAfter };
      const reconnect = shouldReconnect(code);
      this.sendControl({ type: "bye", code, reconnect, ...when, message: reason });
    }
    this.flush();
    if (!this.open) return;
    this.open = false;
    this.transport.close(code, cutToBytes(reason, MAX_CLOSE_REASON_BYTES));
    // Does not wait for the other side's close frame: a client that no longer reads never sends it.
    this.ended(code);
  }

  /** Closes the connection because of an error in the hub. */
  fail(error: unknown): void {
    logger.error("{connection} {name}: internal error: {error}", {
      connection: this.id,
      name: this.label,
      error,
    });
    this.close(CLOSE.internal, "Internal error of the hub: reconnect, and tell its operator");
  }

  /** Takes the end of the connection, with the close code that the transport saw. Idempotent. */
  ended(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.open = false;
    this.#backlog = undefined;
    this.#onIdle?.();
    this.#options.onClose(this, code);
  }

  /** Handles one object, or queues it while an earlier one is being answered. */
  #handle(object: string): void {
    if (!this.open || this.inputClosed) return;
    if (this.#backlog === undefined) {
      // Not `runInOrder`: that would cost a closure for every message.
      const pending = this.#options.requests.handle(this, object);
      if (pending !== undefined) this.runInOrder(() => pending);
      return;
    }
    const { maxMessageBytes, burst } = this.#options.limits;
    this.#backlogLength += object.length;
    if (
      this.#backlog.length >= burst + MAX_BATCH_MESSAGES * 64 ||
      this.#backlogLength > MAX_BACKLOG_FRAMES * maxMessageBytes * MAX_BATCH_MESSAGES
    ) {
      return this.close(CLOSE.rateLimited, "You sent more than could be answered: slow down");
    }
    this.#backlog.push(object);
  }

  #handleBacklog(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    this.#backlogLength = 0;
    for (const object of backlog) this.#handle(object);
    if (this.#backlog === undefined) this.#onIdle?.();
  }

  /** Switches a plain client to text if its first frame is not a JSON object. */
  #detectText(frame: string): void {
    this.#firstFrameSeen = true;
    if (this.encoder !== JSON_ENCODER || startsWithJson(frame)) return;
    this.encoder = TEXT_ENCODER;
    if (this.session === undefined) return;
    const timestamp = new Date(this.#options.clock.now()).toISOString();
    const message =
      `You are ${this.session.name}, and this is plain text: /help lists the commands`;
    this.sendControl({ type: "system", message, timestamp, event: "notice" });
  }

  #send(frame: string): void {
    const { limits, counters, tracing } = this.#options;
    const waiting = this.transport.bufferedAmount;
    // A single frame may exceed the limit, or a burst could never be delivered.
    if (waiting > 0 && waiting + frame.length > limits.maxOutboxBytes) {
      counters.slowConsumers++;
      logger.warn("{connection} {name} fell behind with {waiting} bytes waiting: disconnected", {
        connection: this.id,
        name: this.label,
        waiting,
      });
      this.#out = "";
      return this.close(CLOSE.fellBehind, "You fell behind: reconnect to resume from the log");
    }
    if (tracing) traceFrame(this.id, "out", frame);
    this.sent += frame.length;
    this.transport.send(frame);
  }
}

const SECRET = /^[A-Za-z0-9_-]{22}$/;

/** A new resume secret: 128 random bits. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(16))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/**
 * A name, its rooms and its private messages. It outlives its connection by the grace time, so that
 * the client can resume. Here because it and {@linkcode Connection} refer to each other.
 */
export class Session {
  /** Set by `Sessions` right after construction. */
  name = "";
  /** The name last asked for; another client may have it. */
  requestedName: string | undefined;
  /** Whether the hub chose the name, so that the first message may still set it. */
  guest = true;
  connection: Connection | undefined;
  /** The address of the current or last connection. */
  address: string | undefined;
  /** In the order of joining; messages that name no room go to the first. */
  readonly rooms: string[] = [];
  /** Whether its own messages are delivered to it. */
  echo = true;
  /** Requests under way may still hold a session that has ended. */
  ended = false;
  /** When it ends unless its client reconnects; milliseconds since the Unix epoch. */
  expiresAt = Infinity;
  /** Encoded private messages that arrived while disconnected. */
  pendingDirects: string[] = [];
  /** All sessions with the same token name, including this one. */
  siblingSessions: Set<Session> | undefined;
  /** May have expired. */
  activeMute: Sanction | undefined;
  #keyScope: string | undefined;

  /**
   * @param grant replaced when the client brings a new token.
   * @param observer whether it only listens: it has no name and does not appear in presence.
   */
  constructor(readonly secret: string, public grant: Grant, readonly observer = false) {}

  /** The name that its token fixes. Only a token with the same name may resume the session. */
  get identity(): string | undefined {
    return this.grant.name;
  }

  /** The sender that the keys of its messages belong to. */
  get keyScope(): string {
    return this.#keyScope ??= this.identity === undefined
      ? sessionScope(this.secret)
      : accountScope(this.identity);
  }

  /** UTF-16 units of pending private messages. */
  get pendingDirectsLength(): number {
    return this.pendingDirects.reduce((sum, frame) => sum + frame.length, 0);
  }
}

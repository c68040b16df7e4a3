import {
  type Ack,
  CLOSE,
  cutToBytes,
  type ErrorCode,
  MAX_CLOSE_REASON_BYTES,
  type Ref,
} from "../protocol.ts";
import type { Grant } from "../auth/authorizer.ts";
import type { ControlFrame, Encoder } from "./encoders/encoder.ts";
import type { TokenBucket } from "./limits/token_bucket.ts";
import type { Session } from "./session.ts";
import type { Transport } from "./transport.ts";

/** What a peer needs of the hub it belongs to. */
export interface ConnectionContext {
  readonly maxOutboxBytes: number;
  now(): number;
  /** Asks for `peer.flush()` at the end of this turn. */
  flushLater(peer: Connection): void;
  /** Told once, when a peer is cut off for reading too slowly. */
  slowConsumer(peer: Connection, waiting: number): void;
  /** Told of every `error` frame. */
  refused(peer: Connection, code: ErrorCode, message: string): void;
  /** Told once, when the connection has ended or been ended. */
  gone(peer: Connection, code: number): void;
  /** Told of a fault in the hub itself that ended a connection. */
  fault(peer: Connection, error: unknown): void;
}

/**
 * One connection, as the hub sees it: how it talks, who it is, what waits to be sent.
 *
 * Offering never waits: what the transport does not take is bounded, and who exceeds the bound is
 * cut off (4008).
 */
export class Connection {
  /** Who this is; `undefined` until a `bcast.v1` client has said `hello`. */
  session: Session | undefined;
  /** Whether it is still there: nothing is sent to it once it is not. */
  open = true;
  /** Whether it has ever said `hello`: only such a client knows how to resume. */
  saidHello = false;
  /** Whether it had its `welcome`, before which nothing else may reach it. */
  welcomed = false;
  /** Whether a frame of it was read: the first one decides between JSON and text. */
  firstFrameSeen = false;
  /** Whether it is about to be closed, and what it still sends is passed over. */
  inputClosed = false;
  /** What it may do, known from before its first frame; its session has its own. */
  grant: Grant | undefined;
  /** The token that came with the connection and waits for `hello` to be checked. */
  token: string | undefined;
  /** Whether its last line was `quit` without a slash, and it was asked what that means. */
  askedToQuit = false;
  /** Whether it was told that its token has expired. */
  expiryWarned = false;
  /** Frames refused so far. */
  refusals = 0;
  /** UTF-16 units of frames received so far. */
  received = 0;
  /** UTF-16 units of frames sent so far. */
  sent = 0;
  /** Frames over the rate since it last kept to it. */
  overRate = 0;
  /** Frames that wait until a request of this peer is answered, so that its frames keep their order. */
  backlog: string[] | undefined;
  /** UTF-16 units of them. */
  backlogLength = 0;
  /** Called when nothing waits to be answered any more, or never will be; for transports that can wait. */
  onBacklogDrained: (() => void) | undefined;
  #out = "";

  constructor(
    /** Names the connection in the logs. */
    readonly id: string,
    public encoder: Encoder,
    readonly transport: Transport,
    private readonly host: ConnectionContext,
    /** When it came, in milliseconds since the Unix epoch. */
    readonly since: number,
    /** `undefined`: no rate limit. */
    readonly bucket: TokenBucket | undefined,
    /** Whose share of the limits per address it uses; `undefined`: nobody's. */
    readonly network?: string,
  ) {}

  get address(): string {
    return this.transport.address;
  }

  /** Sends `frames` at the end of this turn. */
  enqueue(frames: readonly string[]): void {
    if (!this.open) return;
    for (const frame of frames) {
      if (this.encoder.batches) this.enqueueBatch(frame);
      else this.#send(frame);
    }
  }

  /** Sends `batch`, which may hold several objects, together with whatever else this turn brings. */
  enqueueBatch(batch: string): void {
    if (!this.open) return;
    if (this.#out === "") {
      this.#out = batch;
      this.host.flushLater(this);
    } else {
      this.#out += "\n" + batch;
    }
  }

  /** Hands over what was offered in this turn. */
  flush(): void {
    const out = this.#out;
    if (out === "") return;
    this.#out = "";
    if (this.open) this.#send(out);
  }

  /** Sends anything but messages. */
  sendControl(frame: ControlFrame): void {
    this.enqueue(this.encoder.control(frame, this.host.now()));
  }

  /** Says that a message is kept. */
  ack(ack: Ack): void {
    const frame = this.encoder.ack(ack);
    if (frame === undefined || !this.open) return;
    if (this.encoder.batches) this.enqueueBatch(frame);
    else this.#send(frame);
  }

  /** Refuses a frame. */
  refuse(code: ErrorCode, message: string, ref?: Ref, retryAfter?: number): void {
    this.refusals++;
    this.host.refused(this, code, message);
    this.sendControl({
      type: "error",
      code,
      message,
      ...(ref === undefined ? {} : { ref }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  }

  /** Ends the connection; `reason` is a sentence for a person. What was offered goes out before. */
  close(code: number, reason: string): void {
    if (!this.open) return;
    this.flush();
    if (!this.open) return;
    this.open = false;
    this.transport.close(code, cutToBytes(reason, MAX_CLOSE_REASON_BYTES));
    // Not when the other side agrees: one that no longer reads never would.
    this.host.gone(this, code);
  }

  /** Ends the connection because of a fault in the hub. */
  fail(error: unknown): void {
    this.host.fault(this, error);
    this.close(CLOSE.internal, "The hub had a fault: reconnect, and tell its operator");
  }

  #send(frame: string): void {
    const waiting = this.transport.bufferedAmount;
    // The outbox may always take one frame, however large, or a burst could never be delivered.
    if (waiting > 0 && waiting + frame.length > this.host.maxOutboxBytes) {
      this.host.slowConsumer(this, waiting);
      this.#out = "";
      this.close(CLOSE.fellBehind, "You fell behind: reconnect to go on from the log");
      return;
    }
    this.sent += frame.length;
    this.transport.send(frame);
  }
}

import { fitsBytes, type Limits, MAX_BATCH_MESSAGES } from "../protocol.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import type { ClientRequest } from "./request.ts";
import type { Outbox } from "./outbox.ts";
import { SendLimiter } from "./send_limiter.ts";
import { RequestError } from "./types.ts";

/** Bytes buffered in the socket above which nothing is added, so that the rest can still be reordered. */
const HIGH_WATER = 1024 * 1024;

/**
 * The largest batch, in UTF-16 units. Deno sends frames over 1024 bytes in two pieces, and the
 * network may delay the second by 40 ms (Nagle's algorithm waiting for a delayed acknowledgement):
 * ten small frames arrive long before one large one.
 */
const BATCH_LENGTH = 1024;

/** Milliseconds between checks of a full socket: WebSocket has no event for draining. */
const DRAIN_POLL = 20;

export interface FrameSink {
  send(frame: string): void;
  readonly bufferedAmount: number;
}

/** Sends the outbox to the hub, as fast as rate limit, network and window allow. */
export class SendLoop {
  readonly #limiter = new SendLimiter();
  #sink: FrameSink | undefined;
  #limits: Limits | undefined;
  #scheduled = false;
  #cancelTimer: Cancel | undefined;
  /** Timers of held private messages. */
  readonly #retries = new Set<Cancel>();

  constructor(private readonly outbox: Outbox, private readonly clock: Clock) {}

  start(sink: FrameSink, limits: Limits): void {
    this.#sink = sink;
    this.#limits = limits;
    this.#limiter.configure(limits.rate, limits.burst, this.clock.now());
    this.schedule();
  }

  stop(): void {
    this.#sink = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }

  /** Records the hub's answer to a request. */
  answered(request: ClientRequest): void {
    this.#limiter.answered(request.number, this.clock.now());
    this.schedule();
  }

  /** Sends nothing for `delay` milliseconds. */
  pause(delay: number): void {
    this.#limiter.pause(delay, this.clock.now());
    this.schedule();
  }

  /** Holds a private message, and retries it after `delay` milliseconds. */
  holdDirect(request: ClientRequest, receiver: string, delay: number): void {
    if (!this.outbox.hold(request, receiver)) return;
    const cancel = this.clock.after(delay, () => {
      this.#retries.delete(cancel);
      this.outbox.retryHeld(receiver);
      this.schedule();
    });
    this.#retries.add(cancel);
  }

  /** Sends at the end of this turn, so that all requests of a turn share a frame. */
  schedule(): void {
    if (this.#scheduled || this.#sink === undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const sink = this.#sink;
    const limits = this.#limits;
    if (sink === undefined || limits === undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // A UTF-16 unit is at most three bytes of UTF-8, so there is no need to count bytes.
    const hubLimit = limits.maxMessageBytes * MAX_BATCH_MESSAGES / 3;
    const batch = new Batch(sink, Math.min(BATCH_LENGTH, hubLimit));
    for (let request = this.outbox.next(); request !== undefined; request = this.outbox.next()) {
      if (sink.bufferedAmount + batch.length > HIGH_WATER) {
        this.#runLater(DRAIN_POLL);
        break;
      }
      const text = request.text();
      if (!fitsBytes(text, limits.maxMessageBytes)) {
        this.outbox.remove(request);
        request.fail(tooLargeError(request, limits));
        continue;
      }
      const wait = this.#limiter.take(this.clock.now());
      if (wait > 0) {
        if (wait < Infinity) this.#runLater(wait);
        break;
      }
      this.outbox.markSent(request);
      request.number = this.#limiter.sent();
      batch.add(text);
    }
    batch.flush();
  }

  #runLater(delay: number): void {
    this.#cancelTimer = this.clock.after(delay, () => {
      this.#cancelTimer = undefined;
      this.#run();
    });
  }
}

/** Collects objects for one frame. */
class Batch {
  #parts: string[] = [];
  #length = 0;

  constructor(private readonly sink: FrameSink, private readonly maxLength: number) {}

  /** In UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    const length = this.#length + text.length;
    if (this.#parts.length > 0 && length > this.maxLength) this.flush();
    this.#parts.push(text);
    this.#length += text.length + 1;
  }

  flush(): void {
    if (this.#parts.length === 0) return;
    this.sink.send(this.#parts.join("\n"));
    this.#parts = [];
    this.#length = 0;
  }
}

/** The error for a request that the hub would refuse for its size. */
export function tooLargeError({ ref }: ClientRequest, { maxMessageBytes }: Limits): RequestError {
  return new RequestError({
    type: "error",
    code: "too_big",
    message: `A message may have at most ${maxMessageBytes} bytes: shorten or split it`,
    ref,
    final: true,
  });
}

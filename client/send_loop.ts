import { fitsBytes, type Limits, MAX_BATCH_MESSAGES } from "../protocol.ts";
import type { Cancel, Clock } from "../lib/clock.ts";
import type { ClientRequest } from "./request.ts";
import type { Outbox } from "./outbox.ts";
import { SendLimiter } from "./send_limiter.ts";
import { RequestError } from "./types.ts";

/** Bytes waiting in the socket above which nothing is added: what waits here can still be paced and reordered. */
const HIGH_WATER = 1024 * 1024;

/**
 * UTF-16 units above which a frame takes in nothing more. Deno sends what is larger than 1024 bytes
 * in two pieces, of which the network holds back the second for 40 ms (Nagle's algorithm waiting for
 * a delayed acknowledgement): ten small frames are there long before one large one.
 */
const BATCH_LENGTH = 1024;

/** Milliseconds between looks at a full socket; WebSocket has no event for its draining. */
const DRAIN_POLL = 20;

/** Where the pump sends to. */
export interface FrameSink {
  send(frame: string): void;
  readonly bufferedAmount: number;
}

/** Moves what waits in the outbox to the hub, as fast as hub, line and window allow. */
export class SendLoop {
  readonly #pace = new SendLimiter();
  #outlet: FrameSink | undefined;
  #limits: Limits | undefined;
  #scheduled = false;
  #cancelTimer: Cancel | undefined;
  /** Ends the waits for receivers of private messages. */
  readonly #waits = new Set<Cancel>();

  constructor(private readonly outbox: Outbox, private readonly clock: Clock) {}

  /** The hub said `welcome`. */
  start(outlet: FrameSink, limits: Limits): void {
    this.#outlet = outlet;
    this.#limits = limits;
    this.#pace.configure(limits.rate, limits.burst, this.clock.now());
    this.schedule();
  }

  /** The connection is gone. */
  stop(): void {
    this.#outlet = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
  }

  /** The hub answered `entry`, one way or another. */
  answered(entry: ClientRequest): void {
    this.#pace.answered(entry.number, this.clock.now());
    this.schedule();
  }

  /** Sends nothing for `delay` milliseconds: the hub said so. */
  hold(delay: number): void {
    this.#pace.hold(delay, this.clock.now());
    this.schedule();
  }

  /** Tries a private message again after `delay` milliseconds, when its receiver may be there. */
  awaitReceiver(entry: ClientRequest, receiver: string, delay: number): void {
    if (!this.outbox.hold(entry, receiver)) return;
    const cancel = this.clock.after(delay, () => {
      this.#waits.delete(cancel);
      this.outbox.probe(receiver);
      this.schedule();
    });
    this.#waits.add(cancel);
  }

  /** Sends at the end of this turn, so that everything asked for in it shares a frame. */
  schedule(): void {
    if (this.#scheduled || this.#outlet === undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const outlet = this.#outlet;
    const limits = this.#limits;
    if (outlet === undefined || limits === undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // A UTF-16 unit is at most three bytes of UTF-8: never over the limit, without counting.
    const hubLimit = limits.maxMessageBytes * MAX_BATCH_MESSAGES / 3;
    const batch = new Batch(outlet, Math.min(BATCH_LENGTH, hubLimit));
    for (let entry = this.outbox.next(); entry !== undefined; entry = this.outbox.next()) {
      if (outlet.bufferedAmount + batch.length > HIGH_WATER) {
        this.#wake(DRAIN_POLL);
        break;
      }
      const text = entry.text();
      if (!fitsBytes(text, limits.maxMessageBytes)) {
        this.outbox.remove(entry.key);
        entry.fail(tooLarge(entry, limits));
        continue;
      }
      const wait = this.#pace.take(this.clock.now());
      if (wait > 0) {
        if (wait < Infinity) this.#wake(wait);
        break;
      }
      this.outbox.markSent(entry);
      if (this.outbox.isSent(entry)) entry.number = this.#pace.sent();
      batch.add(text);
    }
    batch.flush();
  }

  #wake(delay: number): void {
    this.#cancelTimer = this.clock.after(delay, () => {
      this.#cancelTimer = undefined;
      this.#run();
    });
  }
}

/** Objects on their way into one frame. */
class Batch {
  #parts: string[] = [];
  #length = 0;

  constructor(private readonly outlet: FrameSink, private readonly maxLength: number) {}

  /** UTF-16 units. */
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
    this.outlet.send(this.#parts.join("\n"));
    this.#parts = [];
    this.#length = 0;
  }
}

/** The error for an entry that the hub would refuse for its size. */
export function tooLarge({ key }: ClientRequest, { maxMessageBytes }: Limits): RequestError {
  return new RequestError({
    type: "error",
    code: "too_big",
    message: `A message may take ${maxMessageBytes} bytes: send less at once`,
    ref: key,
  });
}

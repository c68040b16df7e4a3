import type { LoadClient, PublishFeedback } from "./client.ts";
import type { MessageTemplate } from "./wire_format.ts";
import { findStamp, stampPublisher, writeDigits, writeStamp } from "./stamp.ts";
import { nowMicros } from "./stats.ts";

/** How fast a publisher goes. */
export type PublishRate =
  /** As fast as its messages come back: at most `inFlight` are on their way. */
  | { readonly inFlight: number; readonly until: "echo" | "ack" }
  /** So many a second, whatever comes back. */
  | { readonly rate: number };

// Often enough that a rate of 1,000 goes out evenly, seldom enough to cost nothing.
const TICK_MS = 2;
const REF_DIGITS = 9;
// A process that was held up must not answer with a flood of all that it owes.
const MAX_CATCH_UP_MS = 100;

/** Publishes through one client. */
export class LoadPublisher implements PublishFeedback {
  /** Messages sent since the beginning. */
  sent = 0;
  readonly #client: LoadClient;
  readonly #index: number;
  readonly #template: MessageTemplate;
  readonly #pace: PublishRate;
  #onWay = 0;
  #running = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #dueSince = 0;

  constructor(client: LoadClient, index: number, template: MessageTemplate, pace: PublishRate) {
    this.#client = client;
    this.#index = index;
    this.#template = template;
    this.#pace = pace;
    client.publishFor(this);
  }

  /** Begins to publish. */
  start(): void {
    this.#running = true;
    if ("rate" in this.#pace) {
      this.#dueSince = performance.now();
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
    } else {
      this.#fill(this.#pace.inFlight);
    }
  }

  /** Sends nothing more; what is on its way still comes back. */
  stop(): void {
    this.#running = false;
    clearInterval(this.#timer);
  }

  /** Sends `count` messages now. */
  send(count: number): void {
    const { bytes, stampAt, refAt } = this.#template;
    const now = nowMicros();
    for (let i = 0; i < count; i++) {
      this.sent++;
      writeStamp(bytes, stampAt, this.#index, this.sent, now);
      if (refAt !== undefined) writeDigits(bytes, refAt, REF_DIGITS, this.sent);
      this.#client.queue(bytes);
    }
    this.#onWay += count;
    this.#client.flush();
  }

  /** Of {@linkcode PublishFeedback}. */
  message(bytes: Uint8Array, start: number, end: number): void {
    if ("rate" in this.#pace || this.#pace.until !== "echo") return;
    const at = findStamp(bytes, start, end);
    if (at >= 0 && stampPublisher(bytes, at) === this.#index) this.#onWay--;
  }

  /** Of {@linkcode PublishFeedback}. */
  ack(): void {
    if ("inFlight" in this.#pace && this.#pace.until === "ack") this.#onWay--;
  }

  /** Of {@linkcode PublishFeedback}. */
  refused(): void {
    this.#onWay--;
  }

  /** Of {@linkcode PublishFeedback}. */
  settled(): void {
    if (this.#running && "inFlight" in this.#pace) this.#fill(this.#pace.inFlight);
  }

  #fill(inFlight: number): void {
    if (this.#onWay < inFlight) this.send(inFlight - this.#onWay);
  }

  #tick(): void {
    if (!("rate" in this.#pace)) return;
    const now = performance.now();
    this.#dueSince = Math.max(this.#dueSince, now - MAX_CATCH_UP_MS);
    const due = Math.floor((now - this.#dueSince) * this.#pace.rate / 1000);
    if (due === 0) return;
    this.#dueSince += due * 1000 / this.#pace.rate;
    this.send(due);
  }
}

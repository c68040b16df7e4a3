import type { LoadClient, PublishFeedback } from "./client.ts";
import type { MessageTemplate } from "./wire_format.ts";
import { findStamp, stampPublisher, writeDigits, writeStamp } from "./stamp.ts";
import { nowMicros } from "./stats.ts";

export type PublishRate =
  /** As fast as messages come back: at most `inFlight` are unanswered. */
  | { readonly inFlight: number; readonly until: "echo" | "ack" }
  /** Messages per second, whatever comes back. */
  | { readonly rate: number };

// Often enough to send 1,000 messages a second evenly, at a negligible cost.
const TICK_MS = 2;
const KEY_DIGITS = 9;
// A process that was blocked must not send everything that is due at once.
const MAX_CATCH_UP_MS = 100;

export class LoadPublisher implements PublishFeedback {
  sent = 0;
  readonly #client: LoadClient;
  readonly #index: number;
  readonly #template: MessageTemplate;
  readonly #rate: PublishRate;
  #inFlight = 0;
  #running = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #dueSince = 0;

  constructor(client: LoadClient, index: number, template: MessageTemplate, pace: PublishRate) {
    this.#client = client;
    this.#index = index;
    this.#template = template;
    this.#rate = pace;
    client.setFeedback(this);
  }

  start(): void {
    this.#running = true;
    if ("rate" in this.#rate) {
      this.#dueSince = performance.now();
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
    } else {
      this.#fill(this.#rate.inFlight);
    }
  }

  /** Stops sending; responses are still counted. */
  stop(): void {
    this.#running = false;
    clearInterval(this.#timer);
  }

  send(count: number): void {
    const { bytes, stampAt, keyAt } = this.#template;
    const now = nowMicros();
    for (let i = 0; i < count; i++) {
      this.sent++;
      writeStamp(bytes, stampAt, this.#index, this.sent, now);
      if (keyAt !== undefined) writeDigits(bytes, keyAt, KEY_DIGITS, this.sent);
      this.#client.queue(bytes);
    }
    this.#inFlight += count;
    this.#client.flush();
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    if ("rate" in this.#rate || this.#rate.until !== "echo") return;
    const at = findStamp(bytes, start, end);
    if (at >= 0 && stampPublisher(bytes, at) === this.#index) this.#inFlight--;
  }

  ack(): void {
    if ("inFlight" in this.#rate && this.#rate.until === "ack") this.#inFlight--;
  }

  refused(): void {
    this.#inFlight--;
  }

  idle(): void {
    if (this.#running && "inFlight" in this.#rate) this.#fill(this.#rate.inFlight);
  }

  #fill(inFlight: number): void {
    if (this.#inFlight < inFlight) this.send(inFlight - this.#inFlight);
  }

  #tick(): void {
    if (!("rate" in this.#rate)) return;
    const now = performance.now();
    this.#dueSince = Math.max(this.#dueSince, now - MAX_CATCH_UP_MS);
    const due = Math.floor((now - this.#dueSince) * this.#rate.rate / 1000);
    if (due === 0) return;
    this.#dueSince += due * 1000 / this.#rate.rate;
    this.send(due);
  }
}

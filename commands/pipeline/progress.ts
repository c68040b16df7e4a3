import type { Output } from "../../lib/output.ts";
import type { Clock } from "../../client.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { SendCounts } from "./send.ts";

/** Milliseconds after which somebody who waits wants to know what for. */
const PATIENCE = 1000;

/** Milliseconds between two looks: what changes faster cannot be read. */
const PERIOD = 250;

const WIPE = "\r\x1b[K";

/**
 * A line on a terminal that tells how far the sending is, for sendings that take their time. Only
 * for an output that is a terminal.
 */
export class WaitProgress implements Disposable {
  #cancel: Cancel;
  #shown = false;
  #acked = 0;
  #at: number;

  constructor(
    private readonly terminal: Output,
    private readonly clock: Clock,
    private readonly counts: Readonly<SendCounts>,
  ) {
    this.#at = clock.now();
    this.#cancel = clock.after(PATIENCE, () => this.#show());
  }

  /** Takes the line away until it is next shown: something else is to be written. */
  wipe(): void {
    if (this.#shown) void this.terminal.write(WIPE);
    this.#shown = false;
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.wipe();
  }

  #show(): void {
    const now = this.clock.now();
    const { sent, acked } = this.counts;
    const rate = Math.round((acked - this.#acked) * 1000 / Math.max(1, now - this.#at));
    [this.#acked, this.#at] = [acked, now];
    const [all, done, speed] = [sent, acked, rate].map((number) => number.toLocaleString("en-US"));
    const line = `${all} sent, ${done} acked, ${speed}/s`;
    void this.terminal.write(WIPE + line.slice(0, Math.max(0, this.terminal.columns - 1)));
    this.#shown = true;
    this.#cancel = this.clock.after(PERIOD, () => this.#show());
  }
}

import type { Output } from "../../lib/output.ts";
import type { Clock } from "../../client.ts";
import type { Cancel } from "../../lib/clock.ts";
import type { SendCounts } from "./send.ts";

/** Milliseconds before progress is first shown. */
const INITIAL_DELAY = 1000;

/** Milliseconds between updates: faster changes could not be read. */
const PERIOD = 250;

const ERASE_LINE = "\r\x1b[K";

/** A progress line on a terminal, for sending that takes a while. */
export class SendProgress implements Disposable {
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
    this.#cancel = clock.after(INITIAL_DELAY, () => this.#show());
  }

  /** Erases the line until the next update, so that other text can be written. */
  clear(): void {
    if (this.#shown) void this.terminal.write(ERASE_LINE);
    this.#shown = false;
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.clear();
  }

  #show(): void {
    const now = this.clock.now();
    const { sent, acked } = this.counts;
    const rate = Math.round((acked - this.#acked) * 1000 / Math.max(1, now - this.#at));
    [this.#acked, this.#at] = [acked, now];
    const [all, done, speed] = [sent, acked, rate].map((number) => number.toLocaleString("en-US"));
    const line = `${all} sent, ${done} acknowledged, ${speed}/s`;
    void this.terminal.write(ERASE_LINE + line.slice(0, Math.max(0, this.terminal.columns - 1)));
    this.#shown = true;
    this.#cancel = this.clock.after(PERIOD, () => this.#show());
  }
}

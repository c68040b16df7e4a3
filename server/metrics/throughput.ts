import type { ServerClock } from "../../lib/clock.ts";
import type { Counters } from "./counters.ts";

/** Samples to average over: enough for a steady rate, few enough to follow changes. */
const WINDOW = 5;

interface ThroughputSample {
  readonly at: number;
  readonly messages: number;
  readonly deliveries: number;
  /** Milliseconds by which the sample was late. */
  readonly late: number;
}

/** Current rates. */
export interface Throughput {
  readonly messagesPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** The longest delay of a timer within the last seconds, in milliseconds. */
  readonly loopLagMs: number;
}

/** Rates over the last few seconds. Samples counters once a second, so that counting stays cheap. */
export class ThroughputMeter {
  readonly #samples: ThroughputSample[] = [];

  constructor(
    private readonly counters: Counters,
    private readonly clock: Pick<ServerClock, "monotonic">,
    /** Milliseconds between two calls of {@linkcode sample}. */
    private readonly period: number,
  ) {
    this.sample();
  }

  sample(): void {
    const at = this.clock.monotonic();
    const before = this.#samples.at(-1)?.at;
    const late = before === undefined ? 0 : Math.max(0, at - before - this.period);
    if (before !== undefined) this.counters.lagSeconds.observe(late / 1000);
    const { messages, deliveries } = this.counters;
    this.#samples.push({ at, messages, deliveries, late });
    if (this.#samples.length > WINDOW + 1) this.#samples.shift();
  }

  /** The rates over the last {@linkcode WINDOW} periods, or since the start. */
  get current(): Throughput {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000;
    const rate = (count: (sample: ThroughputSample) => number): number =>
      first === undefined || last === undefined || seconds <= 0
        ? 0
        : Math.round((count(last) - count(first)) / seconds * 10) / 10;
    return {
      messagesPerSecond: rate(({ messages }) => messages),
      deliveriesPerSecond: rate(({ deliveries }) => deliveries),
      loopLagMs: Math.round(Math.max(0, ...this.#samples.map(({ late }) => late)) * 10) / 10,
    };
  }
}

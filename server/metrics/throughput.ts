import type { ServerClock } from "../../lib/clock.ts";
import type { Counters } from "./counters.ts";

/** Samples that a rate is taken over: long enough to be steady, short enough to follow. */
const WINDOW = 5;

interface ThroughputSample {
  readonly at: number;
  readonly messages: number;
  readonly deliveries: number;
  /** Milliseconds by which the sample came too late. */
  readonly late: number;
}

/** How fast things happen at this moment. */
export interface Throughput {
  readonly messagesPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** The longest that a timer of the last seconds had to wait for its turn, in milliseconds. */
  readonly loopLagMs: number;
}

/**
 * Speeds over the last few seconds, out of the hub's counters: somebody looks once a second, and
 * what is counted pays nothing.
 */
export class ThroughputMeter {
  readonly #samples: ThroughputSample[] = [];

  constructor(
    private readonly counters: Counters,
    private readonly clock: Pick<ServerClock, "monotonic">,
    /** Milliseconds between two calls of {@linkcode sample}, if nothing is late. */
    private readonly period: number,
  ) {
    this.sample();
  }

  /** Notes where the counters stand, and by how much this look is late. */
  sample(): void {
    const at = this.clock.monotonic();
    const before = this.#samples.at(-1)?.at;
    const late = before === undefined ? 0 : Math.max(0, at - before - this.period);
    if (before !== undefined) this.counters.lagSeconds.observe(late / 1000);
    const { messages, deliveries } = this.counters;
    this.#samples.push({ at, messages, deliveries, late });
    if (this.#samples.length > WINDOW + 1) this.#samples.shift();
  }

  /** The speeds over the last {@linkcode WINDOW} periods, or since the start if that is less. */
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

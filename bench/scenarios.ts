/**
 * The scenarios: their load and their figures.
 *
 * @module
 */

import { type PublishRate, type Workload, WORKLOADS } from "./load/mod.ts";

/** In the order in which they run. */
export const SCENARIO_NAMES = [
  "saturated",
  "wide",
  "steady",
  "idle",
  "herd",
  "durable",
  "mixed",
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** A figure of a scenario, as shown in the table. */
export interface ReportColumn {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  /** Set for figures that are compared between servers. */
  readonly better?: "more" | "less";
}

export interface Scenario extends Omit<Workload, "pace"> {
  /** Absent if nothing is published during the measured time. */
  readonly pace?: PublishRate;
  /** Measured seconds, unless set by a flag. */
  readonly seconds: number;
  readonly columns: readonly ReportColumn[];
}

// A line of chat.
const LINE = 64;

const INTEGRITY: readonly ReportColumn[] = [
  { key: "lost", title: "lost", digits: 0 },
  { key: "irregular", title: "irreg.", digits: 0 },
];

const CPU: readonly ReportColumn[] = [
  { key: "serverCpu", title: "server CPU %", digits: 0 },
  { key: "loadCpu", title: "load CPU %", digits: 0 },
  { key: "otherCpu", title: "others CPU %", digits: 0 },
];

const LATENCY: readonly ReportColumn[] = [
  { key: "p50", title: "p50 ms", digits: 2 },
  { key: "p99", title: "p99 ms", digits: 2 },
];

const FLOOD: readonly ReportColumn[] = [
  { key: "deliveriesPerSecond", title: "deliveries/s", digits: 0, better: "more" },
  ...LATENCY,
  ...CPU,
  ...INTEGRITY,
];

export const SCENARIOS: { readonly [S in ScenarioName]: Scenario } = {
  saturated: {
    ...WORKLOADS.saturated,
    seconds: 5,
    columns: FLOOD,
  },
  wide: {
    ...WORKLOADS.wide,
    seconds: 5,
    columns: FLOOD,
  },
  steady: {
    ...WORKLOADS.steady,
    seconds: 10,
    columns: [
      { key: "cpuMicrosPerDelivery", title: "CPU µs/delivery", digits: 2, better: "less" },
      { key: "p99", title: "p99 ms", digits: 2, better: "less" },
      { key: "p50", title: "p50 ms", digits: 2 },
      ...CPU,
      ...INTEGRITY,
    ],
  },
  idle: {
    description: "10,000 connections that say nothing",
    clients: 10_000,
    publishers: 0,
    size: LINE,
    seconds: 5,
    columns: [
      { key: "kilobytesPerConnection", title: "KB/connection", digits: 1, better: "less" },
      { key: "cpuMicrosPerConnection", title: "CPU µs/connection", digits: 0, better: "less" },
      { key: "connectsPerSecond", title: "connects/s", digits: 0 },
      { key: "idleCpu", title: "CPU % when idle", digits: 1 },
      { key: "rssMegabytes", title: "RSS MB", digits: 0 },
    ],
  },
  herd: {
    description: "5,000 clients disconnected, each resuming 50 missed messages",
    clients: 5_000,
    publishers: 1,
    size: LINE,
    seconds: 0,
    columns: [
      { key: "wholeSeconds", title: "s until whole", digits: 2, better: "less" },
      { key: "recovered", title: "recovered", digits: 0 },
      { key: "connectsPerSecond", title: "connects/s", digits: 0 },
      ...CPU,
      ...INTEGRITY,
    ],
  },
  durable: {
    ...WORKLOADS.durable,
    seconds: 5,
    columns: [
      { key: "acksPerSecond", title: "acknowledged/s", digits: 0, better: "more" },
      ...LATENCY,
      ...CPU,
      ...INTEGRITY,
    ],
  },
  mixed: {
    description: "500 messages of 4 KiB a second to 100 clients, then one of them stops reading",
    clients: 100,
    publishers: 1,
    pace: { rate: 500 },
    size: 4096,
    seconds: 12,
    columns: [
      { key: "p99Before", title: "p99 ms, all reading", digits: 2 },
      { key: "p99", title: "p99 ms, one stalled", digits: 2 },
      { key: "p99Ratio", title: "ratio", digits: 2 },
      { key: "growthBeforeMegabytes", title: "memory +MB, all reading", digits: 1 },
      { key: "growthMegabytes", title: "memory +MB, one stalled", digits: 1 },
      { key: "stalledClose", title: "stalled closed with", digits: 0 },
      ...INTEGRITY,
    ],
  },
};

import type { PublishRate } from "./publisher.ts";

/** What is published to whom. */
export interface Workload {
  readonly description: string;
  /** Connections, those of the publishers among them. */
  readonly clients: number;
  readonly publishers: number;
  readonly pace: PublishRate;
  /** Bytes of text in a message. */
  readonly size: number;
}

/** Names of {@linkcode WORKLOADS}. */
export const WORKLOAD_NAMES = ["saturated", "wide", "steady", "durable"] as const;

/** One of {@linkcode WORKLOAD_NAMES}. */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Bytes in a line of chat. */
const LINE = 64;

/** The workloads of the published comparison, which `bcast bench` runs too. */
export const WORKLOADS: { readonly [W in WorkloadName]: Workload } = {
  saturated: {
    description: "1 publisher to 100 clients, 16 messages in flight",
    clients: 100,
    publishers: 1,
    pace: { inFlight: 16, until: "echo" },
    size: LINE,
  },
  wide: {
    description: "1 publisher to 1,000 clients, 4 messages in flight",
    clients: 1_000,
    publishers: 1,
    pace: { inFlight: 4, until: "echo" },
    size: LINE,
  },
  steady: {
    description: "100 messages a second to 1,000 clients",
    clients: 1_000,
    publishers: 1,
    pace: { rate: 100 },
    size: LINE,
  },
  durable: {
    description: "1 publisher, every message acknowledged, 256 in flight",
    clients: 1,
    publishers: 1,
    pace: { inFlight: 256, until: "ack" },
    size: LINE,
  },
};

import type { PublishRate } from "./publisher.ts";

export interface Workload {
  readonly description: string;
  /** Connections, including those of the publishers. */
  readonly clients: number;
  readonly publishers: number;
  /** Also a field of `bcast bench --json`. */
  readonly pace: PublishRate;
  /** Bytes of text per message. */
  readonly size: number;
}

export const WORKLOAD_NAMES = ["saturated", "wide", "steady", "durable"] as const;

export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Bytes of a line of chat. */
const LINE = 64;

/** The workloads of the published comparison; `bcast bench` runs them, too. */
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

/**
 * A load generator: many clients in one process, light enough to saturate a hub, and strict enough to
 * detect a single message that is lost, duplicated or out of order.
 *
 * @module
 */

export { BcastFormat, type BcastOptions, RefusedError } from "./bcast.ts";
export { type Closed, LoadClient } from "./client.ts";
export type {
  LoadConversation,
  LoadGreeting,
  MessageTemplate,
  Ready,
  WireFormat,
} from "./wire_format.ts";
export { type ConnectReport, type Integrity, LoadGroup } from "./group.ts";
export { HandshakeError, type HandshakeTarget } from "./handshake.ts";
export { LatencyHistogram, type LatencySummary } from "./histogram.ts";
export type { PublishRate } from "./publisher.ts";
export { type LoadOptions, type LoadProgress, type LoadReport, runLoad } from "./run.ts";
export type { ObjectSink } from "./scanner.ts";
export { MAX_PUBLISHERS, STAMP_BYTES } from "./stamp.ts";
export { LoadStats } from "./stats.ts";
export { UNKNOWN } from "./tracker.ts";
export { type Workload, WORKLOAD_NAMES, type WorkloadName, WORKLOADS } from "./workloads.ts";

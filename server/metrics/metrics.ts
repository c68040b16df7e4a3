import type { Encoder } from "../encoders/encoder.ts";
import type { Counters, Histogram } from "./counters.ts";
import { CLOSE, ERROR_CODES } from "../../protocol.ts";
import { VERSION } from "../../lib/version.ts";
import type { Family, MetricReading, MetricSample } from "./exposition.ts";

/** The state of a hub at one moment, and its traffic so far. */
export interface HubStats {
  readonly connections: Readonly<Record<Encoder["name"], number>>;
  /** Includes sessions in their grace time. */
  readonly sessions: number;
  /** Rooms in use. */
  readonly rooms: number;
  /** Members of all rooms. */
  readonly members: number;
  /** UTF-16 units of all frames received. */
  readonly received: number;
  /** UTF-16 units of all frames sent. */
  readonly sent: number;
}

/** The sources that all metrics are read from. */
export interface Sources {
  readonly stats: HubStats;
  readonly counters: Counters;
  readonly memory: Deno.MemoryUsage;
  /** The start of the process, in seconds since the Unix epoch. */
  readonly startTime: number;
  /** Processor time used, in seconds. */
  readonly cpuSeconds: number;
  readonly runtime: string;
  /** Bytes of the log's files; `undefined` if it is in memory. */
  readonly databaseBytes: number | undefined;
}

/** The definition of one metric. */
export interface Metric extends Omit<Family, "reading"> {
  /** For the documentation. */
  readonly labels: readonly string[];
  readonly read: (sources: Sources) => MetricReading;
}

function counter(name: string, help: string, read: (from: Sources) => number): Metric {
  return { name, type: "counter", help, labels: [], read };
}

function gauge(name: string, help: string, read: (from: Sources) => number | undefined): Metric {
  return { name, type: "gauge", help, labels: [], read };
}

function histogram(name: string, help: string, read: (from: Sources) => Histogram): Metric {
  return { name, type: "histogram", help, labels: [], read };
}

/** A metric with one label. */
function labelled(
  type: "counter" | "gauge",
  name: string,
  label: string,
  help: string,
  read: (from: Sources) => Iterable<readonly [value: string, count: number]>,
): Metric {
  const samples = (from: Sources): readonly MetricSample[] =>
    Array.from(read(from), ([value, count]) => ({ labels: { [label]: value }, value: count }));
  return { name, type, help, labels: [label], read: samples };
}

/** Every metric of `/metrics`, in its order. None contains names, rooms or texts. */
export const METRICS: readonly Metric[] = [
  {
    name: "bcast_build_info",
    type: "gauge",
    help: "Always 1; the version and its runtime",
    labels: ["version", "runtime"],
    read: ({ runtime }) => [{ labels: { version: VERSION, runtime }, value: 1 }],
  },
  labelled(
    "gauge",
    "bcast_connections",
    "dialect",
    "Current connections, by protocol: v1, json, text or events",
    ({ stats }) => Object.entries(stats.connections),
  ),
  gauge(
    "bcast_sessions",
    "Current sessions, including those waiting for a reconnect",
    ({ stats }) => stats.sessions,
  ),
  gauge("bcast_rooms", "Current rooms with members", ({ stats }) => stats.rooms),
  gauge(
    "bcast_members",
    "Current members of all rooms; a client in two rooms counts twice",
    ({ stats }) => stats.members,
  ),
  counter(
    "bcast_connections_total",
    "Connections accepted",
    ({ counters }) => counters.connections,
  ),
  labelled(
    "counter",
    "bcast_turned_away_total",
    "status",
    "Rejected clients and requests, by HTTP status: 401 no valid token, 429 too many, 503 full or stopping",
    // The usual ones are there from the start: rates need a first value.
    ({ counters }) => withZeros(counters.turnedAwayByStatus, ["401", "429", "503"]),
  ),
  labelled(
    "counter",
    "bcast_closed_total",
    "code",
    "Connections ended, by close code; 1006 means lost",
    ({ counters }) => withZeros(counters.closed, CLOSE_CODES),
  ),
  counter(
    "bcast_messages_total",
    "Messages stored in the log",
    ({ counters }) => counters.messages,
  ),
  counter(
    "bcast_duplicates_total",
    "Repeated messages, acknowledged from the log",
    ({ counters }) => counters.duplicates,
  ),
  counter(
    "bcast_deliveries_total",
    "Messages sent, counted once for each connection",
    ({ counters }) => counters.deliveries,
  ),
  counter(
    "bcast_received_characters_total",
    "Characters (UTF-16 units) of all frames received; equals bytes for ASCII",
    ({ stats }) => stats.received,
  ),
  counter(
    "bcast_sent_characters_total",
    "Characters (UTF-16 units) of all frames sent; equals bytes for ASCII",
    ({ stats }) => stats.sent,
  ),
  labelled(
    "counter",
    "bcast_refused_total",
    "code",
    "Frames rejected, by error code",
    ({ counters }) => withZeros(counters.refusals, ERROR_CODES),
  ),
  counter(
    "bcast_slow_consumers_total",
    "Connections closed because they read too slowly",
    ({ counters }) => counters.slowConsumers,
  ),
  counter(
    "bcast_resumes_total",
    "Sessions resumed",
    ({ counters }) => counters.resumes,
  ),
  histogram(
    "bcast_log_append_seconds",
    "Time to store one batch of messages",
    ({ counters }) => counters.appendSeconds,
  ),
  histogram(
    "bcast_log_batch_messages",
    "Messages in one batch",
    ({ counters }) => counters.batchMessages,
  ),
  counter(
    "bcast_log_failures_total",
    "Messages that could not be stored",
    ({ counters }) => counters.failures,
  ),
  gauge(
    "bcast_database_bytes",
    "Size of the log's files; absent if the log is in memory",
    ({ databaseBytes }) => databaseBytes,
  ),
  histogram(
    "bcast_event_loop_lag_seconds",
    "Delay of a one-second timer: how long the event loop was busy",
    ({ counters }) => counters.lagSeconds,
  ),
  counter(
    "process_cpu_seconds_total",
    "User and system processor time used",
    ({ cpuSeconds }) => cpuSeconds,
  ),
  gauge(
    "process_resident_memory_bytes",
    "Resident memory of the process",
    ({ memory }) => memory.rss,
  ),
  gauge("bcast_heap_used_bytes", "V8 heap in use", ({ memory }) => memory.heapUsed),
  gauge("bcast_heap_total_bytes", "V8 heap allocated", ({ memory }) => memory.heapTotal),
  gauge(
    "bcast_external_memory_bytes",
    "Memory outside the V8 heap owned by its objects",
    ({ memory }) => memory.external,
  ),
  gauge(
    "process_start_time_seconds",
    "Start time of the process, in seconds since 1970",
    ({ startTime }) => startTime,
  ),
];

const CLOSE_CODES = Object.values(CLOSE).map(String);

/** Reads the current values. */
export function readMetrics(sources: Sources): readonly Family[] {
  return METRICS.map(({ name, type, help, read }) => ({
    name,
    type,
    help,
    reading: read(sources),
  }));
}

/** Adds zeros for known keys without a count. */
function withZeros(
  counts: ReadonlyMap<string | number, number>,
  known: readonly string[],
): Iterable<readonly [string, number]> {
  const all = new Map(known.map((key) => [key, 0]));
  for (const [key, count] of counts) all.set(String(key), count);
  return all;
}

import type { HubStats } from "../stats.ts";
import type { Counters } from "./counters.ts";
import type { Histogram } from "./histogram.ts";
import { CLOSE, ERROR_CODES, VERSION } from "../../protocol.ts";
import type { Family, MetricReading, MetricSample } from "./exposition.ts";

/** What all metrics are read from. */
export interface Sources {
  readonly stats: HubStats;
  readonly counters: Counters;
  readonly memory: Deno.MemoryUsage;
  /** When the process began, in seconds since the Unix epoch. */
  readonly startTime: number;
  /** Processor time that the process has taken, in seconds. */
  readonly cpuSeconds: number;
  readonly runtime: string;
  /** Bytes of the log's files; `undefined` when it is in memory. */
  readonly databaseBytes: number | undefined;
}

/** One metric: what it is called, what it means, where it comes from. */
export interface Metric extends Omit<Family, "reading"> {
  /** Its labels, for the documentation. */
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

/** Everything that `/metrics` tells, in its order. Names, rooms and texts are never part of it. */
export const METRICS: readonly Metric[] = [
  {
    name: "bcast_build_info",
    type: "gauge",
    help: "Always 1; which version this is, and what it runs on",
    labels: ["version", "runtime"],
    read: ({ runtime }) => [{ labels: { version: VERSION, runtime }, value: 1 }],
  },
  labelled(
    "gauge",
    "bcast_connections",
    "dialect",
    "Connections now, by how they talk: v1, json, text or events",
    ({ stats }) => Object.entries(stats.connections),
  ),
  gauge(
    "bcast_sessions",
    "Sessions now, those included whose connection broke a moment ago",
    ({ stats }) => stats.sessions,
  ),
  gauge("bcast_rooms", "Rooms now that somebody is in", ({ stats }) => stats.rooms),
  gauge(
    "bcast_members",
    "Members of all rooms now; who is in two rooms counts twice",
    ({ stats }) => stats.members,
  ),
  counter(
    "bcast_connections_total",
    "Connections taken in",
    ({ counters }) => counters.connections,
  ),
  labelled(
    "counter",
    "bcast_turned_away_total",
    "status",
    "Turned away, by HTTP status: 401 no good token, 429 too much at once, 503 full or stopping",
    // Those that an operator watches for are there from the start: rates need a first value.
    ({ counters }) => withZeros(counters.turnedAwayByStatus, ["401", "429", "503"]),
  ),
  labelled(
    "counter",
    "bcast_closed_total",
    "code",
    "Connections ended, by close code; 1006: it broke",
    ({ counters }) => withZeros(counters.closed, CLOSE_CODES),
  ),
  counter("bcast_messages_total", "Messages put into the log", ({ counters }) => counters.messages),
  counter(
    "bcast_duplicates_total",
    "Repeats of a message, answered from the log",
    ({ counters }) => counters.duplicates,
  ),
  counter(
    "bcast_deliveries_total",
    "Messages handed to a connection",
    ({ counters }) => counters.deliveries,
  ),
  counter(
    "bcast_received_characters_total",
    "Characters (UTF-16 units) of all frames received; bytes, where text is ASCII",
    ({ stats }) => stats.received,
  ),
  counter(
    "bcast_sent_characters_total",
    "Characters (UTF-16 units) of all frames sent; bytes, where text is ASCII",
    ({ stats }) => stats.sent,
  ),
  labelled(
    "counter",
    "bcast_refused_total",
    "code",
    "Frames refused, by the code of the error",
    ({ counters }) => withZeros(counters.refusals, ERROR_CODES),
  ),
  counter(
    "bcast_slow_consumers_total",
    "Connections cut off because they read too slowly",
    ({ counters }) => counters.slowConsumers,
  ),
  counter(
    "bcast_resumes_total",
    "Sessions that came back and went on where they were",
    ({ counters }) => counters.resumes,
  ),
  histogram(
    "bcast_log_append_seconds",
    "Time to put one batch of messages into the log",
    ({ counters }) => counters.appendSeconds,
  ),
  histogram(
    "bcast_log_batch_messages",
    "Messages in one batch",
    ({ counters }) => counters.batchMessages,
  ),
  counter(
    "bcast_log_failures_total",
    "Messages that the log could not take",
    ({ counters }) => counters.failures,
  ),
  gauge(
    "bcast_database_bytes",
    "Size of the log's files; absent when it is in memory",
    ({ databaseBytes }) => databaseBytes,
  ),
  histogram(
    "bcast_event_loop_lag_seconds",
    "By how much a timer of one second came late: how long the hub was busy with something else",
    ({ counters }) => counters.lagSeconds,
  ),
  counter(
    "process_cpu_seconds_total",
    "Processor time taken, user and system",
    ({ cpuSeconds }) => cpuSeconds,
  ),
  gauge(
    "process_resident_memory_bytes",
    "Memory that the process takes from the machine",
    ({ memory }) => memory.rss,
  ),
  gauge("bcast_heap_used_bytes", "Heap of V8 in use", ({ memory }) => memory.heapUsed),
  gauge("bcast_heap_total_bytes", "Heap of V8 in all", ({ memory }) => memory.heapTotal),
  gauge(
    "bcast_external_memory_bytes",
    "Memory outside of V8's heap that belongs to its objects",
    ({ memory }) => memory.external,
  ),
  gauge(
    "process_start_time_seconds",
    "When the process began, in seconds since 1970",
    ({ startTime }) => startTime,
  ),
];

const CLOSE_CODES = Object.values(CLOSE).map(String);

/** Every metric as it is now. */
export function readMetrics(sources: Sources): readonly Family[] {
  return METRICS.map(({ name, type, help, read }) => ({
    name,
    type,
    help,
    reading: read(sources),
  }));
}

/** Counts by key, with 0 for the keys that are known but never came. */
function withZeros(
  counts: ReadonlyMap<string | number, number>,
  known: readonly string[],
): Iterable<readonly [string, number]> {
  const all = new Map(known.map((key) => [key, 0]));
  for (const [key, count] of counts) all.set(String(key), count);
  return all;
}

import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "./client/address.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { type Context, isDumb } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import type { Output } from "../lib/output.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { plural } from "../lib/words.ts";
import { table } from "../render/table.ts";
import { TOKEN_FLAGS, tokenOption } from "./client/token.ts";
import { connectorFor } from "./client/trust.ts";
import { withRemedy } from "./explain_error.ts";
import { shownUrl } from "../client.ts";
import {
  BcastFormat,
  type LoadProgress,
  type LoadReport,
  MAX_PUBLISHERS,
  type PublishRate,
  runLoad,
  STAMP_BYTES,
  type Workload,
  WORKLOAD_NAMES,
  WORKLOADS,
} from "../bench/load/mod.ts";
import { DEFAULT_LIMITS, isRoomName } from "../protocol.ts";

/** Seconds of load before the measurement, for compilers and buffers to settle. */
const WARM_UP_SECONDS = 1;

/** Characters of the progress bar. */
const BAR = 30;

/** A number with a default that depends on the scene. */
function ofScene(
  { min, max, help }: { readonly min: number; readonly max: number; readonly help: string },
): flag.Flag<number | undefined> {
  const number = flag.integer({
    fallback: min,
    min,
    max,
    help,
    defaultText: "set by the scene",
  });
  return { ...number, fallback: undefined };
}

const FLAGS = {
  ...ADDRESS_FLAGS,
  room: flag.value({
    fallback: "bench",
    placeholder: "ROOM",
    expects: "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit",
    parse: (text) => isRoomName(text) ? text : undefined,
    help: "Room for the test messages",
    localOnly: true,
  }),
  ...TOKEN_FLAGS,
  scene: flag.choice(WORKLOAD_NAMES, {
    fallback: "saturated",
    placeholder: "SCENE",
    help: `Predefined load: ${WORKLOAD_NAMES.join(", ")}`,
  }),
  clients: ofScene({ min: 1, max: 50_000, help: "Connections that receive" }),
  publishers: ofScene({
    min: 1,
    max: MAX_PUBLISHERS,
    help: "How many of the clients also send",
  }),
  rate: ofScene({
    min: 0,
    max: 1_000_000,
    help: "Messages per second and publisher (0 = unlimited)",
  }),
  inFlight: ofScene({
    min: 1,
    max: 100_000,
    help: "Unacknowledged messages per publisher",
  }),
  size: flag.bytes({
    fallback: WORKLOADS.saturated.size,
    min: STAMP_BYTES,
    help: "Size of each message",
  }),
  seconds: flag.integer({
    fallback: 10,
    min: 1,
    max: 86_400,
    help: `Time to measure, after ${WARM_UP_SECONDS} s of warm-up`,
  }),
  json: flag.toggle({ help: "Print the result as one JSON object" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast bench`. */
export const bench = defineCommand({
  name: "bench",
  summary: "Measure the throughput of a hub",
  description: "Connects clients, lets some of them send, and reports throughput, latency, and " +
    "whether messages were lost, duplicated or reordered. Exits with 1 if any were.\n\nIt " +
    "drives the hub to its limit, so do not run it against a hub in use. Members of the " +
    "room see the load, and it replaces the room's history; BCAST_ROOM and profiles do not " +
    "set the room. A hub on another machine may limit the load (--rate and " +
    "--max-per-address of bcast start).",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["bench", "Measure the hub on this machine"],
    ["bench --scene steady", "Measure latency at 100 messages/s to 1,000 clients"],
    ["bench --clients 20 --in-flight 1", "Use your own load"],
    ["bench --seconds 60 --publishers 10 --json", "As JSON, for a program"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const url = hubAddress(input);
  const workload = workloadOf(input);
  const { token } = await tokenOption(input, url);
  await using way = connectorFor(url, flags);
  using interruption = watchInterrupts(context);
  const progress = new BenchProgress(context);
  const bearer = typeof token === "function" ? await token() : token;
  try {
    const report = await runLoad({
      url: way.url.href,
      caCerts: way.caCerts,
      format: new BcastFormat({
        room: flags.room,
        ...(bearer === undefined ? {} : { token: bearer }),
      }),
      ...workload,
      seconds: flags.seconds,
      warmUpSeconds: WARM_UP_SECONDS,
      onProgress: (state) => progress.show(state),
      signal: interruption.signal,
    });
    progress.clear();
    await context.stdout.write(
      flags.json
        ? JSON.stringify({ url: shownUrl(url), ...workload, ...report }) + "\n"
        : reportTable(report, workload),
    );
    return isWhole(report) ? EXIT.done : EXIT.failed;
  } catch (error) {
    progress.clear();
    if (interruption.signal.aborted) return EXIT.interrupted;
    if (!(error instanceof Error)) throw error;
    throw new CliError(problemOf(error, shownUrl(url)), EXIT.unreachable, { cause: error });
  }
}

/** A rejection by the hub reads as in other commands. */
function problemOf({ message }: Error, url: string): string {
  const rejection = `The hub at ${url} rejected the connection: `;
  return withRemedy(message.replace(/^Cannot load \S+: closed with 45\d\d /, rejection));
}

/** The scene, changed by the other flags. */
function workloadOf({ flags, source }: Input): Omit<Workload, "description"> {
  const { description: _, ...scene } = WORKLOADS[flags.scene];
  const { clients = scene.clients, publishers = scene.publishers, rate, inFlight } = flags;
  if (rate !== undefined && inFlight !== undefined) {
    throw new UsageError("Cannot use --rate together with --in-flight: leave one out");
  }
  if (publishers > clients) {
    throw new UsageError("--publishers must be at most --clients: publishers also receive");
  }
  const size = source("size") === "default" ? scene.size : flags.size;
  if (size > DEFAULT_LIMITS.maxMessageBytes / 2) {
    throw new UsageError("--size must be at most 32K: hubs reject frames over 64K");
  }
  const pace: PublishRate = rate !== undefined && rate > 0
    ? { rate }
    : inFlight === undefined && rate === undefined
    ? scene.pace
    : unpaced(inFlight, scene.pace);
  return { clients, publishers, pace, size };
}

/** As fast as messages are acknowledged, with as many in flight as the flag or the scene says. */
function unpaced(inFlight: number | undefined, pace: PublishRate): PublishRate {
  const usual = "inFlight" in pace ? pace : WORKLOADS.saturated.pace;
  return inFlight === undefined || "rate" in usual ? usual : { ...usual, inFlight };
}

function loadInWords({ publishers, pace, size }: Omit<Workload, "description">): string {
  const each = "rate" in pace
    ? `${pace.rate.toLocaleString("en-US")}/s`
    : `${pace.inFlight.toLocaleString("en-US")} in flight until ${
      pace.until === "ack" ? "acknowledged" : "received"
    }`;
  return `${plural(publishers, "publisher")}, ${each}${publishers > 1 ? " each" : ""}, ${
    plural(size, "byte")
  } a message`;
}

function isWhole({ lost, duplicated, outOfOrder }: LoadReport): boolean {
  return lost + duplicated + outOfOrder === 0;
}

/** The result as text. */
export function reportTable(
  report: LoadReport,
  workload: Omit<Workload, "description">,
): string {
  const { latency } = report;
  const many = (value: number): string => Math.round(value).toLocaleString("en-US");
  const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;
  const rows: [string, string][] = [
    ["load", loadInWords(workload)],
    ["measured", `${report.seconds.toFixed(1)} s, ${many(report.deliveries)} deliveries`],
    ["clients", `${many(report.clients)}, connected at ${many(report.connectsPerSecond)}/s`],
    ["messages/s", many(report.messagesPerSecond)],
    ["deliveries/s", many(report.deliveriesPerSecond)],
    ["acknowledged/s", many(report.acksPerSecond)],
    ["latency p50", milliseconds(latency.p50)],
    ["latency p99", milliseconds(latency.p99)],
    ["latency p99.9", milliseconds(latency.p999)],
    ["latency max", milliseconds(latency.max)],
    ["lost", many(report.lost)],
    ["duplicated", many(report.duplicated)],
    ["out of order", many(report.outOfOrder)],
  ];
  for (const [reason, count] of Object.entries(report.connectFailures)) {
    rows.push(["not connected", `${many(count)}: ${reason}`]);
  }
  for (const [code, count] of Object.entries(report.errors)) {
    rows.push([`error ${code}`, many(count)]);
  }
  return table(rows, { indent: 0 });
}

/** A progress bar, on terminals only. */
class BenchProgress {
  #shown = false;

  readonly #output: Output;
  readonly #moves: boolean;

  constructor(context: Context) {
    this.#output = context.stderr;
    this.#moves = context.stderr.isTerminal && !isDumb(context);
  }

  show({ phase, fraction, clients, deliveries }: LoadProgress): void {
    if (!this.#moves) return;
    const done = Math.round(Math.min(1, Math.max(0, fraction)) * BAR);
    const bar = "█".repeat(done) + "░".repeat(BAR - done);
    const text = phase === "connecting"
      ? `${clients.toLocaleString("en-US")} clients`
      : `${deliveries.toLocaleString("en-US")} deliveries`;
    void this.#output.write(`\r\u001b[K${phase.padEnd(10)} ${bar} ${text}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) void this.#output.write("\r\u001b[K");
    this.#shown = false;
  }
}

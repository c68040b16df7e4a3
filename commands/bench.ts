import { ADDRESS_ARGUMENT, ADDRESS_FLAGS, hubAddress } from "../cli/address.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { type Context, isDumb } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import type { Output } from "../cli/output.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { table } from "../cli/text.ts";
import { wayTo } from "../cli/trust.ts";
import { shownUrl } from "../client.ts";
import {
  BcastDialect,
  type LoadProgress,
  type LoadReport,
  MAX_PUBLISHERS,
  runLoad,
  STAMP_BYTES,
} from "../load/mod.ts";
import { DEFAULT_LIMITS, isRoomName } from "../protocol.ts";

/** Messages that a publisher has on the way when no rate is given: enough to keep a hub busy. */
const IN_FLIGHT = 16;

/** Seconds of the same load before what is measured: compilers and buffers settle. */
const WARM_UP_SECONDS = 1;

/** Characters of the progress bar. */
const BAR = 30;

const FLAGS = {
  ...ADDRESS_FLAGS,
  room: flag.value({
    fallback: "bench",
    placeholder: "ROOM",
    expects: "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit",
    read: (text) => isRoomName(text) ? text : undefined,
    help: "Room to do it in: its members see the load, and it pushes out what its history held. " +
      "Neither BCAST_ROOM nor a profile sets it",
    own: true,
  }),
  token: flag.text({
    secret: true,
    placeholder: "TOKEN",
    help: "What lets you in, where the hub asks for it",
  }),
  clients: flag.integer({ fallback: 100, min: 1, max: 50_000, help: "Connections that listen" }),
  publishers: flag.integer({
    fallback: 1,
    min: 1,
    max: MAX_PUBLISHERS,
    help: "How many of them publish too",
  }),
  rate: flag.integer({
    fallback: 0,
    max: 1_000_000,
    help: `Messages a second of each publisher; 0: as many as come back, ${IN_FLIGHT} on the way`,
  }),
  size: flag.bytes({
    fallback: 64,
    min: STAMP_BYTES,
    help: "Text in each message",
  }),
  seconds: flag.integer({
    fallback: 10,
    min: 1,
    max: 86_400,
    help: `Time to measure, after ${WARM_UP_SECONDS} s of warming up`,
  }),
  json: flag.toggle({ help: "Print the result as one JSON object" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast bench`. */
export const bench = defineCommand({
  name: "bench",
  summary: "Measure how much a hub can carry",
  about: "Connects clients that all listen, lets some of them publish, and reports what arrived, " +
    "how fast, and whether anything was lost, doubled or out of order. Ends with 1 if so.\n\n" +
    "It loads the hub to its limit: not one that others are using. From another machine the hub " +
    "may slow it down (--rate of bcast start) or limit its connections (--max-per-address).",
  positional: ADDRESS_ARGUMENT,
  flags: FLAGS,
  examples: [
    ["bench", "How fast is the hub on this machine?"],
    ["bench --clients 1000 --rate 100", "How late are 100 messages a second to 1,000 clients?"],
    ["bench --seconds 60 --publishers 10 --json", "For a program"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags } = input;
  const url = hubAddress(input);
  if (flags.publishers > flags.clients) {
    throw new CliError("--publishers must be at most --clients: publishers listen too", EXIT.usage);
  }
  if (flags.size > DEFAULT_LIMITS.maxMessageBytes / 2) {
    throw new CliError(
      "--size must be at most 32K: hubs take messages of 64K as a whole",
      EXIT.usage,
    );
  }
  await using way = wayTo(url, flags);
  using interruption = watchInterrupts(context);
  const progress = new Progress(context);
  const { token } = flags;
  try {
    const report = await runLoad({
      url: way.url.href,
      caCerts: way.caCerts,
      dialect: new BcastDialect({ room: flags.room, ...(token === undefined ? {} : { token }) }),
      clients: flags.clients,
      publishers: flags.publishers,
      pace: flags.rate > 0 ? { rate: flags.rate } : { inFlight: IN_FLIGHT, until: "echo" },
      size: flags.size,
      seconds: flags.seconds,
      warmUpSeconds: WARM_UP_SECONDS,
      onProgress: (state) => progress.show(state),
      signal: interruption.signal,
    });
    progress.clear();
    await context.stdout.write(
      flags.json ? JSON.stringify({ url: shownUrl(url), ...report }) + "\n" : reportTable(report),
    );
    return isWhole(report) ? EXIT.done : EXIT.failed;
  } catch (error) {
    progress.clear();
    if (interruption.signal.aborted) return EXIT.interrupted;
    if (!(error instanceof Error)) throw error;
    throw new CliError(error.message, EXIT.unreachable, { cause: error });
  }
}

function isWhole({ lost, duplicated, outOfOrder }: LoadReport): boolean {
  return lost + duplicated + outOfOrder === 0;
}

/** The result for a person. */
export function reportTable(report: LoadReport): string {
  const { latency } = report;
  const many = (value: number): string => Math.round(value).toLocaleString("en-US");
  const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;
  const rows: [string, string][] = [
    ["clients", `${many(report.clients)}, connected at ${many(report.connectsPerSecond)}/s`],
    ["messages/s", many(report.messagesPerSecond)],
    ["deliveries/s", many(report.deliveriesPerSecond)],
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

/** A bar that moves on a terminal, and nothing elsewhere. */
class Progress {
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

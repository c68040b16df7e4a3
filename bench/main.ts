/**
 * Compares the hub with its alternatives: each server gets the same load, one after the other, in two
 * rounds. See `deno task bench --help`.
 *
 * No process is pinned to a core: the kernel places the server, its helper threads (garbage collection,
 * disk) and the load as it does for users. CPU used by other processes is measured and shown.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BenchTarget,
  type MissingTarget,
  prepareTargets,
  TARGET_NAMES,
  type TargetName,
} from "./targets.ts";
import type { Figures, ScenarioRun } from "./run.ts";
import { machineFacts, ratios, type Round, table } from "./report.ts";
import { SCENARIO_NAMES, type ScenarioName, SCENARIOS } from "./scenarios.ts";
import { checkFileLimit, runProgram, startServer } from "./server.ts";

const HELP = `Compare the hub with other servers under the same load.

Usage: deno task bench [options]

  --scene NAME     Run only this scenario (repeatable): ${SCENARIO_NAMES.join(", ")}
  --peer NAME      Run only this server (repeatable): ${TARGET_NAMES.join(", ")}
  --seconds N      Measured seconds per scenario, instead of its own
  --rounds N       Repetitions of everything (default 2)
  --out FILE       File for the results (default bench/results.json)
  --help           Show this help

Deliveries are messages received by clients. "In flight" is the number of messages that a publisher
sends before it waits for one to come back. CPU is in percent of one core. "others CPU" was used by
neither the server nor the load: noise in the figures.
`;

interface Options {
  readonly scenarios: readonly ScenarioName[];
  readonly targets: readonly TargetName[];
  readonly seconds: number | undefined;
  readonly rounds: number;
  readonly out: string;
}

/** Runtimes keep other files open than sockets. */
const SPARE_FILES = 300;
/** Seconds for connecting, warming up and settling, beside the measured ones. */
const EXTRA_SECONDS = 120;

const encoder = new TextEncoder();

function logLine(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text + "\n"));
}

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text + "\n"));
}

/** @throws {RangeError | TypeError} for invalid arguments. */
function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scene: { type: "string", multiple: true },
      peer: { type: "string", multiple: true },
      seconds: { type: "string" },
      rounds: { type: "string" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return "help";
  return {
    scenarios: selectNames(values.scene, SCENARIO_NAMES, "--scene"),
    targets: selectNames(values.peer, TARGET_NAMES, "--peer"),
    seconds: number(values.seconds, "--seconds"),
    rounds: Math.max(1, Math.floor(number(values.rounds, "--rounds") ?? 2)),
    out: values.out ?? fileURLToPath(new URL("./results.json", import.meta.url)),
  };
}

function selectNames<T extends string>(
  given: readonly string[] | undefined,
  all: readonly T[],
  flag: string,
): readonly T[] {
  if (given === undefined) return all;
  const names = given.flatMap((entry) => entry.split(","));
  for (const name of names) {
    if (!all.some((known) => known === name)) {
      throw new RangeError(`${flag} ${name}: use one of ${all.join(", ")}`);
    }
  }
  return all.filter((known) => names.includes(known));
}

function number(given: string | undefined, flag: string): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!(value > 0)) throw new RangeError(`${flag} ${given}: use a number above 0`);
  return value;
}

/** Starts a server and runs the scenario against it in a process of its own. */
async function runOnce(
  target: BenchTarget,
  scenario: ScenarioName,
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<Figures> {
  // Not in /tmp, which is often in memory: history must be on disk.
  const dataDir = await Deno.makeTempDir({ dir: cacheDir, prefix: "data-" });
  try {
    const files = SCENARIOS[scenario].clients + SPARE_FILES;
    await using server = await startServer(files, target.command(dataDir), signal);
    const seconds = options.seconds ?? SCENARIOS[scenario].seconds;
    const run: ScenarioRun = {
      scenario,
      url: server.url,
      encoder: target.encoder,
      pid: server.pid,
      seconds,
    };
    const program = fileURLToPath(new URL("./run.ts", import.meta.url));
    const config = fileURLToPath(new URL("./deno.json", import.meta.url));
    const command = ["run", "--quiet", "-A", "--config", config, program, JSON.stringify(run)];
    const timeout = (2 * seconds + EXTRA_SECONDS) * 1000;
    return JSON.parse(await runProgram(files, [Deno.execPath(), ...command], timeout, signal));
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function runRound(
  target: BenchTarget,
  scenario: ScenarioName,
  round: number,
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<Round> {
  try {
    const figures = await runOnce(target, scenario, options, cacheDir, signal);
    const shown = SCENARIOS[scenario].columns.slice(0, 2).map(({ key, title, digits }) =>
      `${title} ${figures[key]?.toFixed(digits) ?? "-"}`
    );
    logLine(`${scenario}, round ${round}, ${target.name}: ${shown.join(", ")}`);
    return { scenario, target: target.name, round, figures };
  } catch (error) {
    signal.throwIfAborted();
    // Reported in the table and the results: one failure must not discard all other figures.
    const reason = error instanceof Error ? error.message : String(error);
    logLine(`${scenario}, round ${round}, ${target.name}: ${reason}`);
    return { scenario, target: target.name, round, error: reason };
  }
}

/** The folder of packages and data. */
function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? ".", ".cache");
  return join(base, "bcast-bench");
}

async function runAll(
  targets: readonly BenchTarget[],
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<readonly Round[]> {
  const titles = new Map(targets.map((target) => [target.name, target.title]));
  const rounds: Round[] = [];
  for (const scenario of options.scenarios) {
    const capable = targets.filter((target) => target.scenarios.includes(scenario));
    if (capable.length === 0) continue;
    const refused = await checkFileLimit(SCENARIOS[scenario].clients + SPARE_FILES);
    if (refused !== undefined) {
      logLine(`${scenario}: skipped, ${refused}`);
      continue;
    }
    for (let round = 1; round <= options.rounds; round++) {
      // Back and forth, so that a machine that slows down or speeds up favours no server.
      for (const target of round % 2 === 1 ? capable : capable.toReversed()) {
        rounds.push(await runRound(target, scenario, round, options, cacheDir, signal));
      }
    }
    print(table(scenario, byTarget(rounds), titles) + "\n");
  }
  return rounds;
}

function byTarget(rounds: readonly Round[]): readonly Round[] {
  return rounds.toSorted((a, b) =>
    TARGET_NAMES.indexOf(a.target) - TARGET_NAMES.indexOf(b.target) || a.round - b.round
  );
}

function results(
  rounds: readonly Round[],
  targets: readonly BenchTarget[],
  missing: readonly MissingTarget[],
  options: Options,
): string {
  const { seconds, scenarios } = options;
  return JSON.stringify(
    {
      date: new Date().toISOString(),
      machine: machineFacts(),
      targets: Object.fromEntries(targets.map((target) => [target.name, target.title])),
      missing,
      scenarios: Object.fromEntries(scenarios.map((name) => {
        const { columns: _, ...facts } = SCENARIOS[name];
        return [name, { ...facts, seconds: seconds ?? facts.seconds }];
      })),
      ratios: ratios(rounds),
      rounds,
    },
    null,
    2,
  ) + "\n";
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options | "help";
  try {
    options = readOptions(args);
  } catch (error) {
    // `parseArgs` throws a TypeError for an unknown flag.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    logLine(`bench: ${error.message}\n${HELP}`);
    return 2;
  }
  if (options === "help") {
    print(HELP);
    return 0;
  }
  if (Deno.build.os !== "linux") {
    logLine("bench: requires Linux: it reads CPU and memory usage from /proc");
    return 1;
  }
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new DOMException("interrupted", "AbortError"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    const cacheDir = cacheFolder();
    await Deno.mkdir(cacheDir, { recursive: true });
    const { targets, missing } = await prepareTargets(options.targets, cacheDir, logLine);
    for (const { name, reason } of missing) logLine(`${name}: skipped, ${reason}`);
    const rounds = await runAll(targets, options, cacheDir, controller.signal);
    await Deno.writeTextFile(options.out, results(byTarget(rounds), targets, missing, options));
    logLine(`Results of all rounds: ${options.out}`);
    return rounds.some((round) => round.error !== undefined) ? 1 : 0;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    logLine("bench: interrupted");
    return 130;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

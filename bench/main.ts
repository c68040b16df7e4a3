/**
 * Compares the hub with what a user could pick instead: every server gets the same load, one after
 * the other in one run, twice round. `deno task bench --help` tells more.
 *
 * Nothing is pinned to a processor: the kernel then places the server, its helper threads (garbage
 * collection, disk) and the load as it does for users, and a server with helpers is not starved of
 * them. What others on the machine used meanwhile is measured and shown.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { fromFileUrl, join } from "./paths.ts";
import {
  type BenchTarget,
  type MissingTarget,
  prepareTargets,
  type TargetName,
  TARGETS,
} from "./targets.ts";
import type { Figures, ScenarioRun } from "./run.ts";
import { machineFacts, ratios, type Round, table } from "./report.ts";
import { SCENARIO, type ScenarioName, SCENARIOS } from "./scenarios.ts";
import { filesRefused, runProgram, startServer } from "./server.ts";

const HELP = `Compare the hub with other servers under the same load.

Usage: deno task bench [options]

  --scene NAME     Only this scene; may be given several times: ${SCENARIOS.join(", ")}
  --peer NAME      Only this server; may be given several times: ${TARGETS.join(", ")}
  --seconds N      Seconds measured in each scene, instead of the scene's own
  --rounds N       How often everything is played (default 2)
  --out FILE       Where the figures go (default bench/results.json)
  --help           This text

Figures: deliveries are messages that arrived at a client. "in flight" is how many messages the
publisher lets be on their way before it waits for one to come back to it. CPU is of one processor.
"others CPU" is what neither the server nor the load used: the noise in the figures.
`;

interface Options {
  readonly scenes: readonly ScenarioName[];
  readonly peers: readonly TargetName[];
  readonly seconds: number | undefined;
  readonly rounds: number;
  readonly out: string;
}

/** Sockets are not all: runtimes keep some files open themselves. */
const SPARE_FILES = 300;
/** Seconds that connecting, warming up and settling may take beside the measured ones. */
const PATIENCE_SECONDS = 120;

const encoder = new TextEncoder();

function say(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text + "\n"));
}

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text + "\n"));
}

/** @throws {RangeError | TypeError} when an argument makes no sense. */
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
    scenes: chosen(values.scene, SCENARIOS, "--scene"),
    peers: chosen(values.peer, TARGETS, "--peer"),
    seconds: number(values.seconds, "--seconds"),
    rounds: Math.max(1, Math.floor(number(values.rounds, "--rounds") ?? 2)),
    out: values.out ?? fromFileUrl(new URL("./results.json", import.meta.url)),
  };
}

function chosen<T extends string>(
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

/** Starts a server, plays the scene in a process of its own, and ends both. */
async function playOnce(
  peer: BenchTarget,
  scene: ScenarioName,
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<Figures> {
  // Not in /tmp, which is memory on many machines: history is to be on disk.
  const dataDir = await Deno.makeTempDir({ dir: cacheDir, prefix: "data-" });
  try {
    const files = SCENARIO[scene].clients + SPARE_FILES;
    await using server = await startServer(files, peer.command(dataDir), signal);
    const seconds = options.seconds ?? SCENARIO[scene].seconds;
    const play: ScenarioRun = {
      scene,
      url: server.url,
      dialect: peer.dialect,
      pid: server.pid,
      seconds,
    };
    const program = fromFileUrl(new URL("./run.ts", import.meta.url));
    const config = fromFileUrl(new URL("./deno.json", import.meta.url));
    const run = ["run", "--quiet", "-A", "--config", config, program, JSON.stringify(play)];
    const timeout = (2 * seconds + PATIENCE_SECONDS) * 1000;
    return JSON.parse(await runProgram(files, [Deno.execPath(), ...run], timeout, signal));
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function playRound(
  peer: BenchTarget,
  scene: ScenarioName,
  round: number,
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<Round> {
  try {
    const figures = await playOnce(peer, scene, options, cacheDir, signal);
    const shown = SCENARIO[scene].columns.slice(0, 2).map(({ key, title, digits }) =>
      `${title} ${figures[key]?.toFixed(digits) ?? "-"}`
    );
    say(`${scene}, round ${round}, ${peer.name}: ${shown.join(", ")}`);
    return { scene, peer: peer.name, round, figures };
  } catch (error) {
    signal.throwIfAborted();
    // Goes into the table and the results: one server that fails must not cost all others' figures.
    const reason = error instanceof Error ? error.message : String(error);
    say(`${scene}, round ${round}, ${peer.name}: ${reason}`);
    return { scene, peer: peer.name, round, error: reason };
  }
}

/** Where packages and data of runs lie. */
function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? ".", ".cache");
  return join(base, "bcast-bench");
}

async function playAll(
  peers: readonly BenchTarget[],
  options: Options,
  cacheDir: string,
  signal: AbortSignal,
): Promise<readonly Round[]> {
  const titles = new Map(peers.map((peer) => [peer.name, peer.title]));
  const rounds: Round[] = [];
  for (const scene of options.scenes) {
    const able = peers.filter((peer) => peer.scenes.includes(scene));
    if (able.length === 0) continue;
    const refused = await filesRefused(SCENARIO[scene].clients + SPARE_FILES);
    if (refused !== undefined) {
      say(`${scene}: not played, ${refused}`);
      continue;
    }
    for (let round = 1; round <= options.rounds; round++) {
      // Back and forth, so that a machine that grows slower or faster favours nobody.
      for (const peer of round % 2 === 1 ? able : able.toReversed()) {
        rounds.push(await playRound(peer, scene, round, options, cacheDir, signal));
      }
    }
    print(table(scene, byPeer(rounds), titles) + "\n");
  }
  return rounds;
}

function byPeer(rounds: readonly Round[]): readonly Round[] {
  return rounds.toSorted((a, b) =>
    TARGETS.indexOf(a.peer) - TARGETS.indexOf(b.peer) || a.round - b.round
  );
}

function results(
  rounds: readonly Round[],
  peers: readonly BenchTarget[],
  missing: readonly MissingTarget[],
  options: Options,
): string {
  const { seconds, scenes } = options;
  return JSON.stringify(
    {
      date: new Date().toISOString(),
      machine: machineFacts(),
      peers: Object.fromEntries(peers.map((peer) => [peer.name, peer.title])),
      missing,
      scenes: Object.fromEntries(scenes.map((name) => {
        const { columns: _, ...facts } = SCENARIO[name];
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
    // A TypeError is what `parseArgs` throws for a flag that it does not know.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    say(`bench: ${error.message}\n${HELP}`);
    return 2;
  }
  if (options === "help") {
    print(HELP);
    return 0;
  }
  if (Deno.build.os !== "linux") {
    say("bench: needs Linux, whose /proc tells what every process uses");
    return 1;
  }
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new DOMException("interrupted", "AbortError"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    const cacheDir = cacheFolder();
    await Deno.mkdir(cacheDir, { recursive: true });
    const { peers, missing } = await prepareTargets(options.peers, cacheDir, say);
    for (const { name, reason } of missing) say(`${name}: left out, ${reason}`);
    const rounds = await playAll(peers, options, cacheDir, controller.signal);
    await Deno.writeTextFile(options.out, results(byPeer(rounds), peers, missing, options));
    say(`figures of every round: ${options.out}`);
    return rounds.some((round) => round.error !== undefined) ? 1 : 0;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    say("bench: interrupted");
    return 130;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

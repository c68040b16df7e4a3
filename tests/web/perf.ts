// deno-lint-ignore-file no-console -- this script prints its results

/**
 * `deno task web:perf [--seconds 30] [--rate 200] [--rounds 3]`: measures an open page
 * in a real browser under a constant stream of messages. Prints for each round the long tasks, the
 * frame times, and the memory of the page: heap and nodes must stop growing.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import type { CDPSession, JSHandle } from "playwright-core";
import { type ClientConnection, connect } from "../../client.ts";
import { columns } from "../../render/table.ts";
import { type ChatPage, TestBrowser } from "../kit/browser.ts";
import { startHubProcess } from "../kit/process.ts";

/** Milliseconds between two batches of messages. */
const TICK = 5;

/** Measurements of the page, in milliseconds. */
interface Noted {
  /** Tasks of more than 50 ms (W3C Long Tasks API). */
  readonly tasks: number[];
  /** Times between frames. */
  readonly frames: number[];
}

/** Memory of the page after a garbage collection. */
interface Kept {
  readonly heapBytes: number;
  readonly nodes: number;
}

const HEAD = [
  { title: "ROUND" },
  { title: "MESSAGES", align: "right" },
  { title: "LONG TASKS", align: "right" },
  { title: "LONGEST ms", align: "right" },
  { title: "FRAME 50 %", align: "right" },
  { title: "99 %", align: "right" },
  { title: "MAX ms", align: "right" },
  { title: "HEAP MB", align: "right" },
  { title: "NODES", align: "right" },
] as const;

/** A positive integer from the command line. */
function atLeastOne(name: string, given: unknown, fallback: number): number {
  if (given === undefined) return fallback;
  const number = Number(given);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  console.error(`--${name} must be a whole number from 1 up`);
  Deno.exit(2);
}

/** Starts to measure long tasks and frames in the page. */
function watch({ page }: ChatPage): Promise<JSHandle<Noted>> {
  return page.evaluateHandle(() => {
    const noted: Noted = { tasks: [], frames: [] };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) noted.tasks.push(duration);
    }).observe({ type: "longtask" });
    let last = performance.now();
    const frame = (): void => {
      const now = performance.now();
      noted.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    return noted;
  });
}

/** Takes the measurements since the last call. */
function take(noted: JSHandle<Noted>): Promise<Noted> {
  return noted.evaluate(({ tasks, frames }) => ({
    tasks: tasks.splice(0),
    frames: frames.splice(0),
  }));
}

async function kept(devtools: CDPSession): Promise<Kept> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes } = await devtools.send("Memory.getDOMCounters");
  return { heapBytes: usedSize, nodes };
}

/** Sends `rate` messages per second; resolves with their number once all are acked. */
async function flood(sender: ClientConnection, rate: number, seconds: number): Promise<number> {
  const start = performance.now();
  const acks: Promise<unknown>[] = [];
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - start) / 1000) {
    while (acks.length < elapsed * rate) {
      const n = acks.length;
      const message = `message **${n}** with some words, and https://example.com/${n} in it`;
      acks.push(sender.send({ message }));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
  await Promise.all(acks);
  return acks.length;
}

function row(round: string, messages: number, noted: Noted | undefined, now: Kept): string[] {
  const { tasks = [], frames = [] } = noted ?? {};
  const sorted = frames.toSorted((a, b) => a - b);
  const figure = (milliseconds: number | undefined): string =>
    milliseconds === undefined ? "-" : milliseconds.toFixed(1);
  return [
    round,
    messages.toLocaleString("en-US"),
    String(tasks.length),
    figure(tasks.length === 0 ? undefined : Math.max(...tasks)),
    figure(sorted[sorted.length >> 1]),
    figure(sorted[Math.floor(sorted.length * 0.99)]),
    figure(sorted.at(-1)),
    (now.heapBytes / 1e6).toFixed(1),
    now.nodes.toLocaleString("en-US"),
  ];
}

/** Milliseconds from the Enter key until the page shows the ack. */
async function ownMessage(alice: ChatPage): Promise<number> {
  const start = performance.now();
  await alice.say("how long does this take?");
  await alice.page.locator("article.mine .tick").waitFor();
  return performance.now() - start;
}

const args = parseArgs(Deno.args, { string: ["seconds", "rate", "rounds"] });
const seconds = atLeastOne("seconds", args["seconds"], 30);
const rate = atLeastOne("rate", args["rate"], 200);
const rounds = atLeastOne("rounds", args["rounds"], 3);

const started = await TestBrowser.start();
if (started === undefined) Deno.exit(1);
await using browser = started;
const hub = await startHubProcess(["--memory"]);
await using _program = hub.program;
await using profile = await browser.newProfile();
const alice = await profile.open(hub.url.replace("ws:", "http:"), { name: "Alice" });
await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
const devtools = await profile.context.newCDPSession(alice.page);
const noted = await watch(alice);
const table = [row("before", 0, undefined, await kept(devtools))];
for (let round = 1; round <= rounds; round++) {
  console.error(`Round ${round} of ${rounds}: ${rate} messages/s for ${seconds} s`);
  await take(noted);
  const messages = await flood(bob, rate, seconds);
  const last = `end of round ${round}`;
  await bob.send({ message: last });
  await alice.sees(last);
  table.push(row(String(round), messages, await take(noted), await kept(devtools)));
}
console.log(columns(HEAD, table, { color: false }));
console.log(`own message, from Enter to its tick: ${(await ownMessage(alice)).toFixed(0)} ms`);

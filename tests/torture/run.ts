import { delay } from "../../lib/async.ts";
import { connect } from "../../client.ts";
import { decodeCursor } from "../../commands/pipeline/cursor.ts";
import { SeededRandom } from "../chaos/random.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { PipedListener } from "./piped.ts";

export interface TortureOptions {
  readonly seed: number;
  /** Number of messages; they are the numbers from 1. */
  readonly messages: number;
  /** How often the hub is killed while the messages are sent. */
  readonly hubKills: number;
  /** Maximum number of messages between two kills of a listener. */
  readonly listenerStride: number;
  readonly onProgress?: (line: string) => void;
}

export interface TortureReport {
  readonly seed: number;
  readonly messages: number;
  readonly hubKills: number;
  /** Kills of the listener that writes a file, and of the one that writes to a pipe. */
  readonly fileKills: number;
  readonly pipeKills: number;
  /** Lines printed twice on the pipe, which is allowed after a kill. */
  readonly repeats: number;
  readonly sendSeconds: number;
  readonly messagesPerSecond: number;
  readonly totalSeconds: number;
  readonly violations: readonly string[];
}

const ROOM = "torture";

/** Milliseconds between two reads of a cursor. */
const PERIOD = 5;

/** Milliseconds after which listeners that are not done have failed. */
const LISTENER_DEADLINE = 120_000;

/**
 * Runs `seq N | bcast send` through a hub that is killed and restarted, while two listeners are
 * killed and restarted, too: one writes a file, the other to a pipe. Compares output and input.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { messages, seed } = options;
  const random = new SeededRandom(seed);
  await using folder = await temporaryFolder();
  const hubArgs = [
    "--data",
    `${folder.path}/data`,
    "--history",
    "10000000",
    "--log-level",
    "error",
  ];
  let hub = await startHubProcess(hubArgs);
  const { url } = hub;
  const began = performance.now();
  try {
    const file = new KilledListener(`${folder.path}/file.cursor`, options, random);
    const output = `${folder.path}/output`;
    const pipe = new KilledListener(`${folder.path}/pipe.cursor`, options, random);
    const runs: PipedListener[] = [];
    const common = ["listen", url, "--room", ROOM, "--after", "0", "--format", "{message}"];
    const listening = Promise.all([
      file.run(() => new Program([...common, "--cursor", file.cursor, "--output", output])),
      pipe.run(() => {
        const run = new PipedListener([...common, "--cursor", pipe.cursor]);
        runs.push(run);
        return run;
      }),
    ]);
    // Awaited below.
    listening.catch(() => {});

    await using sender = new Program(["send", "--url", url, "--room", ROOM]);
    const typing = sender.type(numbers(1, messages), { end: true });
    for (let kill = 1; kill <= options.hubKills; kill++) {
      const target = Math.floor(messages * kill / (options.hubKills + 1));
      const seen = await waitForId(url, target);
      // Disposing of it sends SIGKILL.
      await hub.program[Symbol.asyncDispose]();
      options.onProgress?.(`killed the hub after ${seen} messages`);
      hub = await startHubProcess([...hubArgs, "--port", String(new URL(url).port)]);
    }
    await typing;
    const code = await sender.exit();
    const sendSeconds = (performance.now() - began) / 1000;
    options.onProgress?.(`bcast send ended with ${code} after ${sendSeconds.toFixed(1)} s`);
    await listening;
    const written = await Deno.readTextFile(output);
    const piped = pipedViolations(runs.map(({ lines }) => lines), messages);
    return {
      seed,
      messages,
      hubKills: options.hubKills,
      fileKills: file.kills,
      pipeKills: pipe.kills,
      repeats: piped.repeats,
      sendSeconds,
      messagesPerSecond: Math.round(messages / sendSeconds),
      totalSeconds: (performance.now() - began) / 1000,
      violations: [
        ...code === 0 ? [] : [`bcast send ended with ${code}: ${sender.errors}`],
        ...fileViolations(written, messages),
        ...piped.violations,
      ],
    };
  } finally {
    await hub.program[Symbol.asyncDispose]();
  }
}

/** Waits until the room has message `target`; returns the id of its last message. */
async function waitForId(url: string, target: number): Promise<number> {
  await using observer = connect({ url, rooms: [{ room: ROOM, recent: 0 }] });
  for await (const event of observer) {
    const id = event.type === "joined" ? event.last : event.type === "message" ? event.id : 0;
    if (id >= target) return id;
  }
  throw new Error(`The room never had ${target} messages`);
}

/** Checks that a file has one line for each number from 1 to `count`, in order. */
export function fileViolations(text: string, count: number): string[] {
  if (text === numbers(1, count)) return [];
  const lines = text.split("\n");
  const at = lines.findIndex((line, index) => line !== String(index + 1));
  return [`the file has ${lines.length - 1} lines; line ${at + 1} is "${lines[at]}"`];
}

/** Checks that no number is missing from the lines of several runs, and counts repeated ones. */
export function pipedViolations(
  runs: readonly (readonly string[])[],
  count: number,
): { readonly violations: string[]; readonly repeats: number } {
  const violations: string[] = [];
  let next = 1;
  let repeats = 0;
  for (const lines of runs) {
    let before: number | undefined;
    for (const line of lines) {
      const number = Number(line);
      if (before === undefined ? number > next : number !== before + 1) {
        violations.push(`the pipe has ${number} after ${before ?? next - 1}`);
      }
      if (number < next) repeats++;
      before = number;
      next = Math.max(next, number + 1);
    }
  }
  if (next !== count + 1) violations.push(`the pipe ends at ${next - 1}, not ${count}`);
  return { violations, repeats };
}

/** A listener that is killed and restarted until its cursor is at the last message. */
class KilledListener {
  kills = 0;

  constructor(
    readonly cursor: string,
    private readonly options: TortureOptions,
    private readonly random: SeededRandom,
  ) {}

  async run(start: () => TortureListener): Promise<void> {
    const { messages, listenerStride } = this.options;
    const end = performance.now() + LISTENER_DEADLINE;
    while (await this.#position() < messages) {
      const target = await this.#position() + this.random.between(1, listenerStride);
      await using listener = start();
      let ended = false;
      const exit = listener.exit().then(() => ended = true);
      // It may exit by itself while the hub is down.
      while (!ended && await this.#position() < Math.min(target, messages)) {
        if (performance.now() > end) {
          throw new Error(`A listener made no progress: ${listener.errors}`);
        }
        await Promise.race([exit, delay(PERIOD)]);
      }
      if (!ended) {
        listener.kill("SIGKILL");
        this.kills++;
      }
      await exit;
    }
  }

  async #position(): Promise<number> {
    try {
      const state = decodeCursor(await Deno.readTextFile(this.cursor));
      if (typeof state === "string") throw new Error(`The cursor is torn: ${state}`);
      return state.rooms.get(ROOM)?.id ?? 0;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }
}

interface TortureListener extends AsyncDisposable {
  readonly errors: string;
  kill(signal: Deno.Signal): void;
  exit(): Promise<number>;
}

function numbers(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");
}

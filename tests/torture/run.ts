import { delay } from "../../lib/async.ts";
import { connect } from "../../client.ts";
import { decodeCursor } from "../../commands/pipeline/cursor.ts";
import { Chance } from "../chaos/random.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { PipedListener } from "./piped.ts";

/** One run of torture. */
export interface TortureOptions {
  readonly seed: number;
  /** Messages: the numbers from 1 on. */
  readonly messages: number;
  /** How often the hub is killed while they are sent. */
  readonly hubKills: number;
  /** Messages between two kills of a listener, at most. */
  readonly listenerStride: number;
  readonly onProgress?: (line: string) => void;
}

/** What a run came to. */
export interface TortureReport {
  readonly seed: number;
  readonly messages: number;
  readonly hubKills: number;
  /** Listeners that were killed: those with a file, and those on a pipe. */
  readonly fileKills: number;
  readonly pipeKills: number;
  /** Lines that came twice on the pipe, which a kill may cause. */
  readonly repeats: number;
  readonly sendSeconds: number;
  readonly messagesPerSecond: number;
  readonly totalSeconds: number;
  readonly violations: readonly string[];
}

const ROOM = "torture";

/** Milliseconds between two looks at a cursor. */
const PERIOD = 5;

/** Milliseconds after which listeners that got nowhere are a failure. */
const PATIENCE = 120_000;

/**
 * `seq N | bcast send` through a hub that is killed and restarted, while listeners are killed and
 * restarted, one writing a file, the other a pipe. Compares what they wrote with what was sent.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { messages, seed } = options;
  const chance = new Chance(seed);
  await using folder = await temporaryFolder();
  const kept = ["--data", `${folder.path}/data`, "--history", "10000000", "--log-level", "error"];
  let hub = await startHubProcess(kept);
  const { url } = hub;
  const began = performance.now();
  try {
    const file = new Victim(`${folder.path}/file.cursor`, options, chance);
    const output = `${folder.path}/output`;
    const pipe = new Victim(`${folder.path}/pipe.cursor`, options, chance);
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
    // Looked at below.
    listening.catch(() => {});

    await using sender = new Program(["send", "--url", url, "--room", ROOM]);
    const typing = sender.type(numbers(1, messages), { end: true });
    for (let kill = 1; kill <= options.hubKills; kill++) {
      const target = Math.floor(messages * kill / (options.hubKills + 1));
      const seen = await reach(url, target);
      // Which is kill -9.
      await hub.program[Symbol.asyncDispose]();
      options.onProgress?.(`the hub is killed after ${seen} messages`);
      hub = await startHubProcess([...kept, "--port", String(new URL(url).port)]);
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

/** Waits until a message of the room has this id; the id that it has by then. */
async function reach(url: string, target: number): Promise<number> {
  await using observer = connect({ url, rooms: [{ room: ROOM, history: 0 }] });
  for await (const event of observer) {
    const id = event.type === "joined" ? event.last : event.type === "message" ? event.id : 0;
    if (id >= target) return id;
  }
  throw new Error(`The room never had ${target} messages`);
}

/** What is wrong with a file that should hold each of 1 to `count` once, in order, a line each. */
export function fileViolations(text: string, count: number): string[] {
  if (text === numbers(1, count)) return [];
  const lines = text.split("\n");
  const at = lines.findIndex((line, index) => line !== String(index + 1));
  return [`the file has ${lines.length - 1} lines; line ${at + 1} is "${lines[at]}"`];
}

/** What is missing from the lines of several runs, and how many came more than once. */
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

/** A listener that is killed and started anew until its cursor is where everything was read. */
class Victim {
  kills = 0;

  constructor(
    readonly cursor: string,
    private readonly options: TortureOptions,
    private readonly chance: Chance,
  ) {}

  async run(start: () => TortureListener): Promise<void> {
    const { messages, listenerStride } = this.options;
    const end = performance.now() + PATIENCE;
    while (await this.#position() < messages) {
      const target = await this.#position() + this.chance.between(1, listenerStride);
      await using listener = start();
      let ended = false;
      const exit = listener.exit().then(() => ended = true);
      // It may end by itself: there is no hub while that is being killed.
      while (!ended && await this.#position() < Math.min(target, messages)) {
        if (performance.now() > end) {
          throw new Error(`A listener got no further: ${listener.errors}`);
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

/** What a victim must be able to do. */
interface TortureListener extends AsyncDisposable {
  readonly errors: string;
  kill(signal: Deno.Signal): void;
  exit(): Promise<number>;
}

function numbers(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");
}

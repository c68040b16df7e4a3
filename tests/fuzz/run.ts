import { delay } from "../../lib/async.ts";
import { writeAll } from "../../lib/files.ts";
import fc from "fast-check";
import { Program } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { within } from "../kit/wait.ts";
import { type Script, scripts } from "./scripts.ts";

/** How long, and from where. */
export interface FuzzOptions {
  readonly seed: number;
  readonly milliseconds: number;
  /** What is to be told while it goes on. */
  readonly onProgress?: (line: string) => void;
}

/** What came of it. */
export interface FuzzReport {
  /** Rounds of a few clients each. */
  readonly rounds: number;
  readonly clients: number;
  /** Messages of fuzzing clients and of the bystander that the bystander saw. */
  readonly messages: number;
  /** HTTP answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Bytes of memory of the hub: after a quarter of the time, at the end, and at most. */
  readonly memory: { readonly early: number; readonly end: number; readonly peak: number };
  /** What was wrong, with what repeats it; `undefined` when nothing was. */
  readonly failure: string | undefined;
}

/** Milliseconds that a client waits for the hub when it waits at all: most of them get no answer. */
const WAIT = 20;

/**
 * Lets random clients at a hub (a process of its own) and looks after each round whether a
 * bystander still has everything, whether the hub lives, and whether it logged an error.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  await using hub = new Program([
    ...["start", "--memory", "--host", "127.0.0.1", "--port", "0", "--tcp", "0", "--quiet"],
    ...["--history", "500", "--log-level", "error"],
  ]);
  const [url = ""] = await hub.line(/ws:\/\/127\.0\.0\.1:\d+\//);
  const [, tcp] = await hub.line(/tcp:\/\/127\.0\.0\.1:(\d+)/);
  const ports = { http: Number(new URL(url).port), tcp: Number(tcp) };
  const bystander = await Bystander.join(url);
  const statuses: Record<string, number> = {};
  const begun = performance.now();
  let [rounds, clients, early, told] = [0, 0, 0, begun];

  const result = await fc.check(
    fc.asyncProperty(scripts, async (round) => {
      const before = hub.errors.length;
      const answers = await Promise.all(round.map((script) => play(script, url, ports)));
      for (const status of answers.flat()) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status.startsWith("5")) throw new Error(`The hub answered ${status}`);
      }
      await bystander.look();
      // What an earlier round caused is no reason to blame a smaller one.
      const errors = hub.errors.slice(before);
      if (errors !== "") throw new Error(`The hub logged: ${errors.slice(0, 2000)}`);
      rounds++;
      clients += round.length;
      const now = performance.now();
      if (early === 0 && now - begun > options.milliseconds / 4) early = memory(hub.pid).now;
      if (now - told > 10_000) {
        told = now;
        const mib = Math.round(memory(hub.pid).now / 1024 / 1024);
        options.onProgress?.(`${rounds} rounds, ${bystander.seen} messages, ${mib} MiB`);
      }
    }),
    {
      seed: options.seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: options.milliseconds,
      markInterruptAsFailure: false,
    },
  );
  const { now: end, peak } = memory(hub.pid);
  await bystander.leave();
  const failure = result.failed
    ? `${result.errorInstance}\n${fc.defaultReportMessage(result)}`
    : undefined;
  return {
    ...{ rounds, clients, statuses, failure },
    messages: bystander.seen,
    memory: { early, end, peak },
  };
}

/** Somebody who only wants to talk, and to see everything that is said. */
class Bystander {
  #last = 0;
  #count = 0;

  private constructor(private readonly socket: TestSocket) {}

  static async join(url: string): Promise<Bystander> {
    const [socket] = await TestSocket.v1(url, { sender: "Bystander", rooms: [{ room: "lobby" }] });
    return new Bystander(socket);
  }

  /** Messages seen so far. */
  get seen(): number {
    return this.#last;
  }

  /** Says something, and checks that everything up to it has come, in order. */
  async look(): Promise<void> {
    const message = `still here ${++this.#count}`;
    this.socket.send({ type: "message", room: "lobby", message, ref: this.#count });
    for (;;) {
      const next = await this.socket.next("message", ({ room }) => room === "lobby");
      if (next["id"] !== ++this.#last) {
        throw new Error(`The bystander got ${next["id"]} in place of ${this.#last}`);
      }
      if (next["sender"] === "Bystander" && next["message"] === message) break;
    }
    this.socket.forget();
  }

  async leave(): Promise<void> {
    await this.socket.close();
  }
}

/** Plays one client; the HTTP statuses that it got. */
async function play(
  script: Script,
  url: string,
  ports: { readonly http: number; readonly tcp: number },
): Promise<string[]> {
  if (script.kind === "bytes") {
    const text = await playBytes(script, ports[script.port]);
    if (script.port === "tcp") return [];
    return [...text.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => status ?? "");
  }
  const socket = new WebSocket(url + script.query, script.protocol ?? []);
  const ended = new Promise<void>((resolve) => {
    socket.addEventListener("close", () => resolve());
    socket.addEventListener("error", (event) => (event.preventDefault(), resolve()));
  });
  const open = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
  await within(Promise.race([open, ended]), "a WebSocket that is open or refused");
  for (const frame of script.frames) {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame);
  }
  if (script.end === "wait") await Promise.race([ended, delay(WAIT)]);
  if (socket.readyState < WebSocket.CLOSING) socket.close();
  await within(ended, "the end of a WebSocket");
  return [];
}

async function playBytes(
  { pieces, end }: Extract<Script, { kind: "bytes" }>,
  port: number,
): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  let text = "";
  const reading = readAll(conn, (part) => text += part);
  try {
    for (const piece of pieces) await writeAll(conn, piece);
    if (end === "half") await conn.closeWrite();
  } catch (error) {
    // The hub has had enough.
    if (!isBroken(error)) throw error;
  }
  if (end !== "close") await Promise.race([reading, delay(WAIT)]);
  conn.close();
  await reading;
  return text;
}

async function readAll(conn: Deno.Conn, onText: (text: string) => void): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      onText(new TextDecoder("latin1").decode(buffer.subarray(0, count)));
    }
  } catch (error) {
    if (!isBroken(error)) throw error;
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.NotConnected;
}

/** Bytes of memory of a process; 0 where the system does not tell. */
function memory(pid: number): { readonly now: number; readonly peak: number } {
  if (Deno.build.os !== "linux") return { now: 0, peak: 0 };
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const read = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

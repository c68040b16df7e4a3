import { settledWithin } from "../../lib/async.ts";
import { writeAll } from "../../lib/files.ts";
import fc from "fast-check";
import { FrameChecker } from "../kit/frame_checker.ts";
import { Program } from "../kit/process.ts";
import { isDisconnect } from "../kit/raw_http.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { within } from "../kit/wait.ts";
import { type Script, scripts } from "./scripts.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly milliseconds: number;
  readonly onProgress?: (line: string) => void;
}

export interface FuzzReport {
  /** Rounds of a few clients each. */
  readonly rounds: number;
  readonly clients: number;
  /** Messages that the bystander received. */
  readonly messages: number;
  /** Number of HTTP responses by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Memory of the hub in bytes: after a quarter of the time, at the end, and the maximum. */
  readonly memory: { readonly early: number; readonly end: number; readonly peak: number };
  /** The failure and how to repeat it, if there was one. */
  readonly failure: string | undefined;
}

/** Milliseconds that a client waits for the hub; most clients get no response. */
const WAIT = 20;

/**
 * Runs random clients against a hub process. After each round a bystander must have received every
 * message, and the hub must be alive and have logged no error.
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
  let [rounds, clients, early, reported] = [0, 0, 0, begun];

  const result = await fc.check(
    fc.asyncProperty(scripts, async (round) => {
      const before = hub.errors.length;
      const answers = await Promise.all(round.map((script) => run(script, url, ports)));
      for (const status of answers.flat()) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status.startsWith("5")) throw new Error(`The hub answered ${status}`);
      }
      await bystander.check();
      // Errors of an earlier round must not fail the smaller rounds that follow while shrinking.
      const errors = hub.errors.slice(before);
      if (errors !== "") throw new Error(`The hub logged: ${errors.slice(0, 2000)}`);
      rounds++;
      clients += round.length;
      const now = performance.now();
      if (early === 0 && now - begun > options.milliseconds / 4) early = memory(hub.pid).now;
      if (now - reported > 10_000) {
        reported = now;
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

/** A well-behaved client, which must receive every message, and only valid frames. */
class Bystander {
  readonly #frames = new FrameChecker();
  #last = 0;
  #count = 0;

  private constructor(private readonly socket: TestSocket) {}

  static async join(url: string): Promise<Bystander> {
    const [socket] = await TestSocket.v1(url, { sender: "Bystander", rooms: [{ room: "lobby" }] });
    return new Bystander(socket);
  }

  get seen(): number {
    return this.#last;
  }

  /** Sends a message, and checks that all messages up to it arrive in order. */
  async check(): Promise<void> {
    const message = `still here ${++this.#count}`;
    this.socket.send({ type: "message", room: "lobby", message, ref: this.#count });
    for (;;) {
      const next = await this.socket.next("message", ({ room }) => room === "lobby");
      if (next["id"] !== ++this.#last) {
        throw new Error(`The bystander got ${next["id"]} instead of ${this.#last}`);
      }
      if (next["sender"] === "Bystander" && next["message"] === message) break;
    }
    for (const text of this.socket.frames) this.#frames.check(text);
    const [problem] = this.#frames.problems;
    if (problem !== undefined) throw new Error(`The bystander got ${problem}`);
    this.socket.forget();
  }

  async leave(): Promise<void> {
    await this.socket.close();
  }
}

/** Runs one client; returns the HTTP statuses that it received. */
async function run(
  script: Script,
  url: string,
  ports: { readonly http: number; readonly tcp: number },
): Promise<string[]> {
  if (script.kind === "bytes") {
    const text = await sendBytes(script, ports[script.port]);
    if (script.port === "tcp") return [];
    return [...text.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => status ?? "");
  }
  const socket = new WebSocket(url + script.query, script.protocol ?? []);
  const ended = new Promise<void>((resolve) => {
    socket.addEventListener("close", () => resolve());
    socket.addEventListener("error", (event) => (event.preventDefault(), resolve()));
  });
  const open = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
  await within(Promise.race([open, ended]), "a WebSocket that is open or rejected");
  for (const frame of script.frames) {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame);
  }
  if (script.end === "wait") await settledWithin(ended, WAIT);
  if (socket.readyState < WebSocket.CLOSING) socket.close();
  await within(ended, "the end of a WebSocket");
  return [];
}

async function sendBytes(
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
    // The hub has closed the connection.
    if (!isDisconnect(error)) throw error;
  }
  if (end !== "close") await settledWithin(reading, WAIT);
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
    if (!isDisconnect(error)) throw error;
  }
}

/** Memory of a process in bytes; 0 where there is no `/proc`. */
function memory(pid: number): { readonly now: number; readonly peak: number } {
  if (Deno.build.os !== "linux") return { now: 0, peak: 0 };
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const read = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

import { CliError } from "../../cli/errors.ts";
import type { Clock } from "../../client.ts";
import { safeJson, visible } from "../../protocol.ts";
import { type EnvVariables, messageEnvironment } from "./child_environment.ts";
import type { ReceivedMessage } from "./follow.ts";
import { extendVia } from "./via.ts";

/** How a command ended. */
export interface CommandResult {
  readonly ok: boolean;
  /** A verb phrase: "ended with exit code 3". */
  readonly description: string;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Pass the whole message as JSON on standard input, rather than its text. */
  readonly json: boolean;
  /** Environment variables for every command, besides those of its message. */
  readonly env: EnvVariables;
  /** The identifier of this program in the `via` of messages that the commands send. */
  readonly id: string;
  /** The longest run of a command, in milliseconds; 0 for no limit. */
  readonly timeout: number;
  readonly clock: Clock;
}

/** Milliseconds between SIGTERM and SIGKILL, for a command that runs too long. */
const GRACE = 5000;

/** Runs a command line once per message. */
export class ChildRunner {
  readonly #running = new Set<Deno.ChildProcess>();

  constructor(private readonly options: ChildOptions) {}

  /**
   * Runs the command for a message.
   *
   * @throws {CliError} when the command cannot be started.
   */
  async run(received: ReceivedMessage): Promise<CommandResult> {
    const child = this.#spawn(received);
    this.#running.add(child);
    const limit = this.#limit(child);
    const ended = new AbortController();
    const { message } = received;
    const input = writeInput(
      child,
      this.options.json ? safeJson(message) : message.message ?? JSON.stringify(message.data) ?? "",
      ended.signal,
    );
    // Awaited below, when the command has ended.
    input.catch(() => {});
    try {
      const { success, code, signal } = await child.status;
      if (limit.exceeded()) {
        return { ok: false, description: `did not end within ${this.options.timeout / 1000} s` };
      }
      const description = signal === null
        ? `ended with exit code ${code}`
        : `was ended by ${signal}`;
      return { ok: success, description };
    } finally {
      this.#running.delete(child);
      limit[Symbol.dispose]();
      // A process that it left behind may hold its input open without reading it.
      ended.abort();
      await input;
    }
  }

  /** Kills all running commands and the processes they started. */
  kill(): void {
    for (const child of this.#running) signalGroup(child, "SIGKILL");
  }

  /** Ends the command at its time limit: first with SIGTERM, then with SIGKILL. */
  #limit(child: Deno.ChildProcess): Disposable & { readonly exceeded: () => boolean } {
    const { timeout, clock } = this.options;
    let exceeded = false;
    let cancel = timeout === 0 ? undefined : clock.after(timeout, () => {
      exceeded = true;
      signalGroup(child, "SIGTERM");
      cancel = clock.after(GRACE, () => signalGroup(child, "SIGKILL"));
    });
    return {
      exceeded: () => exceeded,
      [Symbol.dispose]() {
        cancel?.();
        // Processes that it started may still run.
        if (exceeded) signalGroup(child, "SIGKILL");
      },
    };
  }

  #spawn(received: ReceivedMessage): Deno.ChildProcess {
    const { command, args, env, id } = this.options;
    try {
      return new Deno.Command(command, {
        args: [...args],
        env: { ...env, ...messageEnvironment(received, extendVia(received.message.via, id)) },
        stdin: "piped",
        stdout: "inherit",
        stderr: "inherit",
        // In a process group of its own, so that all of it can be killed. Windows has no groups, and
        // a detached process there has no console.
        detached: Deno.build.os !== "windows",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof Deno.errors.NotFound
        ? "command not found"
        : error instanceof Deno.errors.PermissionDenied
        ? "permission denied"
        : error.message;
      throw new CliError(`Cannot run ${visible(command)}: ${why}`, undefined, {
        cause: error,
      });
    }
  }
}

/** Signals a command and its whole process group. */
function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    if (Deno.build.os === "windows") child.kill(signal);
    else Deno.kill(-child.pid, signal);
  } catch (error) {
    // Already ended: the system reports NotFound, the runtime a TypeError.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

/** Writes a line to the command's input, until `signal` reports that the command has ended. */
async function writeInput(
  child: Deno.ChildProcess,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const input = ReadableStream.from([new TextEncoder().encode(text + "\n")]);
    await input.pipeTo(child.stdin, { signal });
  } catch (error) {
    // A command may ignore its input.
    if (!signal.aborted && !(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

import { CliError } from "../../cli/errors.ts";
import type { Clock } from "../../client.ts";
import { safeJson, visible } from "../../protocol.ts";
import { type CommandMessage, environmentOf, type EnvVariables } from "./child_environment.ts";
import { extendVia } from "./via.ts";

/** How a command ended. */
export interface Ending {
  readonly ok: boolean;
  /** In words, to go on after the command's name: "ended with exit code 3". */
  readonly how: string;
}

/** What running commands takes. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Whether a command is given the whole message as JSON, rather than its text. */
  readonly json: boolean;
  /** What every command finds in its environment, beside its message. */
  readonly env: EnvVariables;
  /** The identifier of this program in the `via` of what the commands send. */
  readonly id: string;
  /** Milliseconds that a command may run; 0 for no limit. */
  readonly timeout: number;
  readonly clock: Clock;
}

/** Milliseconds between the request to end and the end, for a command that runs too long. */
const GRACE = 5000;

/** Runs one command line again and again, each time for one message. */
export class ChildRunner {
  readonly #running = new Set<Deno.ChildProcess>();

  constructor(private readonly options: ChildOptions) {}

  /**
   * Runs the command for a message. Rejects when there is nothing to run.
   *
   * @throws {CliError} when there is no such command.
   */
  async run(said: CommandMessage): Promise<Ending> {
    const child = this.#spawn(said);
    this.#running.add(child);
    const limit = this.#limit(child);
    const ended = new AbortController();
    const fed = feed(
      child,
      this.options.json ? safeJson(said.message) : textOf(said),
      ended.signal,
    );
    // Looked at when the command has ended.
    fed.catch(() => {});
    try {
      const { success, code, signal } = await child.status;
      if (limit.passed()) {
        return { ok: false, how: `did not end within ${this.options.timeout / 1000} s` };
      }
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      return { ok: success, how };
    } finally {
      this.#running.delete(child);
      limit[Symbol.dispose]();
      // What it left running may hold its input open, and never read it.
      ended.abort();
      await fed;
    }
  }

  /** Ends what runs, with everything that it has started, whether it wants to or not. */
  kill(): void {
    for (const child of this.#running) signalGroup(child, "SIGKILL");
  }

  /** Asks the command to end when its time is over, and kills it some time later. */
  #limit(child: Deno.ChildProcess): Disposable & { readonly passed: () => boolean } {
    const { timeout, clock } = this.options;
    let passed = false;
    let cancel = timeout === 0 ? undefined : clock.after(timeout, () => {
      passed = true;
      signalGroup(child, "SIGTERM");
      cancel = clock.after(GRACE, () => signalGroup(child, "SIGKILL"));
    });
    return {
      passed: () => passed,
      [Symbol.dispose]() {
        cancel?.();
        // What it has started may not have ended with it.
        if (passed) signalGroup(child, "SIGKILL");
      },
    };
  }

  #spawn(said: CommandMessage): Deno.ChildProcess {
    const { command, args, env, id } = this.options;
    try {
      return new Deno.Command(command, {
        args: [...args],
        env: { ...env, ...environmentOf(said, extendVia(said.message.via, id)) },
        stdin: "piped",
        stdout: "inherit",
        stderr: "inherit",
        // A process group of its own: so all of it can be killed. Windows has none, and a detached
        // process there has no console.
        detached: Deno.build.os !== "windows",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof Deno.errors.NotFound
        ? "there is no such command, or no such folder"
        : error instanceof Deno.errors.PermissionDenied
        ? "it may not be executed"
        : error.message;
      throw new CliError(`Cannot run ${visible(command)}: ${why}`, undefined, {
        cause: error,
      });
    }
  }
}

/** Sends a signal to a command and to everything in its process group. */
function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    if (Deno.build.os === "windows") child.kill(signal);
    else Deno.kill(-child.pid, signal);
  } catch (error) {
    // All of it has ended by itself: the system says the one, the runtime the other.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

/** The text of a message; its data, as JSON, where it has no text. */
function textOf({ message: { message, data } }: CommandMessage): string {
  return message ?? JSON.stringify(data) ?? "";
}

/** Gives the command its input, until `signal` says that it has ended. */
async function feed(child: Deno.ChildProcess, text: string, signal: AbortSignal): Promise<void> {
  try {
    const input = ReadableStream.from([new TextEncoder().encode(text + "\n")]);
    await input.pipeTo(child.stdin, { signal });
  } catch (error) {
    // A command need not read what it is given.
    if (!signal.aborted && !(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

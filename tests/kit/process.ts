/**
 * Runs the program as a child process. `BCAST_TEST_COMMAND` names an executable to test instead of
 * the sources.
 */

/** Milliseconds after which waiting for a line has failed. */
const LINE_DEADLINE = 30_000;

/** A directory that does not exist, to keep the configuration of this machine out of tests. */
export const NOWHERE = "/nowhere/of/bcast";

const MAIN = new URL("../../main.ts", import.meta.url);

/** The command that runs the program, without its own arguments. */
export function programCommand(): readonly [string, ...string[]] {
  const executable = Deno.env.get("BCAST_TEST_COMMAND");
  if (executable !== undefined) return [executable];
  return [Deno.execPath(), "run", "--no-check", "-A", MAIN.href];
}

/** Writes a command `bcast` that runs the program under test to `folder`; returns a `PATH` with it. */
export async function bcastOnPath(folder: string): Promise<string> {
  const words = programCommand().map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${folder}/bcast`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return `${folder}:${Deno.env.get("PATH") ?? ""}`;
}

/** A running program. Disposing of it kills it (SIGKILL). */
export class Program implements AsyncDisposable {
  /** Lines of standard output so far. */
  readonly lines: string[] = [];
  /** Standard error so far. */
  errors = "";
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<unknown>;
  #read = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param prefix a command that runs its arguments, such as `nice`. */
  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    prefix: readonly string[] = [],
  ) {
    const [command = "", ...first] = [...prefix, ...programCommand()];
    this.#child = new Deno.Command(command, {
      args: [...first, ...args],
      env: { XDG_CONFIG_HOME: NOWHERE, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#readers = Promise.all([this.#readLines(), this.#readErrors()]);
  }

  /** The next line of standard output that matches. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#missing(pattern)), LINE_DEADLINE);
    try {
      for (;;) {
        while (this.#read < this.lines.length) {
          const found = pattern.exec(this.lines[this.#read++] ?? "");
          if (found !== null) return found;
        }
        if (this.#ended) throw this.#missing(pattern);
        const woken = new Promise<void>((resolve) => this.#wake = resolve);
        await Promise.race([woken, late]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes to standard input, and closes it with `end`. */
  async type(
    input: string | Uint8Array,
    options: { readonly end?: boolean } = {},
  ): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    if (options.end) await writer.close();
    else writer.releaseLock();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for the exit; returns its code, or 128 plus the signal's number. */
  async exit(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#readers;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has already exited.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.exit();
    await this.#child.stdin.close().catch(() => {
      // Closed by the test, or with the program.
    });
  }

  #missing(pattern: RegExp): Error {
    const lines = this.lines.slice(-10).join("\n");
    return new Error(
      `No line like ${pattern}; standard output:\n${lines}\nerrors:\n${this.errors}`,
    );
  }

  async #readLines(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
      this.#wake?.();
    }
    if (rest !== "") this.lines.push(rest);
    this.#ended = true;
    this.#wake?.();
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.errors += text;
    }
  }
}

/** Starts a hub process, and waits until it listens; by default on a free port. */
export async function startHubProcess(
  args: readonly string[],
  options: { readonly port?: number; readonly env?: Record<string, string> } = {},
): Promise<{ readonly program: Program; readonly url: string }> {
  const { port = 0, env = {} } = options;
  const program = new Program(
    ["start", "--host", "127.0.0.1", "--port", String(port), ...args],
    env,
  );
  try {
    const [url = ""] = await program.line(/ws:\/\/127\.0\.0\.1:\d+\/?/);
    return { program, url };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

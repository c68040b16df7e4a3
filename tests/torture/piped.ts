import { programCommand } from "../kit/process.ts";

/** The program with its standard output on a pipe; an unfinished last line is dropped. */
export class PipedListener implements AsyncDisposable {
  /** Complete lines: a line cut short by a kill is printed again by the next run. */
  lines: readonly string[] = [];
  errors = "";
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<number>;

  constructor(args: readonly string[]) {
    const [command, ...first] = programCommand();
    this.#child = new Deno.Command(command, {
      args: [...first, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#read();
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  exit(): Promise<number> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has already exited.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#ended;
  }

  async #read(): Promise<number> {
    const [output, errors, { code }] = await Promise.all([
      new Response(this.#child.stdout).text(),
      new Response(this.#child.stderr).text(),
      this.#child.status,
    ]);
    this.lines = output.split("\n").slice(0, -1);
    this.errors = errors;
    return code;
  }
}

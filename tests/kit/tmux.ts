import { NOWHERE } from "./process.ts";
import { until } from "./wait.ts";

const decoder = new TextDecoder();

/** Whether tmux is not installed; prints a warning if so. */
export function tmuxIsMissing(): boolean {
  try {
    return !new Deno.Command("tmux", { args: ["-V"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a skipped test must not look like a passed one
    console.warn("SKIPPED: tests in a real terminal, because tmux is not installed");
    return true;
  }
}

/** A real terminal with a shell, in a separate tmux server. */
export class Tmux implements AsyncDisposable {
  readonly #socket = `bcast-${crypto.randomUUID()}`;

  private constructor() {}

  static async open(
    options: {
      readonly columns: number;
      readonly rows: number;
      readonly env: Record<string, string>;
      readonly shell?: string;
    },
  ): Promise<Tmux> {
    const terminal = new Tmux();
    const { columns, rows, env, shell = "sh" } = options;
    await terminal.#run([
      ...["-f", "/dev/null", "new-session", "-d", "-x", String(columns), "-y", String(rows)],
      ...Object.entries({ XDG_CONFIG_HOME: NOWHERE, ...env, LC_ALL: "C.UTF-8" })
        .flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      shell,
    ]);
    await terminal.#run(["select-pane", "-T", "untouched"]);
    // Shells do not read their prompt from the environment.
    await terminal.shows(/[#$%>]$/);
    await terminal.type("PS1='READY '");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    await terminal.clear();
    return terminal;
  }

  /** Clears the screen of an idle shell, so that the next wait cannot match old text. */
  async clear(): Promise<void> {
    await this.type("clear");
    await this.press("Enter");
    await this.shows(/^READY$/);
  }

  async type(text: string): Promise<void> {
    await this.#run(["send-keys", "-l", text]);
  }

  /** Presses keys, named as in tmux: `Enter`, `C-c`, `Left`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#run(["send-keys", ...keys]);
  }

  /** Pastes text, bracketed if the program has enabled that. */
  async paste(text: string): Promise<void> {
    await this.#run(["set-buffer", text]);
    await this.#run(["paste-buffer", "-p"]);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#run(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** Records all further output to a file. */
  async record(path: string): Promise<void> {
    await this.#run(["pipe-pane", `cat >> '${path}'`]);
  }

  /** The screen, with the escape sequences of its colours. */
  async colors(): Promise<string> {
    return await this.#run(["capture-pane", "-p", "-e"]);
  }

  /** The screen, without the scrollback. */
  async screen(): Promise<string> {
    return (await this.#run(["capture-pane", "-p"])).trimEnd();
  }

  /** The scrollback and the screen. */
  async everything(): Promise<string> {
    return (await this.#run(["capture-pane", "-p", "-S", "-"])).trimEnd();
  }

  /** The column of the cursor, from 0. */
  async column(): Promise<number> {
    return Number(await this.#run(["display-message", "-p", "#{cursor_x}"]));
  }

  /** The row of the cursor, from 0. */
  async row(): Promise<number> {
    return Number(await this.#run(["display-message", "-p", "#{cursor_y}"]));
  }

  /** The title; "untouched" unless the program has set one. */
  async title(): Promise<string> {
    return (await this.#run(["display-message", "-p", "#{pane_title}"])).trimEnd();
  }

  /** Waits until the screen matches. */
  async shows(pattern: RegExp): Promise<string> {
    let last = "";
    try {
      return await until(`${pattern} on the terminal`, async () => {
        last = await this.screen();
        return pattern.test(last) ? last : undefined;
      });
    } catch (error) {
      throw new Error(`The terminal shows no ${pattern}, but:\n${last}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run(["kill-server"]);
  }

  async #run(args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-L", this.#socket, ...args],
      env: { TMUX: "" },
    }).output();
    if (!success) throw new Error(`tmux ${args.join(" ")}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }
}

import { NOWHERE } from "./process.ts";
import { until } from "./wait.ts";

const decoder = new TextDecoder();

/** Whether there is a tmux to test with; says so loudly where there is none. */
export function tmuxIsMissing(): boolean {
  try {
    return !new Deno.Command("tmux", { args: ["-V"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- nobody shall believe that this was tested
    console.warn("SKIPPED: tests in a real terminal, because tmux is not installed");
    return true;
  }
}

/** A real terminal, with a shell in it, in a tmux server of its own. */
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
    // Shells do not take their prompt from the environment.
    await terminal.shows(/[#$%>]$/);
    await terminal.type("PS1='READY '");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    await terminal.clear();
    return terminal;
  }

  /** Empties the screen of a waiting shell: what is waited for next cannot be what was there. */
  async clear(): Promise<void> {
    await this.type("clear");
    await this.press("Enter");
    await this.shows(/^READY$/);
  }

  /** Types text. */
  async type(text: string): Promise<void> {
    await this.#run(["send-keys", "-l", text]);
  }

  /** Presses keys by tmux's names: `Enter`, `C-c`, `Left`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#run(["send-keys", ...keys]);
  }

  /** Pastes text, between brackets where the program asked for them. */
  async paste(text: string): Promise<void> {
    await this.#run(["set-buffer", text]);
    await this.#run(["paste-buffer", "-p"]);
  }

  /** Gives the terminal another size. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#run(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** Keeps every byte that is written to the terminal from now on in a file. */
  async record(path: string): Promise<void> {
    await this.#run(["pipe-pane", `cat >> '${path}'`]);
  }

  /** What is on the screen, with the sequences of its colours. */
  async colors(): Promise<string> {
    return await this.#run(["capture-pane", "-p", "-e"]);
  }

  /** What is on the screen; what scrolled off is not. */
  async screen(): Promise<string> {
    return (await this.#run(["capture-pane", "-p"])).trimEnd();
  }

  /** What is on the screen, and before it what scrolled off. */
  async everything(): Promise<string> {
    return (await this.#run(["capture-pane", "-p", "-S", "-"])).trimEnd();
  }

  /** Where the cursor is, from the left. */
  async column(): Promise<number> {
    return Number(await this.#run(["display-message", "-p", "#{cursor_x}"]));
  }

  /** Where the cursor is, from the top. */
  async row(): Promise<number> {
    return Number(await this.#run(["display-message", "-p", "#{cursor_y}"]));
  }

  /** Its title, which is "untouched" unless somebody set another. */
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

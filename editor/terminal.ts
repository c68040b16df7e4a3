import { getLogger } from "@logtape/logtape";
import { terminalSize } from "../render/terminal_size.ts";

const logger = getLogger(["bcast", "client"]);

/** Changes of a terminal, or of the program's place in it. */
export interface TerminalEvents {
  resized(): void;
  /** Another program asks this one to suspend, as Ctrl-Z does. */
  stopping(): void;
  /** The program was resumed; the screen may show anything. */
  continued(): void;
  /** The program is about to end with an error, which it will print. */
  failing(): void;
}

export interface Terminal {
  readonly size: { readonly columns: number; readonly rows: number };
  /** Keys arrive as they are pressed, and pasted text in brackets. */
  enterRawMode(): void;
  /** Undoes {@linkcode enterRawMode}. May be called at any time. */
  restore(): void;
  write(text: string): void;
  /** The next input; `undefined` when the terminal is gone. */
  read(): Promise<Uint8Array | undefined>;
  /** Whether a shell could resume the program. */
  canSuspend(): Promise<boolean>;
  /** Suspends the process group; resolves when it is resumed. */
  suspend(): Promise<void>;
  /** Reports changes until disposed. */
  watch(events: TerminalEvents): Disposable;
}

/** Bracketed paste. */
export const ENTER_RAW_MODE = "\x1b[?2004h";
/** No bracketed paste, no synchronized output, the cursor visible, no colours. */
export const RESTORE = "\x1b[?2004l\x1b[?2026l\x1b[?25h\x1b[m";

/**
 * Asks for the background (OSC 11), and then for the attributes, which every terminal reports (DA1):
 * if only these come, no other answer will follow.
 */
export const QUERY_BACKGROUND = "\x1b]11;?\x07\x1b[c";

/** Events of uncaught errors. */
const FAILURES = ["error", "unhandledrejection"] as const;
/** Milliseconds until a busy terminal is tried again. */
const BUSY_MS = 5;
/** Bytes to read at a time. */
const CHUNK = 64 * 1024;

/** The terminal of this process. */
export class SystemTerminal implements Terminal {
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #encoder = new TextEncoder();
  /** Never changes; only to wait on. */
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  #isRaw = false;
  #gone = false;
  /** Restores the terminal however the program ends. */
  readonly #atExit = (): void => this.restore();

  get size(): Terminal["size"] {
    return terminalSize();
  }

  enterRawMode(): void {
    this.#setRaw(true);
    this.write(ENTER_RAW_MODE);
    if (!this.#isRaw) addEventListener("unload", this.#atExit);
    this.#isRaw = true;
  }

  restore(): void {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    removeEventListener("unload", this.#atExit);
    this.write(RESTORE);
    this.#setRaw(false);
  }

  /** Writes synchronously: nothing else could be shown meanwhile. */
  write(text: string): void {
    if (this.#gone) return;
    try {
      let rest = this.#encoder.encode(text);
      while (rest.length > 0) rest = rest.subarray(this.#writeSome(rest));
    } catch (error) {
      // The read fails as well, which ends the program.
      this.#gone = true;
      logger.debug("Cannot write to the terminal: {error}", { error });
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        const read = await Deno.stdin.read(this.#buffer);
        return read === null ? undefined : this.#buffer.subarray(0, read);
      } catch (error) {
        if (error instanceof Deno.errors.Interrupted) continue;
        logger.debug("Cannot read from the terminal: {error}", { error });
        return undefined;
      }
    }
  }

  async canSuspend(): Promise<boolean> {
    if (Deno.build.os === "windows") return false;
    try {
      const { success, stdout } = await new Deno.Command("ps", {
        args: ["-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "tty="],
        stdin: "null",
        stderr: "null",
      }).output();
      return success && hasJobControl(new TextDecoder().decode(stdout), Deno.pid);
    } catch (error) {
      logger.debug("Cannot check for job control: {error}", { error });
      return false;
    }
  }

  async suspend(): Promise<void> {
    const { promise: continued, resolve } = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGCONT", resolve);
    try {
      // The whole group, as the terminal would: there may be a program between this one and the
      // shell. It could ignore SIGTSTP, but not SIGSTOP.
      Deno.kill(0, "SIGSTOP");
      await continued;
    } finally {
      Deno.removeSignalListener("SIGCONT", resolve);
    }
  }

  watch({ resized, stopping, continued, failing }: TerminalEvents): Disposable {
    // Windows has none of these; there, the size is checked whenever something is drawn.
    const listeners: readonly (readonly [Deno.Signal, () => void])[] = Deno.build.os === "windows"
      ? []
      : [
        ["SIGWINCH", () => resized()],
        ["SIGTSTP", () => stopping()],
        ["SIGCONT", () => continued()],
      ];
    for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
    const fail = (): void => failing();
    for (const name of FAILURES) addEventListener(name, fail);
    return {
      [Symbol.dispose]() {
        for (const name of FAILURES) removeEventListener(name, fail);
        for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
      },
    };
  }

  #writeSome(bytes: Uint8Array): number {
    try {
      return Deno.stdout.writeSync(bytes);
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      // Another program has made this terminal non-blocking.
      Atomics.wait(this.#pause, 0, 0, BUSY_MS);
      return 0;
    }
  }

  #setRaw(raw: boolean): void {
    try {
      Deno.stdin.setRaw(raw);
    } catch (error) {
      logger.debug("Cannot change the mode of the terminal: {error}", { error });
    }
  }
}

/**
 * Whether a process group can be resumed once it is stopped: one of its processes has a parent
 * outside the group, in the same session (POSIX calls other groups orphaned and does not stop them).
 * A terminal belongs to one session, so comparing terminals is enough.
 *
 * @param table the output of `ps`: process, parent, group and terminal.
 */
export function hasJobControl(table: string, pid: number): boolean {
  const processes = new Map(
    table.trim().split("\n").map((line) => {
      const [id, parent, group, tty = ""] = line.trim().split(/\s+/);
      return [Number(id), { parent: Number(parent), group: Number(group), tty }] as const;
    }),
  );
  const own = processes.get(pid);
  for (let at = own, steps = 0; own && at && steps < processes.size; steps++) {
    const parent = processes.get(at.parent);
    if (parent === undefined || parent.tty !== own.tty || own.tty.startsWith("?")) return false;
    if (parent.group !== own.group) return true;
    at = parent;
  }
  return false;
}

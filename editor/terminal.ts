import { getLogger } from "@logtape/logtape";

const logger = getLogger(["bcast", "client"]);

/** What happens to a terminal, or to the program in it. */
export interface TerminalEvents {
  /** It has another size. */
  resized(): void;
  /** Somebody else asks the program to stop, as Ctrl-Z does. */
  stopping(): void;
  /** The program goes on after it was stopped; the screen may show anything. */
  continued(): void;
  /** The program is about to end because of an error, which it will tell of. */
  failing(): void;
}

/** A terminal. */
export interface Terminal {
  readonly size: { readonly columns: number; readonly rows: number };
  /** From now on keys come as they are pressed, and what is pasted comes in brackets. */
  enterRawMode(): void;
  /** Back to how it was. May be called at any time. */
  restore(): void;
  write(text: string): void;
  /** What was typed; `undefined` when the terminal is gone. */
  read(): Promise<Uint8Array | undefined>;
  /** Whether there is somebody who could let a stopped program go on: a shell. */
  canSuspend(): Promise<boolean>;
  /** Stops the program and what was started with it; returns when it goes on. */
  suspend(): Promise<void>;
  /** Tells of what happens until disposed. */
  watch(events: TerminalEvents): Disposable;
}

/** Bracketed paste. */
export const ENTER_RAW_MODE = "\x1b[?2004h";
/** No bracketed paste, no synchronized output, the cursor visible, no colours. */
export const RESTORE = "\x1b[?2004l\x1b[?2026l\x1b[?25h\x1b[m";

/**
 * Asks for the background (OSC 11), and then for what every terminal tells (DA1): where that answer
 * comes alone, nobody has to wait for the other.
 */
export const QUERY_BACKGROUND = "\x1b]11;?\x07\x1b[c";

/** Events of errors that nobody caught. */
const FAILURES = ["error", "unhandledrejection"] as const;
const FALLBACK = { columns: 80, rows: 24 };
/** Milliseconds until a terminal that takes no more is tried again. */
const BUSY_MS = 5;
/** Bytes read at a time. */
const CHUNK = 64 * 1024;

/** The terminal that the program runs in. */
export class SystemTerminal implements Terminal {
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #encoder = new TextEncoder();
  /** Never changes: to wait on. */
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  #taken = false;
  #gone = false;
  /** However the program ends, the terminal is given back. */
  readonly #atExit = (): void => this.restore();

  get size(): Terminal["size"] {
    try {
      const { columns, rows } = Deno.consoleSize();
      // Terminals that do not know their size say 0.
      return { columns: columns || FALLBACK.columns, rows: rows || FALLBACK.rows };
    } catch (error) {
      logger.debug("The terminal does not tell its size: {error}", { error });
      return FALLBACK;
    }
  }

  enterRawMode(): void {
    this.#setRaw(true);
    this.write(ENTER_RAW_MODE);
    if (!this.#taken) addEventListener("unload", this.#atExit);
    this.#taken = true;
  }

  restore(): void {
    if (!this.#taken) return;
    this.#taken = false;
    removeEventListener("unload", this.#atExit);
    this.write(RESTORE);
    this.#setRaw(false);
  }

  /** Writes at once: nothing else could be shown meanwhile. */
  write(text: string): void {
    if (this.#gone) return;
    try {
      let rest = this.#encoder.encode(text);
      while (rest.length > 0) rest = rest.subarray(this.#writeSome(rest));
    } catch (error) {
      // Whoever reads from it notices, too, and ends.
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
      logger.debug("Cannot look for a shell: {error}", { error });
      return false;
    }
  }

  async suspend(): Promise<void> {
    const { promise: continued, resolve } = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGCONT", resolve);
    try {
      // The whole group, as the terminal would: a program may stand between this one and the shell.
      // That one may pass over SIGTSTP, but not over this.
      Deno.kill(0, "SIGSTOP");
      await continued;
    } finally {
      Deno.removeSignalListener("SIGCONT", resolve);
    }
  }

  watch({ resized, stopping, continued, failing }: TerminalEvents): Disposable {
    // Windows has none of these; there, the size is looked at whenever something is drawn.
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
      // Another program on this terminal has made it so that writing does not wait by itself.
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
 * Whether a process' group can be continued once it is stopped: one of its processes has a parent
 * outside of the group, in the same session (POSIX calls others orphaned, and does not stop them).
 * A terminal belongs to one session, so that the parent's terminal tells.
 *
 * @param table `ps`' process, parent, group and terminal.
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

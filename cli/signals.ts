import type { Context } from "./context.ts";
import { EXIT } from "./errors.ts";

/** Lets a command shut down gracefully when it is interrupted. */
export interface Interruption extends Disposable {
  /** Aborted by the first Ctrl-C or SIGTERM; its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Acts like Ctrl-C, for terminals in raw mode that pass the key to the program. */
  interrupt(): void;
}

/**
 * Watches for Ctrl-C, SIGTERM and a closed terminal until disposed. The first signal aborts
 * `signal`; the second exits at once.
 *
 * Without a terminal, SIGHUP never interrupts: a listener replaces the "ignore" that `nohup` has set.
 *
 * @param reload called on SIGHUP without a terminal, as is customary for services.
 */
export function watchInterrupts(context: Context, reload?: () => void): Interruption {
  const controller = new AbortController();
  const on = (name: string): void => {
    if (controller.signal.aborted) context.exit(EXIT.interrupted);
    else controller.abort(name);
  };
  const terminal = context.stdin.isTerminal || context.stdout.isTerminal ||
    context.stderr.isTerminal;
  const listeners = interruptsOf(context).map((name) => {
    const interrupts = name !== "SIGHUP" || terminal;
    return [name, interrupts ? () => on(name) : () => reload?.()] as const;
  });
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    interrupt: () => on("SIGINT"),
    [Symbol.dispose]() {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

function interruptsOf({ os }: Context): readonly Deno.Signal[] {
  // Windows has no SIGTERM; SIGBREAK is what closing the window sends.
  if (os === "windows") return ["SIGINT", "SIGBREAK"];
  // SIGQUIT is Ctrl-\, SIGXCPU the limit of CPU time, SIGPWR a failing power supply.
  const names: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU"];
  return os === "linux" ? [...names, "SIGPWR"] : names;
}

/** Signals that would terminate the program by default, and have no meaning here. */
const STRAY: readonly Deno.Signal[] = [
  // Other services reload, reopen logs or change their log level on these.
  "SIGUSR1",
  "SIGUSR2",
  // Timers and I/O readiness, which this program does not request.
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  // Exceeding the size limit of a file is reported as an error of the write.
  "SIGXFSZ",
];

/**
 * Ignores signals without a meaning here, for the rest of the process. The listeners are never
 * removed: the runtime delivers signals late, and one without a listener would terminate the program.
 */
export function ignoreStraySignals(context: Context, onIgnored?: (name: string) => void): void {
  if (context.os === "windows") return;
  const names: readonly Deno.Signal[] = context.os === "linux" ? [...STRAY, "SIGSTKFLT"] : STRAY;
  for (const name of names) Deno.addSignalListener(name, () => onIgnored?.(name));
}

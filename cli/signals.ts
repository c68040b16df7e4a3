import type { Context } from "./context.ts";
import { EXIT } from "./errors.ts";

/** Lets a command end in good order when it is interrupted. */
export interface Interruption extends Disposable {
  /** Aborted at the first Ctrl-C (or SIGTERM); its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** As if the user had pressed Ctrl-C: for terminals that hand the key to the program. */
  interrupt(): void;
}

function powerFailure({ os }: Context): readonly Deno.Signal[] {
  return os === "linux" ? ["SIGPWR"] : [];
}

/**
 * Watches for Ctrl-C, SIGTERM and a closed terminal until disposed. The first one aborts `signal`;
 * the second ends the program at once.
 *
 * Without a terminal SIGHUP ends nothing. A listener takes the place of the disposition that `nohup`
 * has set, so the program must not take the signal for an end.
 *
 * @param reload what SIGHUP asks for where there is no terminal that could have been closed: the
 * custom of services.
 */
export function watchInterrupts(context: Context, reload?: () => void): Interruption {
  const controller = new AbortController();
  const on = (name: string): void => {
    if (controller.signal.aborted) context.exit(EXIT.interrupted);
    else controller.abort(name);
  };
  // SIGTERM cannot be listened to on Windows; there, closing the window is SIGBREAK's cousin.
  const names: readonly Deno.Signal[] = context.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    // The last ones are Ctrl-\, the limit of CPU time, and a power supply that fails.
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU", ...powerFailure(context)];
  const terminal = context.stdin.isTerminal || context.stdout.isTerminal ||
    context.stderr.isTerminal;
  const listeners = names.map((name) => {
    const closes = name !== "SIGHUP" || terminal;
    return [name, closes ? () => on(name) : () => reload?.()] as const;
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

import type { Context } from "./context.ts";

/** Signals that end a program that does not know them, and that mean nothing here. */
const STRAY: readonly Deno.Signal[] = [
  // The custom of other services: read again, open the log again, tell more.
  "SIGUSR1",
  "SIGUSR2",
  // Timers and readiness, which nobody asked for.
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  // A file at its limit is an error of the one that writes it.
  "SIGXFSZ",
];

/**
 * Keeps signals that mean nothing here from ending the program, until disposed.
 *
 * @param told is told the name of each one that comes.
 */
export function ignoreStraySignals(context: Context, told?: (name: string) => void): Disposable {
  if (context.os === "windows") return { [Symbol.dispose]() {} };
  const names: readonly Deno.Signal[] = context.os === "linux" ? [...STRAY, "SIGSTKFLT"] : STRAY;
  const listeners = names.map((name) => [name, () => told?.(name)] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  return {
    [Symbol.dispose]() {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

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
 * Keeps signals that mean nothing here from ending the program, for the rest of its life: the runtime
 * hands them over late, and one that comes after its listener has gone would end the program.
 *
 * @param told is told the name of each one that comes.
 */
export function ignoreStraySignals(context: Context, told?: (name: string) => void): void {
  if (context.os === "windows") return;
  const names: readonly Deno.Signal[] = context.os === "linux" ? [...STRAY, "SIGSTKFLT"] : STRAY;
  for (const name of names) Deno.addSignalListener(name, () => told?.(name));
}

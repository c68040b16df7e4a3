import { type Clock, wallClock } from "./clock.ts";

/** Resolves after `milliseconds`, or as soon as `signal` aborts. Never rejects. */
export async function delay(
  milliseconds: number,
  { signal, clock = wallClock }: {
    signal?: AbortSignal | undefined;
    clock?: Pick<Clock, "after">;
  } = {},
): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  const cancel = clock.after(milliseconds, done);
  signal?.addEventListener("abort", done, { once: true });
  await promise;
  cancel();
  signal?.removeEventListener("abort", done);
}

/** Whether `promise` resolves within `milliseconds`. Rejects if `promise` does so in time. */
export async function settledWithin(
  promise: Promise<unknown>,
  milliseconds: number,
  clock: Pick<Clock, "after"> = wallClock,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const cancel = clock.after(milliseconds, () => resolve(false));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    cancel();
  }
}

/** Resolves when `signal` aborts, or now if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

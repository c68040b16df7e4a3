import { delay } from "../../lib/async.ts";
/** Milliseconds after which a waiting test is broken, not slow. */
const PATIENCE = 20_000;
/** Milliseconds between two checks. */
const PERIOD = 10;

/** Calls `look` until it returns something other than `undefined` or `false`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Never came: ${what}`);
    await delay(PERIOD);
  }
}

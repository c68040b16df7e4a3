import type { DatabaseSync } from "node:sqlite";

/**
 * Identifies the current boot of the machine; `undefined` if that is impossible.
 *
 * Linux gives each boot an id, but Deno hides it from programs that lack any permission, as the
 * executable does. Elsewhere, the time of the boot serves as its id. This never prompts for a
 * permission.
 */
export async function bootId(now: () => number = Date.now): Promise<string | undefined> {
  const path = "/proc/sys/kernel/random/boot_id";
  if (Deno.build.os === "linux" && await isGranted({ name: "read", path })) {
    try {
      return (await Deno.readTextFile(path)).trim();
    } catch (error) {
      // A container may hide the file; the uptime still works.
      if (!(error instanceof Error)) throw error;
    }
  }
  if (!await isGranted({ name: "sys", kind: "osUptime" })) return undefined;
  return `${TIME}${Math.round(now() - Deno.osUptime() * 1000)}`;
}

async function isGranted(permission: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(permission)).state === "granted";
}

const TIME = "time:";

/**
 * Milliseconds by which two measurements of one boot may differ: uptime is in whole seconds, and
 * the clock may be adjusted a little. No machine reboots faster.
 */
const TOLERANCE = 5000;

/** Whether `boot` is the time of a boot by the machine's clock, not an id of the kernel. */
function isBootTime(boot: string | undefined): boolean {
  return boot?.startsWith(TIME) === true;
}

/** Whether both identify the same boot; `tolerance` in milliseconds applies to times. */
export function sameBoot(
  a: string | undefined,
  b: string | undefined,
  tolerance = TOLERANCE,
): boolean {
  if (a === undefined || b === undefined || a === "" || b === "") return false;
  if (isBootTime(a) && isBootTime(b)) {
    return Math.abs(Number(a.slice(TIME.length)) - Number(b.slice(TIME.length))) <= tolerance;
  }
  return a === b;
}

/** Keeps the boot recorded in the log up to date: a time of boot changes when the clock is set. */
export class BootTracker {
  readonly #db: DatabaseSync;
  readonly #currentBoot: () => Promise<string | undefined>;
  #stored: string | undefined;

  /** @param stored the boot that the log records now. */
  constructor(
    db: DatabaseSync,
    stored: string | undefined,
    currentBoot: () => Promise<string | undefined>,
  ) {
    this.#db = db;
    this.#stored = stored;
    this.#currentBoot = currentBoot;
  }

  /** Writes nothing if `isClosed` says so after the current boot was determined. */
  async refresh(isClosed: () => boolean): Promise<void> {
    if (!isBootTime(this.#stored)) return;
    const now = await this.#currentBoot();
    if (isClosed() || now === undefined || sameBoot(now, this.#stored, MAX_DRIFT)) return;
    // Synced at once: this matters when the machine stops.
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      this.#db.prepare("UPDATE meta SET value = ? WHERE key = 'opened'").run(now);
      this.#stored = now;
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }
}

/** Milliseconds; below the {@linkcode TOLERANCE} of the next start. */
const MAX_DRIFT = 2000;

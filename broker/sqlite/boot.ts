import type { DatabaseSync } from "node:sqlite";
/**
 * Names the run of the machine since it was started, or `undefined` where that cannot be told.
 *
 * The kernel of Linux gives each boot a name, which the runtime keeps from programs that lack any
 * right, as the executable does. Elsewhere the moment of the boot is the name.
 * Asks for no permission: what was not granted counts as unknown.
 */
export async function bootId(now: () => number = Date.now): Promise<string | undefined> {
  const path = "/proc/sys/kernel/random/boot_id";
  if (Deno.build.os === "linux" && await isGranted({ name: "read", path })) {
    try {
      return (await Deno.readTextFile(path)).trim();
    } catch (error) {
      // A container may hide it; the time since the boot is still there.
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
 * the clock may be set a little. No machine reboots in less.
 */
const TOLERANCE = 5000;

/** Whether it is the moment of a boot, which the machine's clock tells, and not a name. */
export function isBootTime(boot: string | undefined): boolean {
  return boot?.startsWith(TIME) === true;
}

/** Whether both are known to name the same boot; `tolerance` is for moments, in milliseconds. */
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

/**
 * Keeps up to date what the log says of the boot it is used in. Where the kernel's name for it is out
 * of reach, as it is for a program without every right, that is the moment of the boot by the
 * machine's clock, and changes when the clock is set.
 */
export class BootTracker {
  readonly #db: DatabaseSync;
  readonly #currentBoot: () => Promise<string | undefined>;
  #stored: string | undefined;

  /** @param mark what the log says now. */
  constructor(db: DatabaseSync, mark: string | undefined, now: () => Promise<string | undefined>) {
    this.#db = db;
    this.#stored = mark;
    this.#currentBoot = now;
  }

  /** Looks once; writes nothing when `closed` says so after that. */
  async refresh(closed: () => boolean): Promise<void> {
    if (!isBootTime(this.#stored)) return;
    const now = await this.#currentBoot();
    if (closed() || now === undefined || sameBoot(now, this.#stored, MAX_DRIFT)) return;
    // On the disk at once: it matters when the machine stops.
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      this.#db.prepare("UPDATE meta SET value = ? WHERE key = 'opened'").run(now);
      this.#stored = now;
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }
}

/** Milliseconds; less than what the next start puts up with. */
const MAX_DRIFT = 2000;

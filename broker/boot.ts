/**
 * Names the run of the machine since it was started, or `undefined` where that cannot be told.
 *
 * The kernel of Linux gives each boot a name. Elsewhere the moment of the boot is the name.
 * Asks for no permission: what was not granted counts as unknown.
 */
export async function bootId(now: () => number = Date.now): Promise<string | undefined> {
  const path = "/proc/sys/kernel/random/boot_id";
  if (Deno.build.os === "linux" && await granted({ name: "read", path })) {
    try {
      return (await Deno.readTextFile(path)).trim();
    } catch (error) {
      // A container may hide it; the time since the boot is still there.
      if (!(error instanceof Error)) throw error;
    }
  }
  if (!await granted({ name: "sys", kind: "osUptime" })) return undefined;
  return `${TIME}${Math.round(now() - Deno.osUptime() * 1000)}`;
}

async function granted(permission: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(permission)).state === "granted";
}

const TIME = "time:";

/**
 * Milliseconds by which two measurements of one boot may differ: uptime is in whole seconds, and
 * the clock may be set a little. No machine reboots in less.
 */
const TOLERANCE = 5000;

/** Whether both are known to name the same boot. */
export function sameBoot(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || a === "" || b === "") return false;
  if (a.startsWith(TIME) && b.startsWith(TIME)) {
    return Math.abs(Number(a.slice(TIME.length)) - Number(b.slice(TIME.length))) <= TOLERANCE;
  }
  return a === b;
}

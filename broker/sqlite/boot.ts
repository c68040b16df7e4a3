/**
 * Names the run of the machine since it was started, or `undefined` where that cannot be told.
 *
 * The kernel of Linux gives each boot a name, which the runtime keeps from programs that lack any
 * right, as the executable does. Elsewhere the moment of the boot is the name.
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

/** Whether it is the moment of a boot, which the machine's clock tells, and not a name. */
export function isTimeOfBoot(boot: string | undefined): boolean {
  return boot?.startsWith(TIME) === true;
}

/** Whether both are known to name the same boot; `tolerance` is for moments, in milliseconds. */
export function sameBoot(
  a: string | undefined,
  b: string | undefined,
  tolerance = TOLERANCE,
): boolean {
  if (a === undefined || b === undefined || a === "" || b === "") return false;
  if (isTimeOfBoot(a) && isTimeOfBoot(b)) {
    return Math.abs(Number(a.slice(TIME.length)) - Number(b.slice(TIME.length))) <= tolerance;
  }
  return a === b;
}

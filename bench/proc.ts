/**
 * CPU and memory usage from `/proc`, which counts servers in all languages alike.
 *
 * @module
 */

// USER_HZ, the unit of /proc, which is the same on all common Linux systems.
const TICKS_PER_SECOND = 100;

/** Usage of a process and its descendants. */
export interface Usage {
  /** User and system time of all threads, in microseconds. */
  readonly cpuMicros: number;
  /** Resident memory in bytes. */
  readonly rss: number;
  /** Peak resident memory in bytes. */
  readonly peakRss: number;
}

/** Sums up a process and all its descendants. */
export function usageOf(pid: number): Usage {
  let cpuMicros = 0, rss = 0, peakRss = 0;
  for (const each of withDescendants(pid)) {
    const stat = Deno.readTextFileSync(`/proc/${each}/stat`);
    // The second field is the name, in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    cpuMicros += (Number(fields[11]) + Number(fields[12])) * (1_000_000 / TICKS_PER_SECOND);
    const status = Deno.readTextFileSync(`/proc/${each}/status`);
    rss += kilobytes(status, "VmRSS") * 1024;
    peakRss += kilobytes(status, "VmHWM") * 1024;
  }
  return { cpuMicros, rss, peakRss };
}

/** CPU time of all cores since the machine started. */
export function machineBusyMicros(): number {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * (1_000_000 / TICKS_PER_SECOND);
}

function withDescendants(pid: number): number[] {
  const all = [pid];
  // The array grows during the iteration.
  for (const each of all) {
    for (const task of Deno.readDirSync(`/proc/${each}/task`)) {
      const children = childrenOf(each, task.name);
      all.push(...children.split(" ").filter((child) => child !== "").map(Number));
    }
  }
  return all;
}

function childrenOf(pid: number, task: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/task/${task}/children`);
  } catch (error) {
    // The thread has ended.
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

/**
 * What processes cost, read from `/proc`: the servers compared are written in five languages, and
 * the kernel counts them all alike.
 *
 * @module
 */

// USER_HZ: what /proc counts in, on every Linux that runs a program built for users.
const TICKS_PER_SECOND = 100;

/** What a process and its descendants use. */
export interface Usage {
  /** User and system time of all threads, in microseconds. */
  readonly cpuMicros: number;
  /** Memory in RAM, in bytes. */
  readonly rss: number;
  /** The most memory it ever had in RAM, in bytes. */
  readonly peakRss: number;
}

/** Adds up a process and all its descendants. */
export function usageOf(pid: number): Usage {
  let cpuMicros = 0, rss = 0, peakRss = 0;
  for (const each of withDescendants(pid)) {
    const stat = Deno.readTextFileSync(`/proc/${each}/stat`);
    // The second field is the name, in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    cpuMicros += (Number(fields[11]) + Number(fields[12])) * (1_000_000 / TICKS_PER_SECOND);
    const status = Deno.readTextFileSync(`/proc/${each}/status`);
    rss += kilobytes(status, "VmRSS") * 1024;
    peakRss += kilobytes(status, "VmHWM") * 1024;
  }
  return { cpuMicros, rss, peakRss };
}

/** Microseconds that all processors together have worked since the machine started. */
export function machineBusyMicros(): number {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * (1_000_000 / TICKS_PER_SECOND);
}

function withDescendants(pid: number): number[] {
  const all = [pid];
  // Grows while it is walked.
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
    // The thread ended meanwhile.
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

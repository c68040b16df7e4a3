import { fstatSync } from "node:fs";

/**
 * Calls `onGone` when standard output is a pipe and its reader closes it.
 *
 * Otherwise only a write would notice, and the next message may be hours away. The runtime cannot
 * poll a pipe, but GNU `tail` can: while it follows a file that never grows, it ends with SIGPIPE as
 * soon as its output, the same pipe, has no reader. Without such a `tail`, this does nothing.
 */
export function watchStdoutReader(onGone: () => void): Disposable {
  if (Deno.build.os !== "linux" || !fstatSync(1).isFIFO()) return { [Symbol.dispose]() {} };
  const tail = startTail();
  if (tail === undefined) return { [Symbol.dispose]() {} };
  let ended = false;
  void tail.status.then(({ signal }) => {
    if (!ended && signal === "SIGPIPE") onGone();
    ended = true;
  });
  return {
    [Symbol.dispose]() {
      if (ended) return;
      ended = true;
      try {
        tail.kill("SIGKILL");
      } catch (error) {
        // Already ended.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
}

/** A full path: another `tail` on the user's path might write into the output. */
const TAIL = "/usr/bin/tail";

function startTail(): Deno.ChildProcess | undefined {
  try {
    return new Deno.Command(TAIL, {
      // With --pid, it does not keep the pipe open after this process was killed.
      args: ["-f", `--pid=${Deno.pid}`, "/dev/null"],
      stdin: "null",
      stdout: "inherit",
      stderr: "null",
    }).spawn();
  } catch (error) {
    // Missing, or not executable: the next write will notice.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

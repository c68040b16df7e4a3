import { fstatSync } from "node:fs";

/**
 * Calls `onGone` when nobody reads the standard output any more, where it is a pipe.
 *
 * Otherwise only a write can tell that, and the next message may be hours away. The runtime cannot
 * poll a pipe, but GNU `tail` does: following a file that never grows, it ends by SIGPIPE as soon as
 * its own output, which is the same pipe, has no reader. Where there is no such `tail`, nothing is
 * watched.
 */
export function watchReader(onGone: () => void): Disposable {
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
        // It has just ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
}

/** By its full name: whatever else is called so on the user's path would write into the output. */
const TAIL = "/usr/bin/tail";

function startTail(): Deno.ChildProcess | undefined {
  try {
    return new Deno.Command(TAIL, {
      // With --pid, it does not hold the pipe open when this process was killed.
      args: ["-f", `--pid=${Deno.pid}`, "/dev/null"],
      stdin: "null",
      stdout: "inherit",
      stderr: "null",
    }).spawn();
  } catch (error) {
    // There is none, or it may not be run: then the next write tells.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

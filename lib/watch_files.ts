import type { ServerClock } from "./clock.ts";

/** Milliseconds between two checks of the files. */
const PERIOD = 2000;

/**
 * Calls `changed` after one of `paths` has become another file or has new content, until disposed.
 *
 * It polls, following links: file system notifications differ between systems, and miss a link that
 * is replaced higher up in the path, which is how certbot and Kubernetes replace certificates. A
 * change is reported once two checks in a row agree, because several files are rarely replaced at
 * the same moment. While `changed` runs, there is no check.
 */
export function watchFiles(
  paths: readonly string[],
  clock: ServerClock,
  changed: () => unknown,
): Disposable {
  let reported = fingerprint(paths);
  let seen = reported;
  let busy = false;
  const check = async (): Promise<void> => {
    if (busy) return;
    const now = fingerprint(paths);
    if (now === seen && now !== reported) {
      reported = now;
      busy = true;
      try {
        await changed();
      } finally {
        busy = false;
      }
    }
    seen = now;
  };
  return { [Symbol.dispose]: clock.every(PERIOD, () => void check()) };
}

/** Everything that differs when a file is another one, or was written to. */
function fingerprint(paths: readonly string[]): string {
  return paths.map((path) => {
    try {
      const { dev, ino, size, mtime, ctime } = Deno.statSync(path);
      return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(":");
    } catch {
      // A file that is gone for a moment is being replaced. If it stays away, `changed` reports it.
      return "none";
    }
  }).join(" ");
}

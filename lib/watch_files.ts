import type { Clock } from "../server/clock.ts";

/** Milliseconds between two looks at the files. */
const PERIOD = 2000;

/**
 * Calls `changed` after any of `paths` has become another file or has other content, until disposed.
 *
 * It looks at them now and then, through links: the notices of the system differ from one to the
 * other, and miss a link that is set anew somewhere above the file, which is how certbot and
 * Kubernetes replace certificates. A change counts when it has stayed as it is from one look to the
 * next, as several files are hardly ever replaced at the same moment.
 */
export function watchFiles(
  paths: readonly string[],
  clock: Clock,
  changed: () => void,
): Disposable {
  let known = state(paths);
  let seen = known;
  return clock.every(PERIOD, () => {
    const now = state(paths);
    if (now === seen && now !== known) {
      known = now;
      changed();
    }
    seen = now;
  });
}

/** Everything that differs when a file is another one, or was written to. */
function state(paths: readonly string[]): string {
  return paths.map((path) => {
    try {
      const { dev, ino, size, mtime, ctime } = Deno.statSync(path);
      return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(":");
    } catch {
      // A file that is gone for a moment is being replaced; one that stays away is told of by
      // whoever reads it.
      return "none";
    }
  }).join(" ");
}

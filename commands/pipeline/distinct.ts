import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../cli/errors.ts";
import { visible } from "../../protocol.ts";

/** A file that a flag names. */
export interface NamedFile {
  /** The flag, such as `--cursor`. */
  readonly flag: string;
  readonly path: string | undefined;
}

/**
 * Sees to it that flags name files of their own, however the paths are written: what one of them
 * replaces, another one would lose.
 *
 * @throws {UsageError} when two of them lead to one file.
 */
export async function checkDistinct(files: readonly NamedFile[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const { flag, path } of files) {
    if (path === undefined) continue;
    // A cursor has a lock and a successor beside it.
    const paths = flag === "--cursor" ? [path, `${path}.lock`, `${path}.new`] : [path];
    for (const each of paths) {
      const place = await placeOf(each);
      const other = seen.get(place);
      if (other !== undefined) {
        throw new UsageError(
          `Cannot use ${visible(path)} for ${other} and ${flag}: give each a file of its own`,
        );
      }
      seen.set(place, flag);
    }
  }
}

/** Where a path leads, as a text that is the same for all paths to one file. */
async function placeOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await Deno.stat(path);
    if (ino !== null) return `${dev} ${ino}`;
  } catch {
    // Not there yet. Whatever else is wrong with it is told when it is opened.
  }
  try {
    return join(await Deno.realPath(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}

import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../cli/errors.ts";
import { visible } from "../../protocol.ts";

/** A file given by a flag. */
export interface FlagFile {
  /** The flag, such as `--cursor`. */
  readonly flag: string;
  readonly path: string | undefined;
}

/**
 * Checks that no two flags use the same file, however the paths are written.
 *
 * @throws {UsageError} when two of them do.
 */
export async function checkDistinctFiles(files: readonly FlagFile[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const { flag, path } of files) {
    if (path === undefined) continue;
    // A cursor also uses a lock file and a temporary file.
    const paths = flag === "--cursor" ? [path, `${path}.lock`, `${path}.new`] : [path];
    for (const each of paths) {
      const id = await identify(each);
      const other = seen.get(id);
      if (other !== undefined) {
        throw new UsageError(
          `Cannot use ${visible(path)} for ${other} and ${flag}: give each a file of its own`,
        );
      }
      seen.set(id, flag);
    }
  }
}

/** Identifies the file at a path: the same text for all paths to it. */
async function identify(path: string): Promise<string> {
  try {
    const { dev, ino } = await Deno.stat(path);
    if (ino !== null) return `${dev} ${ino}`;
  } catch {
    // Does not exist yet. Other problems are reported when it is opened.
  }
  try {
    return join(await Deno.realPath(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}

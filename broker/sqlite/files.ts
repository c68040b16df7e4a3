/** Whether the open `file` is the one at `path`. */
export function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    const there = Deno.statSync(path);
    const open = file.statSync();
    return there.ino === open.ino && there.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    // It may be there: the right to look at a directory was taken away, say.
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/** Whether there is something at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether there is an empty file at `path`. */
export function isEmpty(path: string): boolean {
  return exists(path) && Deno.statSync(path).size === 0;
}

/** Removes a file, if it is there. */
export function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

import { visible } from "../protocol.ts";
import { CliError } from "../cli/errors.ts";

/** Bytes of a file of secrets or keys: far more than any has, and soon read if it is a mistake. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The text of a small file.
 *
 * @param what what it is to the user: `the token file`.
 * @throws {CliError} when it cannot be read.
 */
export async function readSmallFile(path: string, what: string): Promise<string> {
  const where = `Cannot read ${what} ${visible(path)}`;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw new CliError(`${where}: it is too large to be one`);
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${where}: ${why(error)}`, 1, { cause: error });
  }
}

/** Whether `path` leads to a file, or to nothing yet, and not to a pipe or a device. */
export async function isRegularFile(path: string): Promise<boolean> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    return isFile || isDirectory;
  } catch {
    // What is wrong with it is told by whoever reads it.
    return true;
  }
}

/** Whether others than its owner may read a file, where the system knows such things. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return mode !== null && (mode & 0o044) !== 0;
}

/** As {@linkcode why}, for a file that would be made if it were not there. */
export function whyNotWritten(error: unknown): string {
  return error instanceof Deno.errors.NotFound ? "its directory does not exist" : why(error);
}

/** In a few words why a file cannot be read or written; never in those of the runtime. */
export function why(error: unknown): string {
  // The executable has no more rights than it needs.
  if (error instanceof Deno.errors.NotCapable) {
    return "it is in /dev, /proc or /sys, where this program opens nothing. Name another file";
  }
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (!(error instanceof Error)) return String(error);
  // The runtime ends its sentences with the call that failed: ": open '/a/b'".
  return error.message.replace(/ \(os error \d+\).*$/s, "");
}

import { visible } from "../protocol.ts";
import { readErrorText } from "../lib/files.ts";
import { CliError } from "./errors.ts";

/** Bytes of a file of secrets or keys: far more than any has, and quickly read if it is a mistake. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The text of a small file.
 *
 * @param what the file's role, for errors: `the token file`.
 * @param remedy what to do if there is no such file.
 * @throws {CliError} when it cannot be read.
 */
export async function readSmallFile(
  path: string,
  what: string,
  remedy: string,
): Promise<string> {
  const where = `Cannot read ${what} ${visible(path)}`;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw new CliError(`${where}: it is too large to be one`);
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const next = error instanceof Deno.errors.NotFound ? `. ${remedy}` : "";
    throw new CliError(`${where}: ${readErrorText(error)}${next}`, 1, { cause: error });
  }
}

/** Whether `path` is a file or a directory, or missing; false for pipes and devices. */
export async function isRegularFile(path: string): Promise<boolean> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    return isFile || isDirectory;
  } catch {
    // Reading it will report the problem.
    return true;
  }
}

/** Whether other users may read a file, on systems with permissions. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return mode !== null && (mode & 0o044) !== 0;
}

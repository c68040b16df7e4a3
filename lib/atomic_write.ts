import { dirname } from "node:path";
import { writeAll } from "./write_all.ts";

/** How {@linkcode replaceFile} writes. */
export interface ReplaceOptions {
  /** Permissions; default 0o600, because most files written this way are private. */
  readonly mode?: number | undefined;
  /** Whether to keep the permissions of the file that is replaced. */
  readonly keepMode?: boolean | undefined;
  /**
   * The temporary file, in the same directory. By default its name is random, so that two programs
   * may write at once. A fixed name is for a single writer: a crash leaves at most one such file.
   */
  readonly temporary?: string | undefined;
  /** Whether the new content must survive a power cut before it replaces the old. */
  readonly sync?: boolean | undefined;
  /** Whether to make missing directories, accessible only to the user. */
  readonly makeDirectory?: boolean | undefined;
}

const OWNER_ONLY = 0o600;

/**
 * Replaces a file atomically: `text` goes to a temporary file, which is then renamed. Readers and
 * crashes never see half a file.
 */
export async function replaceFile(
  path: string,
  text: string,
  options: ReplaceOptions = {},
): Promise<void> {
  const { mode = OWNER_ONLY, temporary = randomName(path) } = options;
  if (options.makeDirectory) await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const kept = options.keepMode ? await modeOf(path) : undefined;
  if (options.temporary !== undefined) await Deno.remove(temporary).catch(ignoreNotFound);
  try {
    await write(temporary, text, { mode: kept ?? mode, sync: options.sync });
    // The umask may have taken permissions away; some file systems have none to change.
    if (kept !== undefined && await modeOf(temporary) !== kept) await Deno.chmod(temporary, kept);
    await Deno.rename(temporary, path);
  } catch (error) {
    // The caller needs the first error, not one about the cleanup.
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * As {@linkcode replaceFile}, without waiting for the event loop.
 *
 * @param text the content, or a function that makes it from the identity of the new file.
 */
export function replaceFileSync(
  path: string,
  text: string | ((file: Deno.FileInfo) => string),
  { mode = OWNER_ONLY, temporary }: { mode?: number; temporary: string },
): void {
  try {
    Deno.removeSync(temporary);
  } catch (error) {
    ignoreNotFound(error);
  }
  {
    using file = Deno.openSync(temporary, { write: true, createNew: true, mode });
    writeAllSync(file, typeof text === "string" ? text : text(file.statSync()));
  }
  Deno.renameSync(temporary, path);
}

async function write(
  path: string,
  text: string,
  { mode, sync }: { mode: number; sync: boolean | undefined },
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  await writeAll(file, new TextEncoder().encode(text));
  if (sync) await file.syncData();
}

function writeAllSync(file: Deno.FsFile, text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}

function randomName(path: string): string {
  return `${path}.${crypto.randomUUID()}`;
}

/** `undefined` where there is no file, or the system has no permissions. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    return mode === null ? undefined : mode & 0o777;
  } catch (error) {
    ignoreNotFound(error);
    return undefined;
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

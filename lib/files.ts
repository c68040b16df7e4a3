import { dirname } from "node:path";

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
  const mode = (await Deno.stat(path).catch(ignoreNotFound))?.mode ?? undefined;
  return mode === undefined ? undefined : mode & 0o777;
}

/** Turns the error for a missing file into `undefined`; throws any other error. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Writes all of `bytes`: one call of `write()` may take only a part. */
export async function writeAll(
  target: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await target.write(bytes.subarray(done));
}

/** Why a file cannot be read, in a few words a user understands; the runtime's are not. */
export function readErrorText(error: unknown): string {
  // The executable has no more permissions than it needs.
  if (error instanceof Deno.errors.NotCapable) {
    return "it is in /dev, /proc or /sys, where this program opens nothing. Name another file";
  }
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.NotADirectory) return "its directory is a file";
  if (!(error instanceof Error)) return String(error);
  // The runtime ends its messages with the call that failed: ": open '/a/b'".
  return error.message.replace(/ \(os error \d+\).*$/s, "");
}

/** As {@linkcode readErrorText}, for a file that would be created if missing. */
export function writeErrorText(error: unknown): string {
  return error instanceof Deno.errors.NotFound
    ? "its directory does not exist"
    : readErrorText(error);
}

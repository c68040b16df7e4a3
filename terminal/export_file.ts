import { resolve } from "node:path";
import { writeAll } from "../lib/files.ts";
import { visible } from "../protocol.ts";
import { type Exported, ExportWriter, formatOf } from "../chat/export.ts";

/** The file to write. */
export interface ExportOptions {
  /** Relative to the working directory. */
  readonly path: string;
  /** Whether an existing file may be replaced. */
  readonly replace: boolean;
  /** `#room` or `@name`. */
  readonly title: string;
  /** For `~/`. */
  readonly home: string | undefined;
}

/** A file could not be written; the message is one line for the user. */
export class ExportError extends Error {
  override readonly name = "ExportError";
}

/**
 * Writes pages of messages to a file that only the user may read. Returns their number. An existing
 * file is only replaced if allowed, and after the last message is written. A failure leaves nothing
 * behind.
 *
 * @throws {ExportError} if the file cannot be written; errors of `pages` pass through.
 */
export async function exportTo(
  { path: given, replace, title, home }: ExportOptions,
  pages: AsyncIterable<readonly Exported[]>,
): Promise<number> {
  const path = resolve(
    home !== undefined && given.startsWith("~/") ? `${home}/${given.slice(2)}` : given,
  );
  const shown = `"${visible(given)}"`;
  const target = replace ? `${path}.${crypto.randomUUID()}` : path;
  const writer = new ExportWriter(formatOf(path), title);
  const file = await attempt(
    shown,
    () => Deno.open(target, { write: true, createNew: true, mode: 0o600 }),
  );
  const writeText = (text: string): Promise<void> => writeAll(file, new TextEncoder().encode(text));
  let count = 0;
  try {
    try {
      await attempt(shown, () => writeText(writer.head()));
      for await (const page of pages) {
        const text = page.map((said) => writer.one(said)).join("");
        await attempt(shown, () => writeText(text));
        count += page.length;
      }
    } finally {
      file.close();
    }
    if (replace) await attempt(shown, () => Deno.rename(target, path));
    return count;
  } catch (error) {
    // The first error matters, not whether there is something to remove.
    await Deno.remove(target).catch(() => {});
    throw error;
  }
}

async function attempt<T>(shown: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw new ExportError(explain(error, shown), { cause: error });
  }
}

function explain(error: unknown, shown: string): string {
  if (error instanceof Deno.errors.AlreadyExists) {
    return `${shown} already exists: /export! FILE replaces it`;
  }
  if (error instanceof Deno.errors.NotFound) return `The folder of ${shown} does not exist`;
  if (error instanceof Deno.errors.PermissionDenied) return `Not permitted to write ${shown}`;
  if (error instanceof Deno.errors.IsADirectory) return `${shown} is a folder: name a file in it`;
  const why = error instanceof Error ? error.message : String(error);
  return `Cannot write ${shown}: ${visible(why.replaceAll(/\s+/g, " "))}`;
}

import { dirname } from "node:path";

/**
 * Puts `text` in the place of a file that only the user may read. Written aside and moved into
 * place: two programs at once, or one that is killed, never leave half a file.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}`;
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await Deno.writeTextFile(aside, text, { mode: 0o600, createNew: true });
    await Deno.rename(aside, path);
  } catch (error) {
    // What went wrong is the news, not whether there is something to tidy up.
    await Deno.remove(aside).catch(() => {});
    throw error;
  }
}

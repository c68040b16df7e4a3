import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { normalizeName } from "../protocol.ts";

const logger = getLogger(["bcast", "client"]);

/** The file in the data directory that holds the name used last. */
const FILE = "last-name";

/** The name used last, if there is one. */
export async function readLastName(directory: string): Promise<string | undefined> {
  try {
    return normalizeName((await Deno.readTextFile(join(directory, FILE))).trim());
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      logger.warning("Cannot read the name used last: {error}", { error });
    }
    return undefined;
  }
}

/** Keeps a name for the next time. A directory that cannot be written is no reason to fail. */
export async function writeLastName(directory: string, name: string): Promise<void> {
  const path = join(directory, FILE);
  // Written aside and moved into place: two clients at once never leave half a name.
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(aside, name + "\n", { mode: 0o600, createNew: true });
    await Deno.rename(aside, path);
  } catch (error) {
    logger.warning("Cannot keep the name for the next time: {error}", { error });
  }
}

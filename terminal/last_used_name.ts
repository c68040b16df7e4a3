import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { normalizeName } from "../protocol.ts";
import { replaceFile } from "../lib/files.ts";

const logger = getLogger(["bcast", "client"]);

/** The name of the file in the data directory. */
const FILE = "last-name";

/** The name that the user requested last; `undefined` on the first run. */
export async function readLastName(directory: string): Promise<string | undefined> {
  try {
    return normalizeName((await Deno.readTextFile(join(directory, FILE))).trim());
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      logger.warning("Cannot read the last used name: {error}", { error });
    }
    return undefined;
  }
}

/** Stores a name. A failure is only logged, as the chat works without. */
export async function writeLastName(directory: string, name: string): Promise<void> {
  try {
    await replaceFile(join(directory, FILE), name + "\n", { makeDirectory: true });
  } catch (error) {
    logger.warning("Cannot store the last used name: {error}", { error });
  }
}

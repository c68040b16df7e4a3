import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { normalizeName } from "../protocol.ts";
import { replaceFile } from "../lib/files.ts";

const logger = getLogger(["bcast", "client"]);

/** The file in the data directory that holds the name that the user asked for last. */
const FILE = "last-name";

/** The name that the user asked for last; `undefined` on the first run. */
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
  try {
    await replaceFile(join(directory, FILE), name + "\n", { makeDirectory: true });
  } catch (error) {
    logger.warning("Cannot keep the name for the next time: {error}", { error });
  }
}

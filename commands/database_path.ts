import { join } from "node:path";
import { dataDirectory, type Home } from "../cli/paths.ts";

/** The file of the log in a data directory. */
const DATABASE = "bcast.db";

/** The log in the directory `data` or, without one, in the user's own. */
export function databaseIn(data: string | undefined, home: Home): string {
  return join(data ?? dataDirectory(home), DATABASE);
}

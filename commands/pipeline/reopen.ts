import type { Logging } from "../../cli/logging.ts";
import type { OutputLog } from "./output_log.ts";

/**
 * What SIGHUP asks for where files are written: to go on in new files when the old ones were moved
 * away. `undefined` where there are no files.
 */
export function reopener(
  logging: Logging,
  output: OutputLog | undefined,
): (() => void) | undefined {
  if (!logging.hasFile && output === undefined) return undefined;
  return () => {
    void output?.reopen();
    logging.reopen();
  };
}

import { type CLIENT_LOG_FLAGS, startClientLogging } from "../cli/client_flags.ts";
import type { Values } from "../cli/flags.ts";
import { why } from "../cli/files.ts";
import type { OutputLog } from "./output_log.ts";

/**
 * What SIGHUP asks for where files are written: to go on in new files when the old ones were moved
 * away. `undefined` where there are no files.
 *
 * @param say is told what went wrong; writing goes on then.
 */
export function reopener(
  flags: Values<typeof CLIENT_LOG_FLAGS>,
  output: OutputLog | undefined,
  say: (line: string) => void,
): (() => void) | undefined {
  const logs = flags.logFile !== undefined;
  if (!logs && output === undefined) return undefined;
  return () => {
    void output?.reopen();
    // Starting anew opens the file anew.
    if (logs) startClientLogging(flags).catch((error) => say(why(error)));
  };
}

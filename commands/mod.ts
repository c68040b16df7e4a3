import type { AnyCommand } from "../cli/command.ts";
import { bench } from "./bench.ts";
import { connect } from "./connect.ts";
import { help } from "./help.ts";
import { start } from "./start.ts";
import { token } from "./token.ts";
import { version } from "./version.ts";

/** Every command, in the order of the help. A new one is a file and a line here. */
export const COMMANDS: readonly AnyCommand[] = [
  start,
  connect,
  bench,
  token,
  help(() => COMMANDS),
  version,
];

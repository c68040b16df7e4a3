import type { AnyCommand } from "../cli/command.ts";
import { bench } from "./bench.ts";
import { connect } from "./connect.ts";
import { exec } from "./exec.ts";
import { help } from "./help.ts";
import { listen } from "./listen.ts";
import { send } from "./send.ts";
import { start } from "./start.ts";
import { version } from "./version.ts";

/** Every command, in the order of the help. A new one is a file and a line here. */
export const COMMANDS: readonly AnyCommand[] = [
  start,
  connect,
  send,
  listen,
  exec,
  bench,
  help(() => COMMANDS),
  version,
];

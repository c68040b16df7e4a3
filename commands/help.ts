import { visible } from "../protocol.ts";
import { commandsIn, defineCommand } from "../cli/command.ts";
import { findCommandOf } from "../cli/dispatch.ts";
import { EXIT, UsageError } from "../cli/errors.ts";
import { commandHelp, programHelp } from "../cli/help.ts";

/** `bcast help`. */
export const help = defineCommand({
  name: "help",
  summary: "Show help for bcast or a command",
  description: "The same as bcast --help and bcast COMMAND --help.",
  positional: { placeholder: "COMMAND", help: "Command to show help for" },
  words: { placeholder: "COMMAND", help: "Command of a group, such as mint of token" },
  flags: {},
  examples: [
    ["help start", "Show all flags of bcast start"],
    ["help token mint", "Show all flags of bcast token mint"],
  ],
  run: async ({ positional, words, sections }, { stdout }) => {
    if (positional === undefined) {
      await stdout.write(programHelp(sections));
      return EXIT.done;
    }
    const { command, rest: [extra] } = findCommandOf([positional, ...words], commandsIn(sections));
    if (extra !== undefined) {
      throw new UsageError(`Unexpected argument "${visible(extra)}". See bcast help --help`);
    }
    await stdout.write(commandHelp(command));
    return EXIT.done;
  },
});

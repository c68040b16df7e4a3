import { commandsIn, defineCommand } from "../cli/command.ts";
import { findCommand } from "../cli/dispatch.ts";
import { EXIT } from "../cli/errors.ts";
import { commandHelp, programHelp } from "../cli/help.ts";

/** `bcast help`. */
export const help = defineCommand({
  name: "help",
  summary: "Show help for bcast or a command",
  description: "The same as bcast --help and bcast COMMAND --help.",
  positional: { placeholder: "COMMAND", help: "Command to show help for" },
  flags: {},
  examples: [["help start", "Show all flags of bcast start"]],
  run: async ({ positional, sections }, { stdout }) => {
    const text = positional === undefined
      ? programHelp(sections)
      : commandHelp(findCommand(positional, commandsIn(sections)));
    await stdout.write(text);
    return EXIT.done;
  },
});

import { type AnyCommand, defineCommand } from "../cli/command.ts";
import { checkConfig, type ConfigReport } from "../cli/config.ts";
import { EXIT } from "../cli/errors.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast config check`, about the settings of the commands that `all` gives. */
export function configCheck(all: () => readonly AnyCommand[]): AnyCommand {
  return defineCommand({
    name: "config check",
    summary: "Find all that is wrong in a configuration file",
    about: "Names file, line and column of each fault, and what is expected there, and ends with " +
      "1 when there are any. Warns when the file holds a token that others may read.",
    positional: {
      placeholder: "FILE",
      help: "The file; without it, that of --config or BCAST_CONFIG, else your own",
    },
    flags: {},
    examples: [
      ["config check", "Is anything wrong in my configuration file?"],
      ["config check other.json", "And in this one?"],
    ],
    run: async ({ positional, globals }, context) => {
      const report = await checkConfig(positional ?? globals.config, context, all());
      const { faults } = report;
      await context.stdout.write(
        faults.length === 0
          ? verdict(report)
          : faults.map(({ message }) => `${message}\n`).join(""),
      );
      return faults.length === 0 ? EXIT.done : EXIT.failed;
    },
  });
}

function verdict({ path, exists, profiles, commands }: ConfigReport): string {
  if (path === undefined) return "There is no configuration file: there is no home to keep one\n";
  if (!exists) return `There is no configuration file ${visible(path)}, and none is needed\n`;
  const holds = `${plural(profiles.length, "profile")}, ${plural(commands.length, "command")}`;
  return `${visible(path)} is fine: ${holds}\n`;
}

import { commandsIn, defineCommand } from "../cli/command.ts";
import { checkConfig, type ConfigReport } from "../cli/config.ts";
import { EXIT } from "../cli/errors.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast config check`. */
export const configCheck = defineCommand({
  name: "config check",
  summary: "Check a configuration file",
  description:
    "Lists all mistakes with file, line, column and the expected value, and exits with 1 " +
    "if there are any. Warns if the file holds a token that other users can read.",
  positional: {
    placeholder: "FILE",
    help: "File to check (default --config, BCAST_CONFIG or your own)",
  },
  flags: {},
  examples: [
    ["config check", "Check your configuration file"],
    ["config check other.json", "Check another file"],
  ],
  run: async ({ positional, globals, sections }, context) => {
    const report = await checkConfig(positional ?? globals.config, context, commandsIn(sections));
    const { faults } = report;
    await context.stdout.write(
      faults.length === 0 ? verdict(report) : faults.map(({ message }) => `${message}\n`).join(""),
    );
    return faults.length === 0 ? EXIT.done : EXIT.failed;
  },
});

function verdict({ path, exists, profiles, commands }: ConfigReport): string {
  if (path === undefined) return "There is no configuration file: no home directory is set\n";
  if (!exists) return `There is no configuration file ${visible(path)}; none is needed\n`;
  const holds = `${plural(profiles.length, "profile")}, ${plural(commands.length, "command")}`;
  return `${visible(path)} is valid: ${holds}\n`;
}

import type { AnyCommand } from "../cli/command.ts";
import { defineGroup } from "../cli/group.ts";
import type { CommandGroup } from "../cli/help.ts";
import { configCheck } from "./config_check.ts";
import { configPrint } from "./config_print.ts";

/** `bcast config`; it tells of the settings of the commands that `groups` gives. */
export function config(groups: () => readonly CommandGroup[]): AnyCommand {
  const all = (): readonly AnyCommand[] => groups().flatMap(({ commands }) => commands);
  return defineGroup({
    name: "config",
    summary: "Check the settings, and tell where each comes from",
    about: "What a flag says can also be said in the environment, in a profile and in the " +
      "configuration file. This finds what is wrong there, and tells what counts in the end. " +
      "None of it needs a hub.",
    commands: { check: configCheck(all), print: configPrint(all) },
    examples: [
      ["config check", "Is anything wrong in my configuration file?"],
      ["config print", "What is set, and where?"],
      ["config print start", "What would bcast start go by?"],
    ],
  });
}

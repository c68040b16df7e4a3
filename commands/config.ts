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
    summary: "Check settings and show where each comes from",
    description:
      "Settings come from flags, the environment, a profile and the configuration file. " +
      "These commands find mistakes there and show which value applies. They need no hub.",
    commands: { check: configCheck(all), print: configPrint(all) },
    examples: [
      ["config check", "Check your configuration file"],
      ["config print", "Show all settings that are not defaults"],
      ["config print start", "Show the settings of bcast start"],
    ],
  });
}

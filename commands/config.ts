import { defineGroup } from "../cli/command.ts";
import { configCheck } from "./config_check.ts";
import { configPrint } from "./config_print.ts";

/** `bcast config`. */
export const config = defineGroup({
  name: "config",
  summary: "Check settings and show where each comes from",
  description: "Settings come from flags, the environment, a profile and the configuration file. " +
    "These commands find mistakes there and show which value applies. They need no hub.",
  commands: { check: configCheck, print: configPrint },
  examples: [
    ["config check", "Check your configuration file"],
    ["config print", "Show all settings that are not defaults"],
    ["config print start", "Show the settings of bcast start"],
  ],
});

import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  ADDRESS,
  formatTarget,
  lift,
  moderate,
  MODERATOR_FLAGS,
  SANCTION_FLAGS,
  sanctionOptionsOf,
  TARGET_FLAGS,
  targetOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";

/** `bcast mute`. */
export const mute = defineCommand({
  name: "mute",
  summary: "Let somebody read only",
  about: "Who has the name or comes from the address may read on, but not write, not even " +
    "privately; a new name does not help. Whoever leaves and comes back as somebody else is " +
    "another: --address is for that.\n\nNeeds an admin token.",
  positional: TARGET_FLAGS,
  flags: { ...ADDRESS, ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["mute Eve --for 15m", "A quarter of an hour of silence"],
    ["mute --address 192.0.2.7 --reason flood", "Everybody who comes from there"],
  ],
  run: async (input, context) => {
    const { flags } = input;
    const whom = targetOf("mute", input.positional, flags.address);
    const { affected } = await moderate(input, context, "mute", {
      ...whom,
      ...sanctionOptionsOf(flags),
    });
    await context.stdout.write(
      `Muted ${formatTarget(whom)}: ${plural(affected, "session")} silent now\n`,
    );
    return EXIT.done;
  },
});

/** `bcast unmute`. */
export const unmute = defineCommand({
  name: "unmute",
  summary: "Let somebody write again",
  about: "Lifts the mute of a name or an address: the one it was given for, whatever the person " +
    "is called now; bcast bans lists them. Needs an admin token. Ends with 1 when there is none.",
  positional: TARGET_FLAGS,
  flags: { ...ADDRESS, ...MODERATOR_FLAGS },
  examples: [["unmute Eve", "Lift the mute of a name"]],
  run: (input, context) => lift(input, context, "unmute"),
});

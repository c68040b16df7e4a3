import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  ADDRESS,
  addressOf,
  formatTarget,
  lift,
  moderate,
  MODERATOR_FLAGS,
  SANCTION_FLAGS,
  sanctionOptionsOf,
  TARGET,
  targetOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";

/** `bcast mute`. */
export const mute = defineCommand({
  name: "mute",
  summary: "Mute a user or an address",
  description: "Clients with the name or address can read but not send, neither to rooms nor " +
    "privately, until the mute expires or bcast unmute lifts it. Changing the name does " +
    "not help; reconnecting under a new name does, unless --address is used.\n\nNeeds an " +
    "admin token.",
  positional: TARGET,
  flags: { ...ADDRESS, ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["mute Eve --for 15m", "Mute a name for 15 minutes"],
    ["mute --address 192.0.2.7 --reason flood", "Mute an address"],
  ],
  run: async (input, context) => {
    const { flags } = input;
    const whom = targetOf("mute", input.positional, flags.address);
    const { affected } = await moderate(input, context, "mute", {
      ...whom,
      ...sanctionOptionsOf(flags),
    });
    await context.stdout.write(
      `Muted ${formatTarget(whom)}: ${plural(affected, "session")} muted\n`,
    );
    return EXIT.done;
  },
});

/** `bcast unmute`. */
export const unmute = defineCommand({
  name: "unmute",
  summary: "Lift a mute",
  description:
    "Lifts the mute of a name or an address. Use the name that was muted, even if the user " +
    "has changed it; bcast bans lists it. Exits with 1 if there is no such mute.\n\nNeeds an " +
    "admin token.",
  positional: TARGET,
  flags: { ...addressOf("Address whose mute to lift"), ...MODERATOR_FLAGS },
  examples: [["unmute Eve", "Lift the mute of a name"]],
  run: (input, context) => lift(input, context, "unmute"),
});

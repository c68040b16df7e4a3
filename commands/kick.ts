import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  moderate,
  MODERATOR_FLAGS,
  nameOf,
  REASON,
  REQUIRED_TARGET,
  sanctionOptionsOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast kick`. */
export const kick = defineCommand({
  name: "kick",
  summary: "Disconnect a user",
  description:
    "Ends all connections of a name. bcast clients stay away until they are restarted; use " +
    "bcast ban to keep a user out. Exits with 1 if the name is not connected.\n\nNeeds an " +
    "admin token.",
  positional: REQUIRED_TARGET,
  flags: { ...REASON, ...MODERATOR_FLAGS },
  examples: [
    ["kick Eve", "Disconnect Eve"],
    ['kick Eve --reason "no advertising here"', "Give a reason"],
  ],
  run: async (input, context) => {
    const name = nameOf("kick", input.positional);
    const { affected, addresses = [] } = await moderate(input, context, "kick", {
      name,
      ...sanctionOptionsOf(input.flags),
    });
    const from = addresses.length === 0 ? "" : `, from ${visible(addresses.join(", "))}`;
    await context.stdout.write(`Kicked ${name}: ${plural(affected, "session")} ended${from}\n`);
    return EXIT.done;
  },
});

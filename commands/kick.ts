import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  moderate,
  MODERATOR_FLAGS,
  nameOf,
  REASON,
  sanctionOptionsOf,
  TARGET_FLAGS,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast kick`. */
export const kick = defineCommand({
  name: "kick",
  summary: "Send somebody away",
  about: "Ends all connections of a name at once. Programs of bcast stay away until a person " +
    "starts them again; bcast ban keeps somebody out.\n\nNeeds an admin token. Ends with 1 when " +
    "nobody has the name.",
  positional: TARGET_FLAGS,
  flags: { ...REASON, ...MODERATOR_FLAGS },
  examples: [
    ["kick Eve", "Send Eve away"],
    ['kick Eve --reason "no advertising here"', "And tell her why"],
  ],
  run: async (input, context) => {
    const name = nameOf("kick", input.positional);
    const { affected, addresses = [] } = await moderate(input, context, "kick", {
      name,
      ...sanctionOptionsOf(input.flags),
    });
    const from = addresses.length === 0 ? "" : `, from ${visible(addresses.join(", "))}`;
    await context.stdout.write(`${name} was sent away: ${plural(affected, "session")}${from}\n`);
    return EXIT.done;
  },
});

import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import { moderate, MODERATOR_FLAGS, nameOf, REQUIRED_TARGET } from "./client/moderate.ts";

/** `bcast release-name`. */
export const releaseName = defineCommand({
  name: "release-name",
  summary: "Release a name reserved by a token",
  description:
    "The hub reserves each name that a token has proved, until no token has proved it for " +
    "90 days. This releases the name at once; the next use of such a token reserves it " +
    "again. Exits with 1 if the name is not reserved, or its owner is connected.\n\nNeeds an " +
    "admin token.",
  positional: REQUIRED_TARGET,
  flags: MODERATOR_FLAGS,
  examples: [["release-name Alice", "Release a name whose tokens are no longer used"]],
  run: async (input, context) => {
    const name = nameOf("release-name", input.positional);
    await moderate(input, context, "release-name", { name });
    await context.stdout.write(`Released ${name}: any client may use it now\n`);
    return EXIT.done;
  },
});

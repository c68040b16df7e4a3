import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import { moderate, MODERATOR_FLAGS, nameOf, TARGET_FLAGS } from "./client/moderate.ts";

/** `bcast release-name`. */
export const releaseName = defineCommand({
  name: "release-name",
  summary: "Let anybody take a name that a token reserved",
  about: "The hub keeps each name that a token proved for the bearers of such tokens, until no " +
    "token has proved it for 90 days. This frees the name at once; the next use of such a token " +
    "reserves it again.\n\nNeeds an admin token. Ends with 1 when no token reserved the name, or " +
    "while its owner is connected.",
  positional: TARGET_FLAGS,
  flags: MODERATOR_FLAGS,
  examples: [["release-name Alice", "Free a name whose tokens are no longer used"]],
  run: async (input, context) => {
    const name = nameOf("release-name", input.positional);
    await moderate(input, context, "release-name", { name });
    await context.stdout.write(`Anybody may take the name ${name} now\n`);
    return EXIT.done;
  },
});

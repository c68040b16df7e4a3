import { roomFlag } from "./client/client_flags.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT, UsageError } from "../cli/errors.ts";
import { moderate, MODERATOR_FLAGS } from "./client/moderate.ts";
import { plural } from "../lib/words.ts";

/** `bcast announce`. */
export const announce = defineCommand({
  name: "announce",
  summary: "Tell everybody something",
  about: "Says a sentence to everybody who is there now, or in one room, as the hub itself. It " +
    "is not kept: who comes later does not see it. Needs an admin token.",
  words: { placeholder: "TEXT...", help: "What to say" },
  flags: {
    // Not what BCAST_ROOM says for all commands: everybody is meant unless somebody says otherwise.
    room: { ...roomFlag("Only to those in this room", "everybody"), own: true },
    ...MODERATOR_FLAGS,
  },
  examples: [
    ['announce "back in five minutes"', "To everybody"],
    ["announce --room lobby the build is green", "To those in one room"],
  ],
  run: async (input, context) => {
    const message = input.words.join(" ").trim();
    if (message === "") throw new UsageError("Say what: bcast announce TEXT...");
    const { room } = input.flags;
    const fields = { message, ...(room === undefined ? {} : { room }) };
    const { affected } = await moderate(input, context, "announce", fields);
    await context.stdout.write(`Told ${plural(affected, "connection")}\n`);
    return EXIT.done;
  },
});

import { roomFlag } from "./client/client_flags.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT, UsageError } from "../cli/errors.ts";
import { moderate, MODERATOR_FLAGS } from "./client/moderate.ts";
import { plural } from "../lib/words.ts";

/** `bcast announce`. */
export const announce = defineCommand({
  name: "announce",
  summary: "Send an announcement to all clients",
  description:
    "Sends a text in the name of the hub to all connected clients, or to the members of " +
    "one room. It is not stored: clients that connect later do not see it.\n\nNeeds an admin " +
    "token.",
  words: { placeholder: "TEXT...", help: "Text to announce", required: true },
  flags: {
    // `localOnly`: BCAST_ROOM must not narrow an announcement that is meant for all clients.
    room: { ...roomFlag("Announce only to members of this room", "all clients"), localOnly: true },
    ...MODERATOR_FLAGS,
  },
  examples: [
    ['announce "back in five minutes"', "Tell all clients"],
    ["announce --room lobby the build is green", "Tell the members of one room"],
  ],
  run: async (input, context) => {
    const message = input.words.join(" ").trim();
    if (message === "") {
      throw new UsageError("Nothing to announce. Write a text: bcast announce TEXT...");
    }
    const { room } = input.flags;
    const { affected } = await moderate(input, context, "announce", { message, room });
    await context.stdout.write(`Announced to ${plural(affected, "connection")}\n`);
    return EXIT.done;
  },
});

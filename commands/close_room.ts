import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  moderate,
  MODERATOR_FLAGS,
  roomOf,
  SANCTION_FLAGS,
  sanctionOptionsOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";

const WHICH = { placeholder: "ROOM", help: "Name of the room", required: true } as const;

/** `bcast close-room`. */
export const closeRoom = defineCommand({
  name: "close-room",
  summary: "Close a room",
  description:
    "Removes all members and rejects joins and messages until the closure expires or bcast " +
    "open-room lifts it. The room's history stays readable.\n\nNeeds an admin token.",
  positional: WHICH,
  flags: { ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["close-room party --for 12h", "Close a room for 12 hours"],
    ['close-room party --reason "continue in lobby"', "Close a room until it is opened again"],
  ],
  run: async (input, context) => {
    const room = roomOf("close-room", input.positional);
    const fields = { room, ...sanctionOptionsOf(input.flags) };
    const { affected } = await moderate(input, context, "close-room", fields);
    await context.stdout.write(`Closed ${room}: ${plural(affected, "member")} removed\n`);
    return EXIT.done;
  },
});

/** `bcast open-room`. */
export const openRoom = defineCommand({
  name: "open-room",
  summary: "Open a closed room",
  description:
    "Opens a closed room again. Exits with 1 if the room is not closed.\n\nNeeds an admin " +
    "token.",
  positional: WHICH,
  flags: MODERATOR_FLAGS,
  examples: [["open-room party", "Open a room"]],
  run: async (input, context) => {
    const room = roomOf("open-room", input.positional);
    await moderate(input, context, "open-room", { room });
    await context.stdout.write(`Opened ${room}\n`);
    return EXIT.done;
  },
});

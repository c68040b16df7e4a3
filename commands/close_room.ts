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

const WHICH = { placeholder: "ROOM", help: "Which room" };

/** `bcast close-room`. */
export const closeRoom = defineCommand({
  name: "close-room",
  summary: "Empty a room and keep it shut",
  about: "Everybody in the room has to leave it, and nobody enters it or writes there until it " +
    "is opened again. What was said there stays readable.\n\nNeeds an admin token.",
  positional: WHICH,
  flags: { ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["close-room party --for 12h", "Until tomorrow"],
    ['close-room party --reason "go on in lobby"', "Until it is opened again"],
  ],
  run: async (input, context) => {
    const room = roomOf("close-room", input.positional);
    const fields = { room, ...sanctionOptionsOf(input.flags) };
    const { affected } = await moderate(input, context, "close-room", fields);
    await context.stdout.write(`Closed ${room}: ${plural(affected, "member")} had to leave\n`);
    return EXIT.done;
  },
});

/** `bcast open-room`. */
export const openRoom = defineCommand({
  name: "open-room",
  summary: "Open a closed room again",
  about: "Lets everybody in again. Needs an admin token. Ends with 1 when the room is open.",
  positional: WHICH,
  flags: MODERATOR_FLAGS,
  examples: [["open-room party", "Let everybody in again"]],
  run: async (input, context) => {
    const room = roomOf("open-room", input.positional);
    await moderate(input, context, "open-room", { room });
    await context.stdout.write(`Opened ${room}\n`);
    return EXIT.done;
  },
});

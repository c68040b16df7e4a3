import { ADDRESS_ARGUMENT } from "./client/address.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { roomFlag } from "./client/client_flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import type { MemberReport } from "../protocol.ts";

/** `bcast who`. */
export const who = defineCommand({
  name: "who",
  summary: "List connected users",
  description:
    "Lists the users in all rooms, or in one, without joining: members are not notified. " +
    "Users marked away lost their connection a moment ago and may return.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    room: roomFlag("Only members of this room", "all rooms"),
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one user per line" }),
  },
  examples: [
    ["who", "List users and their rooms"],
    ["who --room lobby --json", "Members of one room as JSON"],
  ],
  run: async (input, context) => {
    using interruption = watchInterrupts(context);
    const { room, json } = input.flags;
    await using hub = await observe(input, interruption);
    const { members, online } = await hub.members(room);
    if (json) {
      await context.stdout.write(members.map((member) => safeJson(member) + "\n").join(""));
      return EXIT.done;
    }
    if (members.length === 0) {
      await context.stderr.write(`No users ${room === undefined ? "connected" : `in ${room}`}\n`);
      return EXIT.done;
    }
    await context.stdout.write(
      columns([{ title: "NAME" }, { title: "ROOMS" }], members.map(row), context.stdout),
    );
    if (online > members.length) {
      await context.stderr.write(
        `… and ${(online - members.length).toLocaleString("en-US")} more\n`,
      );
    }
    return EXIT.done;
  },
});

function row({ name, rooms, away }: MemberReport): readonly string[] {
  // Unambiguous: the names of rooms contain no blanks.
  return [name, rooms.join(" ") + (away ? " (away)" : "")];
}

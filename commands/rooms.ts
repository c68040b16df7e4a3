import { ADDRESS_ARGUMENT } from "./client/address.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { plural } from "../lib/words.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";

/** `bcast rooms`. */
export const rooms = defineCommand({
  name: "rooms",
  summary: "List rooms",
  description:
    "Lists the rooms that have members or messages, with the number of members, the number " +
    "of messages kept, and the ID of the newest.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one room per line" }),
  },
  examples: [
    ["rooms", "List the rooms of the hub on this machine"],
    ["rooms --json", "As JSON, for a program"],
  ],
  run: async (input, context) => {
    using interruption = watchInterrupts(context);
    await using hub = await observe(input, interruption);
    const report = await hub.rooms();
    if (input.flags.json) {
      await context.stdout.write(report.rooms.map((room) => safeJson(room) + "\n").join(""));
      return EXIT.done;
    }
    if (report.rooms.length === 0) {
      await context.stderr.write("No rooms yet\n");
      return EXIT.done;
    }
    const number = (value: number): string => value.toLocaleString("en-US");
    await context.stdout.write(columns(
      [
        { title: "ROOM" },
        { title: "ONLINE", align: "right" },
        { title: "MESSAGES", align: "right" },
        { title: "NEWEST", align: "right" },
      ],
      report.rooms.map(({ room, online, messages, last }) => [
        room,
        number(online),
        number(messages),
        last === 0 ? "-" : `#${last}`,
      ]),
      context.stdout,
    ));
    const more = report.total - report.rooms.length;
    if (more > 0) await context.stderr.write(`… and ${plural(more, "room")} more\n`);
    return EXIT.done;
  },
});

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
  summary: "List the rooms of a hub",
  about: "The rooms that somebody is in or that hold messages: how many are there, how many " +
    "messages are kept, and the number of the newest.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one room a line" }),
  },
  examples: [
    ["rooms", "The rooms of the hub on this machine"],
    ["rooms --json", "For a program"],
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
      await context.stderr.write("There is no room yet: nobody is here, and nothing was said\n");
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

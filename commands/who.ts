import { ADDRESS_ARGUMENT } from "./client/address.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { roomFlag } from "./client/client_flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import type { PersonReport } from "../protocol.ts";

/** `bcast who`. */
export const who = defineCommand({
  name: "who",
  summary: "List who is there",
  about: "Everybody in any room, or in one, without entering it: nobody is told that you looked. " +
    "Away are those whose connection broke a moment ago and may come back.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    room: roomFlag("Only those in this room", "all rooms"),
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one person a line" }),
  },
  examples: [
    ["who", "Everybody on the hub of this machine, and where"],
    ["who --room lobby --json", "Those in one room, for a program"],
  ],
  run: async (input, context) => {
    using interruption = watchInterrupts(context);
    const { room, json } = input.flags;
    await using hub = await observe(input, interruption);
    const { people, online } = await hub.people(room);
    if (json) {
      await context.stdout.write(people.map((person) => safeJson(person) + "\n").join(""));
      return EXIT.done;
    }
    if (people.length === 0) {
      await context.stderr.write(`Nobody is ${room === undefined ? "there" : `in ${room}`}\n`);
      return EXIT.done;
    }
    await context.stdout.write(
      columns([{ title: "NAME" }, { title: "ROOMS" }], people.map(row), context.stdout),
    );
    if (online > people.length) {
      await context.stderr.write(
        `… and ${(online - people.length).toLocaleString("en-US")} more\n`,
      );
    }
    return EXIT.done;
  },
});

function row({ name, rooms, away }: PersonReport): readonly string[] {
  // Neither can hold a blank that begins a bracket: names of rooms hold none at all.
  return [name, rooms.join(" ") + (away ? " (away)" : "")];
}

import { endInWords } from "../auth/time.ts";
import { ADDRESS_ARGUMENT } from "./client/address.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import type { SanctionReport } from "../protocol.ts";

const WHAT = { ban: "banned", mute: "muted", close: "closed" } as const;

/** `bcast bans`. */
export const bans = defineCommand({
  name: "bans",
  summary: "List the bans, mutes and closed rooms",
  about: "All that moderators have decided and that holds now, the oldest first. Needs an admin " +
    "token.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one measure a line" }),
  },
  examples: [
    ["bans", "Who is kept out, until when, and why"],
    ["bans --json", "For a program"],
  ],
  run: async (input, context) => {
    using interruption = watchInterrupts(context);
    await using hub = await observe(input, interruption);
    const { measures } = await hub.sanctions();
    if (input.flags.json) {
      await context.stdout.write(measures.map((measure) => safeJson(measure) + "\n").join(""));
      return EXIT.done;
    }
    if (measures.length === 0) {
      await context.stderr.write("Nobody is banned or muted, and no room is closed\n");
      return EXIT.done;
    }
    await context.stdout.write(columns(
      [{ title: "WHAT" }, { title: "WHOM" }, { title: "UNTIL" }, { title: "BY" }, {
        title: "REASON",
      }],
      measures.map(row),
      context.stdout,
    ));
    return EXIT.done;
  },
});

function row(measure: SanctionReport): readonly string[] {
  const { kind, name, address, room, until, by, reason } = measure;
  return [
    WHAT[kind],
    name ?? address ?? room ?? "",
    until === undefined ? "lifted" : endInWords(Date.parse(until)),
    by,
    reason ?? "-",
  ];
}

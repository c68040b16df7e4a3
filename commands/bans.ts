import { formatMinute } from "../lib/format_time.ts";
import { ADDRESS_ARGUMENT } from "./client/address.ts";
import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { observe, OBSERVER_FLAGS } from "./client/observer.ts";
import { watchInterrupts } from "../cli/signals.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import type { SanctionReport } from "../protocol.ts";

const WHAT: Readonly<Record<string, string>> = { ban: "banned", mute: "muted", close: "closed" };

/** `bcast bans`. */
export const bans = defineCommand({
  name: "bans",
  summary: "List bans, mutes and closed rooms",
  description: "Lists all sanctions in force, oldest first.\n\nNeeds an admin token.",
  positional: ADDRESS_ARGUMENT,
  flags: {
    ...OBSERVER_FLAGS,
    json: flag.toggle({ help: "Print JSON, one sanction per line" }),
  },
  examples: [
    ["bans", "Show targets, expiry and reasons"],
    ["bans --json", "As JSON, for a program"],
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
      await context.stderr.write("No bans, no mutes, no closed rooms\n");
      return EXIT.done;
    }
    await context.stdout.write(columns(
      [{ title: "TYPE" }, { title: "TARGET" }, { title: "UNTIL" }, { title: "BY" }, {
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
    WHAT[kind] ?? kind,
    name ?? address ?? room ?? "",
    until === undefined ? "lifted" : formatMinute(Date.parse(until)),
    by,
    reason ?? "-",
  ];
}

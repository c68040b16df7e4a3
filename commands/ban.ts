import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  ADDRESS,
  formatTarget,
  lift,
  moderate,
  MODERATOR_FLAGS,
  SANCTION_FLAGS,
  sanctionOptionsOf,
  TARGET_FLAGS,
  targetOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast ban`. */
export const ban = defineCommand({
  name: "ban",
  summary: "Keep somebody out",
  about: "Sends away who has the name or comes from the address, and lets nobody in who does, " +
    "until the time is over or bcast unban lifts it; a restart of the hub changes nothing. Who " +
    "has an admin token is let in all the same.\n\nNeeds an admin token.",
  positional: TARGET_FLAGS,
  flags: { ...ADDRESS, ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["ban Eve --for 1d --reason spam", "For a day"],
    ["ban --address 192.0.2.7", "Whoever comes from there, whatever the name"],
  ],
  run: async (input, context) => {
    const { flags } = input;
    const whom = targetOf("ban", input.positional, flags.address);
    const fields = { ...whom, ...sanctionOptionsOf(flags) };
    const { affected, addresses = [] } = await moderate(input, context, "ban", fields);
    const from = addresses.length === 0 ? "" : `, from ${visible(addresses.join(", "))}`;
    await context.stdout.write(
      `Banned ${formatTarget(whom)}: ${plural(affected, "session")} ended${from}\n`,
    );
    return EXIT.done;
  },
});

/** `bcast unban`. */
export const unban = defineCommand({
  name: "unban",
  summary: "Let somebody in again",
  about: "Lifts the ban of a name or an address. Needs an admin token. Ends with 1 when there is " +
    "no such ban.",
  positional: TARGET_FLAGS,
  flags: { ...ADDRESS, ...MODERATOR_FLAGS },
  examples: [
    ["unban Eve", "Lift the ban of a name"],
    ["unban --address 2001:db8::/64", "Lift that of an address, as bcast bans shows it"],
  ],
  run: (input, context) => lift(input, context, "unban"),
});

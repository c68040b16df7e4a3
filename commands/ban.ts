import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import {
  ADDRESS,
  addressOf,
  formatTarget,
  lift,
  moderate,
  MODERATOR_FLAGS,
  SANCTION_FLAGS,
  sanctionOptionsOf,
  TARGET,
  targetOf,
} from "./client/moderate.ts";
import { plural } from "../lib/words.ts";
import { visible } from "../protocol.ts";

/** `bcast ban`. */
export const ban = defineCommand({
  name: "ban",
  summary: "Ban a user or an address",
  description:
    "Disconnects all sessions with the name or address and rejects new ones until the ban " +
    "expires or bcast unban lifts it. Bans survive restarts of the hub. Clients with an " +
    "admin token are never rejected.\n\nNeeds an admin token.",
  positional: TARGET,
  flags: { ...ADDRESS, ...SANCTION_FLAGS, ...MODERATOR_FLAGS },
  examples: [
    ["ban Eve --for 1d --reason spam", "Ban a name for a day"],
    ["ban --address 192.0.2.7", "Ban an address under any name"],
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
  summary: "Lift a ban",
  description:
    "Lifts the ban of a name or an address. Exits with 1 if there is no such ban.\n\nNeeds " +
    "an admin token.",
  positional: TARGET,
  flags: { ...addressOf("Address whose ban to lift"), ...MODERATOR_FLAGS },
  examples: [
    ["unban Eve", "Lift the ban of a name"],
    ["unban --address 2001:db8::/64", "Lift the ban of an address, as listed by bcast bans"],
  ],
  run: (input, context) => lift(input, context, "unban"),
});

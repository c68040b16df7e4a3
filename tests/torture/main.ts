// deno-lint-ignore-file no-console -- this script prints its results
/**
 * `deno task torture [--messages 100000] [--kills 2] [--seed N]`: `seq N | bcast send` through a hub
 * that is killed with `kill -9` and restarted, into listeners that are killed and restarted all the
 * time. Exits 1 and lists the violations when a message was lost, or duplicated in a file.
 */
import { parseArgs } from "@std/cli";
import { torture } from "./run.ts";

const args = parseArgs(Deno.args, { string: ["messages", "kills", "seed"] });
const messages = Number(args["messages"] ?? 100_000);
const hubKills = Number(args["kills"] ?? 2);
const seed = Number(args["seed"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
console.log(`torture with --seed ${seed}`);
const { violations, ...figures } = await torture({
  seed,
  messages,
  hubKills,
  listenerStride: Math.max(1, Math.floor(messages / 10)),
  onProgress: (line) => console.log(line),
});
console.log(figures);
for (const violation of violations) console.log(`VIOLATION: ${violation}`);
console.log(`${violations.length} violations`);
Deno.exit(violations.length === 0 ? 0 : 1);

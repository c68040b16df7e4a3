// deno-lint-ignore-file no-console -- this script prints its results
/**
 * `deno task rolling [--clients 1000] [--rate 1000] [--rooms 50] [--drain 5] [--seconds 5]`: stops
 * and restarts a hub under load, and prints how the clients reconnected. Exits 1 and lists the
 * violations when an acked message was lost, duplicated or reordered.
 */
import { parseArgs } from "@std/cli";
import { rollingStop } from "./rolling.ts";

const args = parseArgs(Deno.args, { string: ["clients", "rate", "rooms", "drain", "seconds"] });
const report = await rollingStop({
  clients: Number(args["clients"] ?? 1000),
  rate: Number(args["rate"] ?? 1000),
  rooms: Number(args["rooms"] ?? 50),
  drain: Number(args["drain"] ?? 5),
  seconds: Number(args["seconds"] ?? 5),
  onProgress: (line) => console.log(line),
});
const { violations, ...figures } = report;
console.log(figures);
for (const violation of violations.slice(0, 50)) console.log(`VIOLATION: ${violation}`);
console.log(`${violations.length} violations`);
Deno.exit(violations.length === 0 && report.exitCode === 0 ? 0 : 1);

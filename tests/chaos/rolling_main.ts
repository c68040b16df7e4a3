// deno-lint-ignore-file no-console -- a script: what it prints is what it is for
/**
 * `deno task rolling [--clients 1000] [--rate 1000] [--rooms 50] [--drain 5] [--seconds 5]`: a hub
 * under load is told to stop, and is started again at once. Exits 1, naming them, when anything
 * acked was lost, doubled or out of order; prints how the clients came back.
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

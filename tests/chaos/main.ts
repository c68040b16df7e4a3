// deno-lint-ignore-file no-console -- this script prints its results
/**
 * `deno task chaos [--seconds 60] [--seed N]`: five publishers that retry, fifty subscribers that
 * resume, one that stalls, a network that delays, splits and cuts, and a hub that is killed with
 * `kill -9`. Exits 1 and lists the violations when a message was lost, duplicated or reordered.
 */
import { parseArgs } from "@std/cli";
import { chaos, NETWORK_FAULTS } from "./run.ts";

const args = parseArgs(Deno.args, { string: ["seconds", "seed"] });
const seconds = Number(args["seconds"] ?? 60);
const seed = Number(args["seed"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
console.log(`chaos for ${seconds} s with --seed ${seed}`);
const report = await chaos({
  seed,
  seconds,
  publishers: 5,
  subscribers: 50,
  rate: 40,
  faults: NETWORK_FAULTS,
  killEvery: [2_000, 8_000],
  onProgress: (line) => console.log(line),
});
const { violations, ...figures } = report;
console.log(figures);
for (const violation of violations.slice(0, 50)) console.log(`VIOLATION: ${violation}`);
console.log(`${violations.length} violations`);
Deno.exit(violations.length === 0 ? 0 : 1);

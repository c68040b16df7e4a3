// deno-lint-ignore-file no-console -- this script prints its results
/**
 * `deno task fuzz [--minutes 1] [--seed N]`: random clients on every transport of a hub: frames
 * that are valid, nearly valid and garbage, in all encodings, and HTTP requests, split anywhere.
 * Exits 1 when the hub responds with 500, logs an error or exits, when an unrelated client loses a
 * message, or when memory keeps growing.
 */
import { parseArgs } from "@std/cli";
import { fuzz } from "./run.ts";

/** Allowed growth of memory in bytes, from a quarter of the time to its end. */
const MAX_GROWTH = 100 * 1024 * 1024;

const args = parseArgs(Deno.args, { string: ["minutes", "seed"] });
const minutes = Number(args["minutes"] ?? 1);
const seed = Number(args["seed"] ?? crypto.getRandomValues(new Int32Array(1))[0]);
console.log(`fuzzing for ${minutes} min with --seed ${seed}`);
const { failure, memory, ...figures } = await fuzz({
  seed,
  milliseconds: minutes * 60_000,
  onProgress: (line) => console.log(line),
});
console.log(figures);
const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);
console.log(
  `memory: ${mib(memory.early)} MiB after a quarter of the time, ` +
    `${mib(memory.end)} at the end, ${mib(memory.peak)} at most`,
);
const grew = memory.end - memory.early > MAX_GROWTH;
if (grew) console.log("Memory keeps growing");
if (failure !== undefined) console.log(failure);
Deno.exit(failure === undefined && !grew ? 0 : 1);

/**
 * Measures the cost of appending to the log: batches of several sizes, with origins, into a file.
 *
 *     deno run --allow-all --config=deno.json bench/append.ts [MODULE...]
 *
 * Each MODULE exports `openSqliteBroker()`; the default is that of this checkout. Several modules, such
 * as those of two checkouts, take turns, so that noise affects all of them alike.
 *
 * @module
 */

import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Broker, MessageDraft } from "../broker/broker.ts";

const SIZES: readonly number[] = [1, 4, 16, 64];
const ROUNDS = 6;

/** Messages per round. */
const MESSAGES = 20_000;
const MIN_BATCHES = 1500;

/** A text of usual length. */
const TEXT = "x".repeat(100);

const encoder = new TextEncoder();

interface Contender {
  readonly name: string;
  readonly broker: Broker;
  readonly micros: number[];
  sent: number;
}

type Open = (options: { readonly path: string }) => Promise<Broker>;

async function contender(module: string, directory: string): Promise<Contender> {
  const { openSqliteBroker } = await import(module) as { readonly openSqliteBroker: Open };
  const path = `${await Deno.makeTempDir({ dir: directory })}/log.db`;
  return { name: module, broker: await openSqliteBroker({ path }), micros: [], sent: 0 };
}

async function round(one: Contender, size: number): Promise<void> {
  const batches = Math.max(MIN_BATCHES, MESSAGES / size);
  for (let count = 0; count < batches; count++) {
    const drafts: MessageDraft[] = Array.from({ length: size }, () => ({
      room: "lobby",
      sender: "load-1",
      content: { message: TEXT },
      origin: { sender: "0123456789abcdef012345", key: String(one.sent++) },
    }));
    const start = performance.now();
    await one.broker.append(drafts);
    // Includes the log's work between turns of the event loop.
    await setImmediate();
    one.micros.push((performance.now() - start) * 1000);
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

function report(size: number, { name, micros }: Contender): void {
  const sorted = Float64Array.from(micros).sort();
  const at = (part: number): string => (sorted[Math.floor(part * sorted.length)] ?? 0).toFixed(1);
  const mean = sorted.reduce((sum, one) => sum + one, 0) / sorted.length;
  const longest = ((sorted.at(-1) ?? 0) / 1000).toFixed(1);
  print(
    `${String(size).padStart(3)} a batch: ${mean.toFixed(1).padStart(6)} µs ` +
      `(${(mean / size).toFixed(2)} a message), half below ${at(0.5)}, ` +
      `99% below ${at(0.99)}, longest ${longest} ms  ${name}`,
  );
}

const given = Deno.args.map((path) => pathToFileURL(resolve(path)).href);
const modules = given.length > 0
  ? given
  : [import.meta.resolve("../broker/sqlite/sqlite_broker.ts")];
const directory = await Deno.makeTempDir({ prefix: "bcast-append-" });
try {
  for (const size of SIZES) {
    const contenders = await Promise.all(modules.map((module) => contender(module, directory)));
    for (let count = 0; count <= ROUNDS; count++) {
      for (const one of contenders) {
        await round(one, size);
        // The first round warms up.
        if (count === 0) one.micros.length = 0;
      }
    }
    for (const one of contenders) {
      await one.broker[Symbol.asyncDispose]();
      report(size, one);
    }
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}

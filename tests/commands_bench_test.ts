import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "./kit/process.ts";
import { startTestHub } from "./kit/test_hub.ts";

Deno.test("`bcast bench` reports what arrived, and that nothing is missing", async () => {
  await using hub = await startTestHub();
  await using bench = new Program([
    ...["bench", hub.url, "--clients", "5", "--publishers", "2", "--seconds", "1", "--json"],
  ]);
  assertEquals(await bench.exit(), 0, bench.errors);
  const report = JSON.parse(bench.lines.join("\n"));
  assertEquals([report.clients, report.publishers], [5, 2]);
  assertEquals([report.lost, report.duplicated, report.outOfOrder], [0, 0, 0]);
  assert(report.deliveriesPerSecond > 0 && report.latency.max > 0);
  assertEquals(bench.errors, "", "no progress bar where there is no terminal");
});

Deno.test("`bcast bench` prints a table for a person", async () => {
  await using hub = await startTestHub();
  await using bench = new Program(["bench", hub.url, "--clients", "2", "--seconds", "1"]);
  assertEquals(await bench.exit(), 0, bench.errors);
  const table = bench.lines.join("\n");
  for (const row of ["deliveries/s", "latency p99.9", "lost", "out of order"]) {
    assertMatch(table, new RegExp(`^${row} +\\d`, "m"));
  }
});

Deno.test("`bcast bench` says in one line why there is nothing to measure", async () => {
  for (
    const [args, code, line] of [
      [["ws://127.0.0.1:1", "--seconds", "1"], 3, /^Cannot load ws:\/\/127\.0\.0\.1:1\/?: /],
      [["--clients", "1", "--publishers", "2"], 2, /^--publishers must be at most --clients/],
      [["--size", "60K"], 2, /^--size must be at most 32K/],
    ] as [string[], number, RegExp][]
  ) {
    await using bench = new Program(["bench", ...args]);
    assertEquals(await bench.exit(), code, bench.errors);
    assertMatch(bench.errors.trimEnd(), line);
    assertEquals(bench.errors.trimEnd().split("\n").length, 1);
  }
});

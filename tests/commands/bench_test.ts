import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "../kit/process.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { startTestHub } from "../kit/test_hub.ts";

Deno.test("`bcast bench` reports the deliveries, and no loss", async () => {
  await using hub = await startTestHub();
  await using bench = new Program([
    ...["bench", hub.url, "--clients", "5", "--publishers", "2", "--rate", "200"],
    ...["--seconds", "1", "--json"],
  ]);
  assertEquals(await bench.exit(), 0, bench.errors);
  const report = JSON.parse(bench.lines.join("\n"));
  assertEquals([report.clients, report.publishers], [5, 2]);
  assertEquals([report.lost, report.duplicated, report.outOfOrder], [0, 0, 0]);
  assert(report.deliveriesPerSecond > 0 && report.latency.max > 0);
  assertEquals(bench.errors, "", "no progress bar where there is no terminal");
});

Deno.test("`bcast bench` prints a table by default", async () => {
  await using hub = await startTestHub();
  await using bench = new Program(["bench", hub.url, "--clients", "2", "--seconds", "1"]);
  assertEquals(await bench.exit(), 0, bench.errors);
  const table = bench.lines.join("\n");
  assertMatch(table, /^load +1 publisher, 16 in flight until received, 64 bytes a message$/m);
  assertMatch(table, /^measured +1\.\d s, [\d,]+ deliveries$/m);
  for (const row of ["deliveries/s", "latency p99.9", "lost", "out of order"]) {
    assertMatch(table, new RegExp(`^${row} +\\d`, "m"));
  }
});

Deno.test("`bcast bench --scene` selects a documented load, and flags override its parts", async () => {
  await using hub = await startTestHub();
  const loadOf = async (...args: string[]): Promise<unknown> => {
    await using bench = new Program(["bench", hub.url, "--seconds", "1", "--json", ...args]);
    assertEquals(await bench.exit(), 0, bench.errors);
    const { clients, publishers, pace, size } = JSON.parse(bench.lines.join("\n"));
    return { clients, publishers, pace, size };
  };
  assertEquals(
    await loadOf("--scene", "durable", "--rate", "0"),
    { clients: 1, publishers: 1, pace: { inFlight: 256, until: "ack" }, size: 64 },
  );
  assertEquals(
    await loadOf("--scene", "steady", "--clients", "3", "--publishers", "2", "--size", "100"),
    { clients: 3, publishers: 2, pace: { rate: 100 }, size: 100 },
  );
  assertEquals(
    await loadOf("--clients", "2", "--in-flight", "3"),
    { clients: 2, publishers: 1, pace: { inFlight: 3, until: "echo" }, size: 64 },
  );
});

Deno.test("`bcast bench` reports an unreachable hub in one line", async () => {
  for (
    const [args, code, line] of [
      [["ws://127.0.0.1:1", "--seconds", "1"], 3, /^Cannot load ws:\/\/127\.0\.0\.1:1\/?: /],
      [["--clients", "1", "--publishers", "2"], 2, /^--publishers must be at most --clients/],
      [["--rate", "5", "--in-flight", "5"], 2, /^Cannot use --rate together with --in-flight/],
      [["--size", "60K"], 2, /^--size must be at most 32K/],
    ] as [string[], number, RegExp][]
  ) {
    await using bench = new Program(["bench", ...args]);
    assertEquals(await bench.exit(), code, bench.errors);
    assertMatch(bench.errors.trimEnd(), line);
    assertEquals(bench.errors.trimEnd().split("\n").length, 1);
  }
});

Deno.test("`bcast bench` without the required token says how to pass one", async () => {
  await using hub = await startTestHub({ authorizer: new SecretAuthorizer(["a-secret-of-tests"]) });
  await using bench = new Program(["bench", hub.url, "--seconds", "1"]);
  assertEquals(await bench.exit(), 3);
  assertMatch(
    bench.errors,
    /^The hub at ws:\S+ rejected the connection: This hub requires a token: ask its operator for one, then pass it with --token-file FILE\n$/,
  );
});

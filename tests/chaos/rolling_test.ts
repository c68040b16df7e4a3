import { assert, assertEquals } from "@std/assert";
import { rollingStop } from "./rolling.ts";

Deno.test({
  name: "a loaded hub that stops calmly and comes back loses nobody and nothing",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    let n = 0;
    const report = await rollingStop({
      clients: 40,
      rooms: 2,
      rate: 200,
      drain: 1,
      seconds: 0.3,
      // A third of a client's patience, spread like chance: enough to outlast the stop.
      random: () => 0.35 + 0.1 * (n++ % 10) / 10,
    });
    assertEquals(report.violations, []);
    assertEquals(report.exitCode, 0);
    assert(report.acked > 0 && report.messages >= report.acked, JSON.stringify(report));
    assertEquals(report.back.samples, 40);
  },
});

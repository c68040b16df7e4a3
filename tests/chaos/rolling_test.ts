import { assert, assertEquals } from "@std/assert";
import { rollingStop } from "./rolling.ts";

Deno.test({
  name: "a hub under load that is stopped and restarted loses no client and no message",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    let n = 0;
    const report = await rollingStop({
      clients: 40,
      rooms: 2,
      rate: 200,
      drain: 1,
      seconds: 0.3,
      // About a third of the longest reconnect delay, which is enough to outlast the stop.
      random: () => 0.35 + 0.1 * (n++ % 10) / 10,
    });
    assertEquals(report.violations, []);
    assertEquals(report.exitCode, 0);
    assert(report.acked > 0 && report.messages >= report.acked, JSON.stringify(report));
    assertEquals(report.reconnect.samples, 40);
  },
});

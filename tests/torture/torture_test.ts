import { assert, assertEquals } from "@std/assert";
import { fileViolations, pipedViolations, torture } from "./run.ts";

Deno.test("`fileViolations()` and `pipedViolations()` find lost, repeated and reordered lines", () => {
  assertEquals(fileViolations("1\n2\n3\n", 3), []);
  for (const text of ["", "1\n2\n", "1\n2\n2\n3\n", "1\n3\n2\n", "1\n2\n3", "1\n2\n3\n4\n"]) {
    assertEquals(fileViolations(text, 3).length, 1, text);
  }
  assertEquals(pipedViolations([["1", "2"], ["2", "3"]], 3), { violations: [], repeats: 1 });
  assertEquals(pipedViolations([["1", "2"], [], ["3"]], 3), { violations: [], repeats: 0 });
  for (const runs of [[["1", "2"]], [["1"], ["3"]], [["1", "3"]], [["2", "3"]], [["1", "1"]]]) {
    assert(pipedViolations(runs, 3).violations.length > 0, JSON.stringify(runs));
  }
});

Deno.test({
  name:
    "`bcast send` and `bcast listen` lose and duplicate nothing when hubs and listeners are killed",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const report = await torture({
      seed: 20261121,
      messages: 6000,
      hubKills: 1,
      listenerStride: 1000,
    });
    assertEquals(report.violations, []);
    assert(report.fileKills > 0 && report.pipeKills > 0, JSON.stringify(report));
  },
});

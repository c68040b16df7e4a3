import { assert, assertEquals } from "@std/assert";
import { type Evidence, type Seen, violations } from "./checker.ts";
import { chaos, NETWORK_FAULTS } from "./run.ts";

const seen = (id: number, message = `p0:${id}`): Seen => ({ id, sender: "p0", message });
const log = [1, 2, 3].map((id) => seen(id));

function check(evidence: Partial<Evidence>): string[] {
  return violations({
    log,
    acked: log.map(({ id, message = "" }) => ({ id, message })),
    subscribers: [{ name: "s0", seen: log, unrecovered: 0 }],
    ...evidence,
  });
}

const view = (messages: readonly Seen[], unrecovered = 0): Partial<Evidence> => ({
  subscribers: [{ name: "s0", seen: messages, unrecovered }],
});

Deno.test("`violations()` accepts a complete record, and reports every violation", () => {
  assertEquals(check({}), []);
  assertEquals(check(view(log.slice(1))), [], "a late subscriber sees fewer messages");
  const wrong: [Partial<Evidence>, string][] = [
    [{ acked: [{ id: 4, message: "p0:4" }] }, "p0:4 was acked as 4, where the log has undefined"],
    [{ acked: [{ id: 2, message: "p0:1" }] }, "p0:1 was acked as 2, where the log has p0:2"],
    [{ log: [seen(1), seen(3)], acked: [], ...view([]) }, "the log goes from 1 to 3"],
    [
      { log: [seen(1), seen(2, "p0:1")], acked: [], ...view([]) },
      "p0:1 is in the log twice: 1 and 2",
    ],
    [
      { log: [seen(1, "p0:2"), seen(2, "p0:1")], acked: [], ...view([]) },
      "p0's 1 comes after its 2",
    ],
    [view([seen(1), seen(3)]), "s0 saw 3 after 1"],
    [view([seen(1), seen(1), seen(2), seen(3)]), "s0 saw 1 after 1"],
    [view([seen(1), seen(2, "x"), seen(3)]), "s0 saw x as 2, where the log has p0:2"],
    [view([seen(1), seen(2)]), "s0 saw up to 2, and the log goes to 3"],
    [view(log, 1), "s0 was not recovered 1 times"],
  ];
  for (const [evidence, violation] of wrong) {
    const found = check(evidence);
    assert(found.includes(violation), `${violation}: ${found}`);
  }
});

Deno.test("a few seconds of chaos lose, duplicate and reorder nothing", async () => {
  const report = await chaos({
    seed: 20261121,
    seconds: 3,
    publishers: 5,
    subscribers: 20,
    rate: 40,
    faults: { ...NETWORK_FAULTS, cut: 0.005 },
    killEvery: [1_000, 2_000],
  });
  assertEquals(report.violations, []);
  assert(report.kills > 0 && report.cuts > 0 && report.acked > 0, JSON.stringify(report));
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encoderNamed } from "../../../bench/encoders.ts";
import { ratios, type Round, table } from "../../../bench/report.ts";

const key = "deliveriesPerSecond";
const ROUNDS: readonly Round[] = [
  { scenario: "saturated", target: "bcast", round: 1, figures: { [key]: 300 } },
  { scenario: "saturated", target: "bcast", round: 2, figures: { [key]: 100 } },
  { scenario: "saturated", target: "bun", round: 1, figures: { [key]: 200 } },
  { scenario: "saturated", target: "bun", round: 2, figures: { [key]: 200 } },
  { scenario: "saturated", target: "ws", round: 1, error: "it fell over" },
];

Deno.test("ratios() compares within each round when a server fails in one", () => {
  const found = ratios(ROUNDS);
  assertEquals(found.map(({ target, figure, rounds, mean }) => [target, figure, rounds, mean]), [
    ["bun", key, [1.5, 0.5], 1],
  ]);
});

Deno.test("table() shows every server and what failed", () => {
  const text = table("saturated", ROUNDS, new Map([["bun", "Bun 1"]]));
  assertStringIncludes(text, "Bun 1");
  assertStringIncludes(text, "1.00 (1.50, 0.50)");
  assertStringIncludes(text, "ws, round 1: it fell over");
  const widths = text.split("\n").slice(1, -1).map((line) => line.length);
  assertEquals(new Set(widths).size, 1);
});

Deno.test("a Socket.IO conversation resumes after its offset", () => {
  const dialect = encoderNamed("socket.io");
  const encoder = new TextEncoder();
  const event = (sequence: number, offset: string): string => {
    const text = new TextDecoder().decode(dialect.template(0, 64).bytes);
    const stamped = text.replace("~000000000~", `~${String(sequence).padStart(9, "0")}~`);
    return stamped.replace(/\]$/, `,"${offset}"]`);
  };
  const ids: number[] = [];
  const sink = { wantsOthers: false, message: (id: number) => ids.push(id), other: () => {} };
  const first = dialect.conversation(0);
  assertEquals(first.greet(`0{"sid":"x"}`), { reply: "40" });
  assert(first.greet(`40{"sid":"s","pid":"p"}`).ready !== undefined);
  const frame = encoder.encode(event(1, "o1"));
  assertEquals(first.scan(frame, 0, frame.length, sink), undefined);
  assertEquals(first.scan(encoder.encode("2"), 0, 1, sink), "3");
  assertEquals(ids, [1]);

  const second = first.resume(1);
  assertEquals(second.greet(`0{"sid":"y"}`), { reply: `40{"pid":"p","offset":"o1"}` });
  assertEquals(second.greet(event(2, "o2")), {});
  assertEquals(second.greet(event(3, "o3")), {});
  assertEquals(second.greet(`40{"sid":"s","pid":"p"}`), {
    ready: { last: 3, recovered: true },
  });
});

import { assert, assertEquals } from "@std/assert";
import { formatNames, summarizePresence, summaryText, whoText } from "../../chat/presence.ts";

Deno.test("summarizePresence() keeps the net change", () => {
  const presence = { type: "presence", room: "r", online: 5 } as const;
  const two = summarizePresence(undefined, { ...presence, joined: ["A", "B"], left: ["X"] });
  assert(two !== undefined);
  assertEquals(summaryText(two), "A, B joined, X left (5 online)");
  assertEquals(summarizePresence(undefined, presence), undefined);
  // A person who returns never left.
  const back = summarizePresence(summarizePresence(undefined, { ...presence, left: ["X"] }), {
    ...presence,
    joined: ["x"],
  });
  assertEquals(back, undefined);
  const renamed = summarizePresence(two, {
    ...presence,
    renamed: [{ from: "a", to: "Al" }, { from: "Y", to: "Z" }],
    joined: ["C", "D"],
  });
  assertEquals(renamed && summaryText(renamed), "4 joined, X left, Y is now Z (5 online)");
});

Deno.test("summarizePresence() stays bounded", () => {
  let summary = summarizePresence(undefined, {
    type: "presence",
    room: "r",
    online: 1,
    joined: ["A"],
  });
  for (let n = 0; n < 500; n++) {
    const renamed = [{ from: `x${n}`, to: `x${n + 1}` }];
    const presence = { type: "presence", room: "r", online: 2 } as const;
    summary = summarizePresence(summary, { ...presence, joined: [`g${n}`], renamed });
    summary = summarizePresence(summary, { ...presence, left: [`g${n}`] });
  }
  assertEquals([summary?.joined.size, summary?.left.size, summary?.passing], [1, 0, 500]);
  assertEquals(summary?.renamed.length, 20);
});

Deno.test("formatNames() lists names as people do", () => {
  const names = ["Alice", "Bob", "Carol"];
  assertEquals([0, 1, 2, 3].map((count) => formatNames(names.slice(0, count))), [
    "",
    "Alice",
    "Alice and Bob",
    "Alice, Bob and Carol",
  ]);
});

Deno.test("whoText() lists the members, and counts those that the hub does not name", () => {
  const who = { room: "lobby", online: 250, members: ["A", "B"] };
  assertEquals(whoText(who), "250 in lobby: A, B and 248 more");
  assertEquals(whoText({ room: "lobby", online: 250 }), "250 in lobby");
});

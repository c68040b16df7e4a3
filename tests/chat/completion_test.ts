import { assertEquals } from "@std/assert";
import { type ChatActions, CommandTable, SHARED_COMMANDS } from "../../chat/commands.ts";
import { completionAt } from "../../chat/completion.ts";

const COMMANDS = new CommandTable<ChatActions>(SHARED_COMMANDS, () => "");
const KNOWN = {
  people: ["Carol", "Bob", "Bobby Lee"],
  rooms: ["lobby", "dev"],
  anyRoom: ["lobby", "dev", "docs"],
};

for (
  const [before, choices, from] of [
    ["/q", ["/quit"], 0],
    ["/J", ["/join "], 0],
    ["/msg b", ["Bob ", '"Bobby Lee" '], 5],
    ["/msg bobby l", ['"Bobby Lee" '], 5],
    ['/msg "bobby', ['"Bobby Lee" '], 5],
    ["/msg @bobby", ['@"Bobby Lee" '], 5],
    ["/pm @ca", ["@Carol "], 4],
    ["/msg Bob tell @ca", ["@Carol "], 14],
    ["/leave d", ["dev "], 7],
    ["/leave #d", ["#dev "], 7],
    ["/join d", ["dev ", "docs "], 6],
    ["/join #do", ["#docs "], 6],
    ["/who ", ["lobby ", "dev ", "docs "], 5],
    ["@c", ["@Carol "], 0],
    ["@ＣＡ", ["@Carol "], 0],
    ["hi @bobby l", ["@Bobby Lee "], 3],
    ["hi (@b", ["@Bob ", "@Bobby Lee "], 4],
  ] as const
) {
  Deno.test(`completionAt() completes ${JSON.stringify(before)}`, () => {
    const found = completionAt(before, KNOWN, COMMANDS);
    assertEquals(found?.choices.map(({ insert }) => insert), [...choices]);
    assertEquals([found?.from, found?.to], [from, before.length]);
  });
}

Deno.test("completionAt() offers nothing without candidates", () => {
  for (const before of ["", "ca", "me@ca", "//ca", "/nick x", "/nosuch c", "/leave x", "@x"]) {
    assertEquals(completionAt(before, KNOWN, COMMANDS), undefined, before);
  }
});

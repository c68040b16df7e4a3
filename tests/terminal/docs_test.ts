import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../terminal/commands.ts";
import { MAX_ITEMS } from "../../terminal/windows.ts";

const text = await Deno.readTextFile(new URL("../../docs/terminal.md", import.meta.url));

Deno.test("docs/terminal.md tells every slash command, and no other", () => {
  const told = new Set(
    [...text.matchAll(/`\/([a-z]+)!?[ `]/g)].map(([, name = ""]) => name),
  );
  const known = COMMANDS.all.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  assertEquals([...told].sort(), known.sort());
  for (const { name, takes } of COMMANDS.all) {
    const words = takes.replaceAll(/[[\]]/g, "").replaceAll("|", "\\|");
    if (words === "" || name === "me" || name === "help") continue;
    assert(text.replaceAll(/[[\]]/g, "").includes(`/${name} ${words}`), `/${name} ${takes}`);
  }
});

Deno.test("docs/terminal.md tells how much a window keeps", () => {
  assert(text.replaceAll("\n", " ").includes(`last ${MAX_ITEMS.toLocaleString("en-US")} lines`));
});

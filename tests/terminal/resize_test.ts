import { assert, assertEquals } from "@std/assert";
import { graphemes } from "../../render/width.ts";
import { Desk, LEFT, PROMPT } from "../kit/desk.ts";

for (const emoji of [false, true]) {
  const what = emoji ? "takes nothing away" : "draws cleanly";
  Deno.test(`Editor ${what} at every change of width, ${emoji ? "with" : "without"} emoji`, async () => {
    const astronaut = emoji ? "👩‍🚀" : "天地";
    const draft = `a draft of 天地玄黄 that takes rows ${astronaut} and more `.repeat(2).trimEnd();
    const characters = graphemes(draft);
    for (let width = 20; width <= 80; width++) {
      for (const back of [0, 7, 40]) {
        using desk = new Desk(50, 16);
        desk.listen();
        desk.print("said 1", "said 2", "said 3");
        await desk.type(draft, LEFT.repeat(back));
        desk.editor.setStatus(["a status that is not as short as it could be"]);
        desk.pass();
        desk.terminal.resize(width, 16);
        desk.pass(300);
        const text = desk.terminal.screen.text.replaceAll("\n", "|");
        const what = `${width} columns, ${back} back: ${text}`;
        assert(text.startsWith("said 1|said 2|said 3|a status"), what);
        const head = PROMPT + characters.slice(0, characters.length - back).join("");
        assert(plain(head).endsWith(plain(desk.terminal.screen.beforeCursor)), what);
        assertEquals(desk.told.filter((each) => each === "resized").length, width === 50 ? 0 : 1);
        // Where terminals disagree about widths, half a row may be left; never is one lost.
        if (emoji) continue;
        assertEquals(text.split("[lobby]").length, 2, what);
        assertEquals(text.split("a status").length, 2, what);
      }
    }
  });
}

function plain(text: string): string {
  return text.replaceAll(/\s/g, "");
}

Deno.test("Editor waits with drawing until a size has settled", async () => {
  using desk = new Desk(50, 12);
  desk.listen();
  desk.print("said 1", "said 2");
  await desk.type("x".repeat(100));
  desk.pass();
  const before = desk.terminal.writes.length;
  for (let width = 50; width >= 20; width -= 5) {
    desk.terminal.resize(width, 12);
    desk.print(`meanwhile ${width}`);
    await desk.type("y");
    desk.pass(250);
  }
  // The first one is no change.
  assertEquals(desk.terminal.writes.length, before + 2);
  desk.terminal.resize(50, 12);
  desk.pass(300);
  assertEquals(desk.events, ["resized"]);
  const said = [50, 45, 40, 35, 30, 25, 20].map((width) => `meanwhile ${width}\n`).join("");
  assertEquals(
    desk.terminal.screen.text.replace(/x[xy\n]*$/, "…"),
    `said 1\nsaid 2\n${said}${PROMPT}…`,
  );
  assertEquals(desk.editor.draft, "x".repeat(100) + "y".repeat(7));
});

Deno.test("Editor sees a new size also where nothing tells of it", async () => {
  using desk = new Desk(50, 12);
  desk.listen();
  desk.terminal.screen.resize(30, 12);
  await desk.type("a");
  desk.pass(100);
  desk.terminal.screen.resize(20, 12);
  desk.pass(300);
  assertEquals(desk.events, []);
  desk.pass(300);
  assertEquals(desk.events, ["resized"]);
  await desk.type("b".repeat(10));
  desk.shows(`${PROMPT}abbbb\nbbbbbb`);
});

Deno.test("Editor puts the cursor right, whatever width a terminal gives to emoji", async () => {
  for (const clusters of [true, false]) {
    using desk = new Desk(20, 12, { habits: { clusters, reflows: true } });
    desk.listen();
    await desk.type("👨‍👩‍👧", "a", "❤️", "b", "👍🏽", "c", LEFT);
    desk.print("said");
    assert(desk.terminal.screen.beforeCursor.endsWith("b👍🏽"), desk.terminal.screen.beforeCursor);
  }
});

Deno.test("Editor stops at Ctrl-Z and goes on with the same draft", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("draft", "\x1a");
  assertEquals([desk.terminal.stopped, desk.terminal.raw], [true, false]);
  assertEquals(desk.terminal.screen.modes, ["?25"]);
  assertEquals(desk.terminal.screen.text, "");
  desk.terminal.screen.write("$ fg\r\n");
  desk.editor.print("said meanwhile");
  desk.pass();
  assertEquals(desk.terminal.screen.text, "$ fg");
  await desk.terminal.continue();
  assertEquals(desk.events, ["resized"]);
  assertEquals(desk.terminal.raw, true);
  desk.shows(`$ fg\nsaid meanwhile\n${PROMPT}draft`);
  await desk.terminal.askToStop();
  assertEquals(desk.terminal.stopped, true);
  await desk.terminal.continue();
  await desk.type("!", "\r");
  assertEquals(desk.events.at(-1), "line draft!");
});

Deno.test("Editor draws anew when it goes on after a stop it was not told of", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("draft");
  desk.terminal.screen.write("\r\n$ fg\r\n");
  await desk.terminal.continue();
  desk.shows(`${PROMPT}draft\n$ fg\n${PROMPT}draft`);
  assertEquals(desk.events, ["resized"]);
});

Deno.test("Editor rings at Ctrl-Z where no shell could let it go on", async () => {
  using desk = new Desk();
  desk.listen();
  desk.terminal.shell = false;
  await desk.type("dra", "\x1a", "ft");
  assertEquals([desk.terminal.stopped, desk.terminal.raw], [false, true]);
  assertEquals(desk.terminal.screen.rings, 1);
  desk.shows(`${PROMPT}draft`);
});

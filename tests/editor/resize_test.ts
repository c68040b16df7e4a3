import { assert, assertEquals } from "@std/assert";
import { graphemes } from "../../render/width.ts";
import { EditorHarness, LEFT, PROMPT } from "../kit/editor_harness.ts";

for (const emoji of [false, true]) {
  const what = emoji ? "erases no printed line" : "leaves no remains";
  Deno.test(`A change of width ${what}, ${emoji ? "with" : "without"} emoji`, async () => {
    const astronaut = emoji ? "👩‍🚀" : "天地";
    const draft = `a draft of 天地玄黄 that takes rows ${astronaut} and more `.repeat(2).trimEnd();
    const characters = graphemes(draft);
    for (let width = 20; width <= 80; width++) {
      for (const back of [0, 7, 40]) {
        using harness = new EditorHarness(50, 16);
        harness.listen();
        harness.print("said 1", "said 2", "said 3");
        await harness.type(draft, LEFT.repeat(back));
        harness.editor.setStatus(["a status that is not as short as it could be"]);
        harness.pass();
        harness.terminal.resize(width, 16);
        harness.pass(300);
        const text = harness.terminal.screen.text.replaceAll("\n", "|");
        const what = `${width} columns, ${back} back: ${text}`;
        assert(text.startsWith("said 1|said 2|said 3|a status"), what);
        const head = PROMPT + characters.slice(0, characters.length - back).join("");
        assert(plain(head).endsWith(plain(harness.terminal.screen.beforeCursor)), what);
        assertEquals(
          harness.allEvents.filter((each) => each === "resized").length,
          width === 50 ? 0 : 1,
        );
        // Where terminals disagree about widths, half a row may remain, but none is lost.
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

Deno.test("Drawing waits until a new size has settled", async () => {
  using harness = new EditorHarness(50, 12);
  harness.listen();
  harness.print("said 1", "said 2");
  await harness.type("x".repeat(100));
  harness.pass();
  const before = harness.terminal.writes.length;
  for (let width = 50; width >= 20; width -= 5) {
    harness.terminal.resize(width, 12);
    harness.print(`meanwhile ${width}`);
    await harness.type("y");
    harness.pass(250);
  }
  // The first is not a change.
  assertEquals(harness.terminal.writes.length, before + 2);
  harness.terminal.resize(50, 12);
  harness.pass(300);
  assertEquals(harness.events, ["resized"]);
  const said = [50, 45, 40, 35, 30, 25, 20].map((width) => `meanwhile ${width}\n`).join("");
  assertEquals(
    harness.terminal.screen.text.replace(/x[xy\n]*$/, "…"),
    `said 1\nsaid 2\n${said}${PROMPT}…`,
  );
  assertEquals(harness.editor.draft, "x".repeat(100) + "y".repeat(7));
});

Deno.test("A new size is noticed without a signal", async () => {
  using harness = new EditorHarness(50, 12);
  harness.listen();
  harness.terminal.screen.resize(30, 12);
  await harness.type("a");
  harness.pass(100);
  harness.terminal.screen.resize(20, 12);
  harness.pass(300);
  assertEquals(harness.events, []);
  harness.pass(300);
  assertEquals(harness.events, ["resized"]);
  await harness.type("b".repeat(10));
  harness.shows(`${PROMPT}abbbb\nbbbbbb`);
});

Deno.test("The cursor is right whatever width a terminal gives to emoji", async () => {
  for (const clusters of [true, false]) {
    using harness = new EditorHarness(20, 12, { habits: { clusters, reflows: true } });
    harness.listen();
    await harness.type("👨‍👩‍👧", "a", "❤️", "b", "👍🏽", "c", LEFT);
    harness.print("said");
    assert(
      harness.terminal.screen.beforeCursor.endsWith("b👍🏽"),
      harness.terminal.screen.beforeCursor,
    );
  }
});

Deno.test("Ctrl-Z suspends the program; the draft is still there afterwards", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("draft", "\x1a");
  assertEquals([harness.terminal.stopped, harness.terminal.raw], [true, false]);
  assertEquals(harness.terminal.screen.modes, ["?25"]);
  assertEquals(harness.terminal.screen.text, "");
  harness.terminal.screen.write("$ fg\r\n");
  harness.editor.print("said meanwhile");
  harness.pass();
  assertEquals(harness.terminal.screen.text, "$ fg");
  await harness.terminal.continue();
  assertEquals(harness.events, ["resized"]);
  assertEquals(harness.terminal.raw, true);
  harness.shows(`$ fg\nsaid meanwhile\n${PROMPT}draft`);
  await harness.terminal.askToStop();
  assertEquals(harness.terminal.stopped, true);
  await harness.terminal.continue();
  await harness.type("!", "\r");
  assertEquals(harness.events.at(-1), "line draft!");
});

Deno.test("The editor redraws when it is resumed after an unannounced stop", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("draft");
  harness.terminal.screen.write("\r\n$ fg\r\n");
  await harness.terminal.continue();
  harness.shows(`${PROMPT}draft\n$ fg\n${PROMPT}draft`);
  assertEquals(harness.events, ["resized"]);
});

Deno.test("Ctrl-Z rings where no shell could resume the program", async () => {
  using harness = new EditorHarness();
  harness.listen();
  harness.terminal.shell = false;
  await harness.type("dra", "\x1a", "ft");
  assertEquals([harness.terminal.stopped, harness.terminal.raw], [false, true]);
  assertEquals(harness.terminal.screen.rings, 1);
  harness.shows(`${PROMPT}draft`);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_PASTE } from "../../editor/keys.ts";
import { EditorHarness, LEFT, PROMPT } from "../kit/editor_harness.ts";

const UP = "\x1b[A";
const DOWN = "\x1b[B";
const HOME = "\x01";
const BACKSPACE = "\x7f";

Deno.test("`print()` never tears the line being typed", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("half", " ", "a line");
  harness.print("[10:30:40] Bob: one", "[10:30:41] Bob: two");
  harness.shows(`[10:30:40] Bob: one\n[10:30:41] Bob: two\n${PROMPT}half a line`);
  await harness.type(" and more", "\r");
  assertEquals(harness.events, ["line half a line and more"]);
  assertEquals(harness.allEvents.slice(0, 3), [
    "edited half",
    "edited half ",
    "edited half a line",
  ]);
  harness.shows(`[10:30:40] Bob: one\n[10:30:41] Bob: two\n${PROMPT.trimEnd()}`);
});

Deno.test("`print()` keeps the cursor's place, also in a draft of several rows", async () => {
  using harness = new EditorHarness(30, 10);
  harness.listen();
  const draft = "a draft that is longer than a row of this terminal is";
  const shown = "[lobby] Alice> a draft that is\n longer than a row of this ter\nminal is";
  await harness.type(draft, ...Array(12).fill(LEFT));
  harness.shows(shown);
  const { row, column } = harness.terminal.screen.cursor;
  assertEquals(row, 1);
  for (let n = 1; n <= 15; n++) {
    harness.print(`message ${n}`);
    assertEquals(harness.terminal.screen.cursor, { row: n + 1, column });
    assert(harness.terminal.screen.text.endsWith(`message ${n}\n${shown}`));
  }
  await harness.type("X", "\r");
  assertEquals(harness.events, [`line ${draft.slice(0, -12)}X${draft.slice(-12)}`]);
});

Deno.test("`print()` on a full screen keeps a draft that exactly fills a row", async () => {
  using harness = new EditorHarness(30, 6);
  harness.listen();
  const lines = Array.from({ length: 10 }, (_, n) => `line ${n}`);
  harness.print(...lines);
  const above = lines.map((line) => `${line}\n`).join("");
  await harness.type("123456789012345");
  harness.shows(`${above}${PROMPT}123456789012345`);
  assertEquals(harness.terminal.screen.cursor.column, 0);
  harness.print("one more");
  harness.shows(`${above}one more\n${PROMPT}123456789012345`);
  await harness.type("6", BACKSPACE, BACKSPACE);
  harness.shows(`${above}one more\n${PROMPT}12345678901234`);
  assertEquals(harness.terminal.screen.cursor.column, 29);
});

Deno.test("`print()` redraws at most sixty times a second, each time in one write", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("draft");
  const before = harness.terminal.writes.length;
  for (let n = 0; n < 1000; n++) {
    harness.editor.print(`m${n}`);
    harness.editor.setStatus([`${n} so far`]);
    harness.pass(1);
  }
  harness.pass();
  const writes = harness.terminal.writes.slice(before);
  assert(writes.length <= 60, String(writes.length));
  // Each is one synchronized write.
  // deno-lint-ignore no-control-regex -- escape sequences
  for (const write of writes) assert(/^\x1b\[\?2026h[^]*\x1b\[\?2026l$/.test(write));
  assert(harness.terminal.screen.text.endsWith(`m998\nm999\n999 so far\n${PROMPT}draft`));
});

Deno.test("A key redraws only the row it changes", async () => {
  using harness = new EditorHarness(80, 24);
  harness.listen();
  await harness.type("x".repeat(500));
  const before = harness.terminal.writes.length;
  await harness.type("y");
  const written = harness.terminal.writes.slice(before).join("");
  assert(written.length < 150, written);
  assertEquals(harness.editor.draft.length, 501);
});

Deno.test("`setPrompt()` and `setStatus()` keep the draft and the cursor", async () => {
  using harness = new EditorHarness(40, 12);
  harness.listen();
  await harness.type("draft", LEFT);
  harness.editor.setPrompt("[lobby] Alice (offline)> ");
  harness.shows("[lobby] Alice (offline)> draft");
  harness.editor.setStatus(["Bob is typing", "\x1b[31m" + "x".repeat(50) + "\x1b[0m"]);
  harness.shows(`Bob is typing\n${"x".repeat(39)}…\n[lobby] Alice (offline)> draft`);
  harness.print("said");
  harness.shows(`said\nBob is typing\n${"x".repeat(39)}…\n[lobby] Alice (offline)> draft`);
  assertEquals(harness.terminal.screen.cursor, { row: 3, column: 29 });
  harness.editor.setStatus(["Carol is typing"]);
  harness.shows("said\nCarol is typing\n[lobby] Alice (offline)> draft");
  harness.editor.setStatus([]);
  harness.editor.setPrompt("> ");
  harness.shows("said\n> draft");
  await harness.type("n", "\r");
  assertEquals(harness.events, ["line drafnt"]);
});

Deno.test("Backspace, Home, wide characters, history and Tab edit the draft", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("helo", LEFT, "l", HOME, "X", BACKSPACE, "\r", "天地", "\r");
  assertEquals(harness.events, ["line hello", "line 天地"]);
  await harness.type("unfinished", UP, UP);
  harness.shows(`${PROMPT}hello`);
  await harness.type(DOWN, DOWN);
  harness.shows(`${PROMPT}unfinished`);
  await harness.type("\x15", "/m", "\t");
  harness.shows(`${PROMPT}/m`);
  await harness.type("\t");
  assert(
    /^\/msg +\/me +\/mention *\n\[lobby\] Alice> \/m$/.test(afterPass(harness)),
    harness.terminal.screen.text,
  );
  await harness.type("s", "\t", "b", "\t", "hi", "\r");
  assertEquals(harness.events.at(-1), "line /msg Bob hi");
});

function afterPass(harness: EditorHarness): string {
  harness.pass();
  return harness.terminal.screen.text;
}

Deno.test("Tab completes the common prefix, and lists the candidates when pressed again", async () => {
  using harness = new EditorHarness();
  harness.listen({ complete: (line) => [["alice: ", "alina: "], line] });
  await harness.type("A", "\t");
  assertEquals(harness.editor.draft, "ali");
  assertEquals(harness.allEvents.at(-1), "edited ali");
  await harness.type("\t");
  harness.shows(`alice:  alina:\n${PROMPT}ali`);
  // Any other key resets that.
  await harness.type("x", BACKSPACE, "\t");
  harness.shows(`alice:  alina:\n${PROMPT}ali`);
});

Deno.test("Tab lists candidates on at most half of the screen", async () => {
  using harness = new EditorHarness(20, 8);
  const names = Array.from({ length: 50 }, (_, n) => `name-${n}`);
  harness.listen({ complete: (line) => [names, line] });
  await harness.type("name-", "\t", "\t");
  assertStringIncludes(afterPass(harness), "… and 42 more\n");
  assertEquals(harness.terminal.screen.visible.split("\n").length, 6);
});

Deno.test("Lines pasted without brackets are reported one by one", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("one\rtwo\rthree\r");
  assertEquals(harness.events, ["line one", "line two", "line three"]);
  harness.shows(PROMPT.trimEnd());
});

for (const count of [1, 5, 50]) {
  Deno.test(`A bracketed paste of ${count} lines is one draft, shown on at most half of the screen`, async () => {
    using harness = new EditorHarness(40, 12);
    harness.listen();
    const said = Array.from({ length: 20 }, (_, n) => `said ${n}`);
    harness.print(...said);
    const lines = Array.from({ length: count }, (_, n) => `pasted ${n} \x1b[2J\t!`);
    await harness.terminal.paste(lines.join("\n"));
    const draft = lines.join("\n").replaceAll("\x1b", "");
    assertEquals(harness.allEvents, [`edited ${draft}`]);
    assertStringIncludes(afterPass(harness), `> pasted ${count - 1} [2J `.slice(2));
    const rows = Math.min(6, count);
    const kept = said.slice(20 - (12 - rows)).join("\n");
    assert(harness.terminal.screen.visible.startsWith(kept), harness.terminal.screen.visible);
    harness.print("meanwhile");
    assertEquals(harness.editor.draft, draft);
    await harness.type("\r");
    assertEquals(harness.events, [`line ${draft}`]);
    // None of its rows is left.
    harness.shows(`${said.join("\n")}\nmeanwhile\n${PROMPT.trimEnd()}`);
    await harness.type(UP);
    assertEquals(harness.editor.draft, draft);
  });
}

Deno.test("A paste over the limit is rejected with a message; the draft stays", async () => {
  using harness = new EditorHarness(100, 12);
  harness.listen();
  await harness.type("draft");
  await harness.terminal.paste("x".repeat(MAX_PASTE + 1));
  await harness.type("!");
  harness.shows(
    "! The pasted text is over 256 KB: nothing was inserted. " +
      `Paste it in parts, or send it as a file\n${PROMPT}draft!`,
  );
});

Deno.test("Alt-Enter adds a line to the draft; arrows move between its lines", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type(
    "one",
    "\x1b\r",
    "two",
    "\n",
    "three",
    UP,
    UP,
    "\x05",
    "!",
    DOWN,
    "\x01",
    "2.",
  );
  harness.shows(`${PROMPT}one!\n> 2.two\n> three`);
  assertEquals(harness.terminal.screen.beforeCursor, "> 2.");
  await harness.type("\r");
  assertEquals(harness.events, ["line one!\n2.two\nthree"]);
  harness.shows(PROMPT.trimEnd());
});

Deno.test("Ctrl-R searches the history", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("first thing\r", "second thing\r", "third\r", "draft", "\x12", "th", "i", "n");
  harness.shows("(search) thin: second thing");
  assertEquals(harness.terminal.screen.beforeCursor, "(search) thin: second thin");
  await harness.type("\x12");
  harness.shows("(search) thin: first thing");
  await harness.type("\x12");
  harness.shows("(not found) thin: first thing");
  assertEquals(harness.terminal.screen.rings, 1);
  await harness.type("\x07");
  harness.shows(`${PROMPT}draft`);
  await harness.type("\x12", "ird", "\x05", "!");
  harness.shows(`${PROMPT}third!`);
  await harness.type("\x12", "FIRST", "\r");
  assertEquals(harness.events.at(-1), "line first thing");
  await harness.type("\x12", "zzz", BACKSPACE, BACKSPACE, BACKSPACE, "sec", "\x1b[D", "X");
  harness.shows(`${PROMPT}second thinXg`);
});

Deno.test("The editor recalls lines of its history and adds typed ones, but not answers to `ask()`", async () => {
  const added: string[] = [];
  const history = { entries: ["before"], add: (line: string) => added.push(line) };
  using harness = new EditorHarness(40, 12, { history });
  const answer = harness.editor.ask("Your name: ");
  await harness.type(UP, "Bob", "\r");
  assertEquals(await answer, "Bob");
  harness.listen();
  await harness.type(UP, " this", "\r");
  assertEquals(added, ["before this"]);
});

Deno.test("Shortcuts are reported at once, a lone Escape after a delay", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("\x1b1", "\x1b9", "\x1ba", "x");
  assertEquals(harness.allEvents, ["shortcut M-1", "shortcut M-9", "shortcut M-a", "edited x"]);
  await harness.type("\x12", "\x1b");
  assertEquals(harness.terminal.screen.text, "(search) : x");
  harness.pass(60);
  harness.shows(`${PROMPT}x`);
  // Split, but fast enough.
  await harness.type("\x1b", "[", "D", "y");
  harness.shows(`${PROMPT}yx`);
});

Deno.test("Ctrl-C and Ctrl-D on an empty draft are reported; the prompt is hidden after the end", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("\x03", "draft", "\x01", "\x04");
  assertEquals(harness.events, ["interrupt"]);
  assertEquals(harness.editor.draft, "raft");
  await harness.type("\x15", "\x05", "\x15", "\x04");
  assertEquals(harness.events, ["interrupt", "end"]);
  harness.print("waiting for the hub");
  harness.shows("waiting for the hub");
  await harness.type("lost", "\x03");
  assertEquals(harness.events, ["interrupt", "end", "interrupt"]);
});

Deno.test("Ctrl-C discards a draft, and interrupts only if there is none", async () => {
  for (
    const draft of [
      "half a message",
      " blanks first",
      "two\nlines",
      "/msg 山田 hi",
      "e\u0301\u200d",
    ]
  ) {
    using harness = new EditorHarness(60);
    harness.listen();
    await harness.type(`\x1b[200~${draft}\x1b[201~`, "\x03");
    assertEquals([harness.editor.draft, harness.events], ["", ["discarded"]], draft);
    harness.shows(PROMPT.trimEnd());
    // As in shells, a line that begins with a blank is not in the history; it can be undone.
    await harness.type(draft.startsWith(" ") ? "\x1f" : "\x1b[A");
    assertEquals(harness.editor.draft, draft);
    await harness.type("\x03", "\x03");
    assertEquals(harness.events, ["discarded", "discarded", "interrupt"]);
  }
});

Deno.test("A lost terminal is reported as the end, once", async () => {
  using harness = new EditorHarness();
  harness.listen();
  await harness.type("draft");
  await harness.terminal.hangUp();
  assertEquals(harness.events, ["end"]);
});

Deno.test("Disposing prints pending text, removes the prompt and restores the terminal", async () => {
  const harness = new EditorHarness();
  harness.listen();
  assertEquals(harness.terminal.raw, true);
  assertEquals(harness.terminal.screen.modes, ["?2004", "?25"]);
  await harness.type("draft");
  harness.editor.setStatus(["a status"]);
  harness.editor.print("the last word");
  harness.editor[Symbol.dispose]();
  harness.editor[Symbol.dispose]();
  assertEquals(harness.terminal.screen.text, "the last word");
  assertEquals(harness.terminal.screen.cursor, { row: 1, column: 0 });
  assertEquals([harness.terminal.raw, harness.terminal.watched], [false, false]);
  assertEquals(harness.terminal.screen.modes, ["?25"]);
  await harness.type("x", "\x1a");
  assertEquals(harness.terminal.screen.text, "the last word");
  assertEquals(harness.clock.waiting, 0);
});

Deno.test("An uncaught error finds the terminal restored and the prompt removed", async () => {
  const harness = new EditorHarness();
  harness.listen();
  await harness.type("draft");
  harness.print("said");
  harness.terminal.fail();
  harness.terminal.screen.write("The error\r\n");
  assertEquals(harness.terminal.screen.text, "said\nThe error");
  assertEquals(harness.terminal.raw, false);
});

Deno.test("`ask()` resolves with the answer, or `undefined` after Ctrl-C, Ctrl-D or a lost terminal", async () => {
  using harness = new EditorHarness();
  const answer = harness.editor.ask("Your name: ");
  harness.shows("Your name:");
  await harness.type("Bob", "\r");
  assertEquals(await answer, "Bob");
  harness.editor.print("That is no name.");
  const second = harness.editor.ask("Your name: ");
  await harness.type("x", "\x03");
  assertEquals(await second, undefined);
  const third = harness.editor.ask("Your name: ");
  await harness.type("\x04");
  assertEquals(await third, undefined);
  const fourth = harness.editor.ask("Your name: ");
  await harness.terminal.paste("Bob\nBuilder");
  await harness.type("\r");
  assertEquals(await fourth, "Bob Builder");
  const fifth = harness.editor.ask("Your name: ");
  await harness.terminal.hangUp();
  assertEquals(await fifth, undefined);
  assertEquals(await harness.editor.ask("Your name: "), undefined);
  harness.listen();
  assertEquals(harness.allEvents, ["end"]);
  harness.shows(
    "Your name: Bob\nThat is no name.\nYour name: x\nYour name:\nYour name: Bob\nBuilder\nYour name:",
  );
});

Deno.test("`ask()` resolves with `undefined` when the editor is disposed", async () => {
  const harness = new EditorHarness();
  const answer = harness.editor.ask("Your name: ");
  harness.editor[Symbol.dispose]();
  assertEquals(await answer, undefined);
  assertEquals(harness.terminal.raw, false);
});

Deno.test("`bell()` rings at most once a second", () => {
  using harness = new EditorHarness();
  for (let n = 0; n < 25; n++) {
    harness.editor.bell();
    harness.pass(100);
  }
  assertEquals(harness.terminal.screen.rings, 3);
});

Deno.test("`clear()` empties the screen and keeps the status and the draft", async () => {
  using harness = new EditorHarness();
  harness.listen();
  harness.editor.setStatus(["status"]);
  harness.print("one", "two");
  await harness.type("draft", LEFT);
  harness.editor.clear();
  assertEquals(harness.terminal.screen.visible, `status\n${PROMPT}draft`);
  harness.print("three");
  assertEquals(harness.terminal.screen.visible, `three\nstatus\n${PROMPT}draft`);
  harness.editor.setDraft("another");
  harness.editor.clear();
  assertEquals(harness.terminal.screen.visible, `status\n${PROMPT}another`);
  assert(!harness.allEvents.includes("edited another"));
});

Deno.test("`clear()` moves all printed lines to the scrollback", async () => {
  using harness = new EditorHarness(40, 6);
  harness.terminal.write("$ make\r\nall well\r\n$ bcast connect\r\n");
  harness.listen();
  harness.print("one");
  harness.editor.print("two");
  harness.editor.clear();
  harness.editor.print("elsewhere");
  harness.shows(`$ make\nall well\n$ bcast connect\none\ntwo\nelsewhere\n${PROMPT.trimEnd()}`);
  assertEquals(harness.terminal.screen.visible, `elsewhere\n${PROMPT.trimEnd()}`);
  harness.editor.print("three");
  harness.editor.clear();
  harness.editor.print("here again");
  harness.shows(
    `$ make\nall well\n$ bcast connect\none\ntwo\nelsewhere\nthree\nhere again\n${PROMPT.trimEnd()}`,
  );
  assertEquals(harness.terminal.screen.visible, `here again\n${PROMPT.trimEnd()}`);

  await harness.type("\x1a");
  harness.terminal.screen.write("$ ls\r\nfile\r\n$ fg\r\n");
  await harness.terminal.continue();
  harness.editor.clear();
  assert(harness.terminal.screen.text.includes("$ ls\nfile\n$ fg"));
  assertEquals(harness.terminal.screen.visible, PROMPT.trimEnd());
});

Deno.test("`clear()` erases no line on a terminal that reports a wrong height", () => {
  for (const rows of [3, 6, 9, 11, 12, 13, 20]) {
    for (const count of [1, 5, 11, 30]) {
      using harness = new EditorHarness(40, 12);
      harness.listen();
      const lines = Array.from({ length: count }, (_, at) => `line ${at + 1}`);
      harness.print(...lines);
      harness.terminal.claimed = { columns: 40, rows };
      harness.editor.clear();
      harness.print("elsewhere");
      const read = harness.terminal.screen.text.split("\n").filter((line) => line !== "");
      assertEquals(read, [...lines, "elsewhere", PROMPT.trimEnd()], `${rows} rows, ${count} lines`);
    }
  }
});

Deno.test("Ctrl-L moves the screen to the scrollback and prints pending lines after that", async () => {
  using harness = new EditorHarness(40, 6);
  harness.listen();
  harness.print("one", "two");
  harness.editor.print("three");
  await harness.type("\x0c");
  harness.shows(`one\ntwo\nthree\n${PROMPT.trimEnd()}`);
  assertEquals(harness.terminal.screen.visible, `three\n${PROMPT.trimEnd()}`);
});

Deno.test("`background()` accepts an answer in pieces and between keys", async () => {
  using harness = new EditorHarness();
  harness.listen();
  const told = harness.editor.background();
  assert(harness.terminal.writes.join("").includes("\x1b]11;?\x07\x1b[c"));
  await harness.type("dra", "\x1b");
  // Longer than the wait for a lone Escape.
  harness.pass(100);
  await harness.type("]11;rgb:fff");
  harness.pass(90);
  await harness.type("f/ffff/ffff\x07\x1b[?6", "c", "ft");
  assertEquals(await told, "light");
  harness.shows(`${PROMPT}draft`);
});

Deno.test("`background()` resolves with `undefined` for terminals that do not answer", async () => {
  using silent = new EditorHarness();
  const none = silent.editor.background();
  await silent.type("\x1b[?1;2c");
  assertEquals(await none, undefined);

  using dead = new EditorHarness();
  dead.listen();
  const never = dead.editor.background();
  dead.pass(200);
  assertEquals(await never, undefined);
  // Too late, and still not a key.
  await dead.type("\x1b]11;rgb:0/0/0\x1b\\", "a");
  dead.shows(`${PROMPT}a`);

  using over = new EditorHarness();
  const ended = over.editor.background();
  over.editor[Symbol.dispose]();
  assertEquals(await ended, undefined);
  assertEquals(await over.editor.background(), undefined);
});

Deno.test("Keys typed before `ask()` and `listen()` are not lost", async () => {
  using harness = new EditorHarness();
  await harness.type("Al", "\r", "he", "llo");
  const name = harness.editor.ask("Your name: ");
  assertEquals(await name, "Al");
  await harness.type("!");
  harness.listen();
  harness.shows(`Your name: Al\n${PROMPT}hello!`);
  assertEquals(harness.events, []);

  using ended = new EditorHarness();
  await ended.type("x", "\x03", "\x03");
  ended.listen();
  assertEquals(ended.events, ["discarded", "interrupt"]);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_PASTE } from "../../editor/keys.ts";
import { Desk, LEFT, PROMPT } from "../kit/desk.ts";

const UP = "\x1b[A";
const DOWN = "\x1b[B";
const HOME = "\x01";
const BACKSPACE = "\x7f";

Deno.test("Editor keeps the line being typed whole while messages arrive", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("half", " ", "a line");
  desk.print("[10:30:40] Bob: one", "[10:30:41] Bob: two");
  desk.shows(`[10:30:40] Bob: one\n[10:30:41] Bob: two\n${PROMPT}half a line`);
  await desk.type(" and more", "\r");
  assertEquals(desk.events, ["line half a line and more"]);
  assertEquals(desk.told.slice(0, 3), ["edited half", "edited half ", "edited half a line"]);
  desk.shows(`[10:30:40] Bob: one\n[10:30:41] Bob: two\n${PROMPT.trimEnd()}`);
});

Deno.test("Editor keeps the cursor where it was, also in a line of several rows", async () => {
  using desk = new Desk(30, 10);
  desk.listen();
  const draft = "a draft that is longer than a row of this terminal is";
  const shown = "[lobby] Alice> a draft that is\n longer than a row of this ter\nminal is";
  await desk.type(draft, ...Array(12).fill(LEFT));
  desk.shows(shown);
  const { row, column } = desk.terminal.screen.cursor;
  assertEquals(row, 1);
  for (let n = 1; n <= 15; n++) {
    desk.print(`message ${n}`);
    assertEquals(desk.terminal.screen.cursor, { row: n + 1, column });
    assert(desk.terminal.screen.text.endsWith(`message ${n}\n${shown}`));
  }
  await desk.type("X", "\r");
  assertEquals(desk.events, [`line ${draft.slice(0, -12)}X${draft.slice(-12)}`]);
});

Deno.test("Editor keeps a draft at the foot of a full screen, and one that just fills a row", async () => {
  using desk = new Desk(30, 6);
  desk.listen();
  const lines = Array.from({ length: 10 }, (_, n) => `line ${n}`);
  desk.print(...lines);
  const above = lines.map((line) => `${line}\n`).join("");
  await desk.type("123456789012345");
  desk.shows(`${above}${PROMPT}123456789012345`);
  assertEquals(desk.terminal.screen.cursor.column, 0);
  desk.print("one more");
  desk.shows(`${above}one more\n${PROMPT}123456789012345`);
  await desk.type("6", BACKSPACE, BACKSPACE);
  desk.shows(`${above}one more\n${PROMPT}12345678901234`);
  assertEquals(desk.terminal.screen.cursor.column, 29);
});

Deno.test("Editor redraws at most sixty times a second, however much is printed", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("draft");
  const before = desk.terminal.writes.length;
  for (let n = 0; n < 1000; n++) {
    desk.editor.print(`m${n}`);
    desk.editor.setStatus([`${n} so far`]);
    desk.pass(1);
  }
  desk.pass();
  const writes = desk.terminal.writes.slice(before);
  assert(writes.length <= 60, String(writes.length));
  // Each of them in one piece, shown at once.
  // deno-lint-ignore no-control-regex -- what is written to terminals
  for (const write of writes) assert(/^\x1b\[\?2026h[^]*\x1b\[\?2026l$/.test(write));
  assert(desk.terminal.screen.text.endsWith(`m998\nm999\n999 so far\n${PROMPT}draft`));
});

Deno.test("Editor writes little when a key is pressed", async () => {
  using desk = new Desk(80, 24);
  desk.listen();
  await desk.type("x".repeat(500));
  const before = desk.terminal.writes.length;
  await desk.type("y");
  const written = desk.terminal.writes.slice(before).join("");
  assert(written.length < 150, written);
  assertEquals(desk.editor.draft.length, 501);
});

Deno.test("Editor changes its prompt and its status under a draft", async () => {
  using desk = new Desk(40, 12);
  desk.listen();
  await desk.type("draft", LEFT);
  desk.editor.setPrompt("[lobby] Alice (offline)> ");
  desk.shows("[lobby] Alice (offline)> draft");
  desk.editor.setStatus(["Bob is typing", "\x1b[31m" + "x".repeat(50) + "\x1b[0m"]);
  desk.shows(`Bob is typing\n${"x".repeat(39)}…\n[lobby] Alice (offline)> draft`);
  desk.print("said");
  desk.shows(`said\nBob is typing\n${"x".repeat(39)}…\n[lobby] Alice (offline)> draft`);
  assertEquals(desk.terminal.screen.cursor, { row: 3, column: 29 });
  desk.editor.setStatus(["Carol is typing"]);
  desk.shows("said\nCarol is typing\n[lobby] Alice (offline)> draft");
  desk.editor.setStatus([]);
  desk.editor.setPrompt("> ");
  desk.shows("said\n> draft");
  await desk.type("n", "\r");
  assertEquals(desk.events, ["line drafnt"]);
});

Deno.test("Editor edits: backspace, home, wide characters, history, Tab", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("helo", LEFT, "l", HOME, "X", BACKSPACE, "\r", "天地", "\r");
  assertEquals(desk.events, ["line hello", "line 天地"]);
  await desk.type("unfinished", UP, UP);
  desk.shows(`${PROMPT}hello`);
  await desk.type(DOWN, DOWN);
  desk.shows(`${PROMPT}unfinished`);
  await desk.type("\x15", "/m", "\t");
  desk.shows(`${PROMPT}/m`);
  await desk.type("\t");
  assert(
    /^\/msg +\/me +\/mention *\n\[lobby\] Alice> \/m$/.test(afterPass(desk)),
    desk.terminal.screen.text,
  );
  await desk.type("s", "\t", "b", "\t", "hi", "\r");
  assertEquals(desk.events.at(-1), "line /msg Bob hi");
});

function afterPass(desk: Desk): string {
  desk.pass();
  return desk.terminal.screen.text;
}

Deno.test("Editor completes as far as the candidates agree", async () => {
  using desk = new Desk();
  desk.listen({ complete: (line) => [["alice: ", "alina: "], line] });
  await desk.type("A", "\t");
  assertEquals(desk.editor.draft, "ali");
  assertEquals(desk.told.at(-1), "edited ali");
  await desk.type("\t");
  desk.shows(`alice:  alina:\n${PROMPT}ali`);
  // Any other key begins anew.
  await desk.type("x", BACKSPACE, "\t");
  desk.shows(`alice:  alina:\n${PROMPT}ali`);
});

Deno.test("Editor lists no more candidates than half of the screen holds", async () => {
  using desk = new Desk(20, 8);
  const names = Array.from({ length: 50 }, (_, n) => `name-${n}`);
  desk.listen({ complete: (line) => [names, line] });
  await desk.type("name-", "\t", "\t");
  assertStringIncludes(afterPass(desk), "… and 42 more\n");
  assertEquals(desk.terminal.screen.visible.split("\n").length, 6);
});

Deno.test("Editor takes lines without brackets one after the other", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("one\rtwo\rthree\r");
  assertEquals(desk.events, ["line one", "line two", "line three"]);
  desk.shows(PROMPT.trimEnd());
});

for (const count of [1, 5, 50]) {
  Deno.test(`Editor takes ${count} pasted lines as one draft, on half of the screen`, async () => {
    using desk = new Desk(40, 12);
    desk.listen();
    const said = Array.from({ length: 20 }, (_, n) => `said ${n}`);
    desk.print(...said);
    const lines = Array.from({ length: count }, (_, n) => `pasted ${n} \x1b[2J\t!`);
    await desk.terminal.paste(lines.join("\n"));
    const draft = lines.join("\n").replaceAll("\x1b", "");
    assertEquals(desk.told, [`edited ${draft}`]);
    assertStringIncludes(afterPass(desk), `> pasted ${count - 1} [2J `.slice(2));
    const rows = Math.min(6, count);
    const kept = said.slice(20 - (12 - rows)).join("\n");
    assert(desk.terminal.screen.visible.startsWith(kept), desk.terminal.screen.visible);
    desk.print("meanwhile");
    assertEquals(desk.editor.draft, draft);
    await desk.type("\r");
    assertEquals(desk.events, [`line ${draft}`]);
    // Not one of its rows is left.
    desk.shows(`${said.join("\n")}\nmeanwhile\n${PROMPT.trimEnd()}`);
    await desk.type(UP);
    assertEquals(desk.editor.draft, draft);
  });
}

Deno.test("Editor refuses a paste that is far too long, and goes on", async () => {
  using desk = new Desk(100, 12);
  desk.listen();
  await desk.type("draft");
  await desk.terminal.paste("x".repeat(MAX_PASTE + 1));
  await desk.type("!");
  desk.shows(
    "! The pasted text is over 256 KB: nothing was inserted. " +
      `Paste it in parts, or send it as a file\n${PROMPT}draft!`,
  );
});

Deno.test("Editor writes several lines with Alt-Enter, and moves in them", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("one", "\x1b\r", "two", "\n", "three", UP, UP, "\x05", "!", DOWN, "\x01", "2.");
  desk.shows(`${PROMPT}one!\n> 2.two\n> three`);
  assertEquals(desk.terminal.screen.beforeCursor, "> 2.");
  await desk.type("\r");
  assertEquals(desk.events, ["line one!\n2.two\nthree"]);
  desk.shows(PROMPT.trimEnd());
});

Deno.test("Editor searches in what was typed with Ctrl-R", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("first thing\r", "second thing\r", "third\r", "draft", "\x12", "th", "i", "n");
  desk.shows("(search) thin: second thing");
  assertEquals(desk.terminal.screen.beforeCursor, "(search) thin: second thin");
  await desk.type("\x12");
  desk.shows("(search) thin: first thing");
  await desk.type("\x12");
  desk.shows("(not found) thin: first thing");
  assertEquals(desk.terminal.screen.rings, 1);
  await desk.type("\x07");
  desk.shows(`${PROMPT}draft`);
  await desk.type("\x12", "ird", "\x05", "!");
  desk.shows(`${PROMPT}third!`);
  await desk.type("\x12", "FIRST", "\r");
  assertEquals(desk.events.at(-1), "line first thing");
  await desk.type("\x12", "zzz", BACKSPACE, BACKSPACE, BACKSPACE, "sec", "\x1b[D", "X");
  desk.shows(`${PROMPT}second thinXg`);
});

Deno.test("Editor asks its history for lines, and adds those that were typed", async () => {
  const added: string[] = [];
  const history = { entries: ["before"], add: (line: string) => added.push(line) };
  using desk = new Desk(40, 12, { history });
  const answer = desk.editor.ask("Your name: ");
  await desk.type(UP, "Bob", "\r");
  assertEquals(await answer, "Bob");
  desk.listen();
  await desk.type(UP, " this", "\r");
  assertEquals(added, ["before this"]);
});

Deno.test("Editor tells of chords, and of Escape only after a while", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("\x1b1", "\x1b9", "\x1ba", "x");
  assertEquals(desk.told, ["shortcut M-1", "shortcut M-9", "shortcut M-a", "edited x"]);
  await desk.type("\x12", "\x1b");
  assertEquals(desk.terminal.screen.text, "(search) : x");
  desk.pass(60);
  desk.shows(`${PROMPT}x`);
  // Split, but soon enough.
  await desk.type("\x1b", "[", "D", "y");
  desk.shows(`${PROMPT}yx`);
});

Deno.test("Editor tells of Ctrl-C and Ctrl-D, and hides the prompt after that", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("\x03", "draft", "\x01", "\x04");
  assertEquals(desk.events, ["interrupt"]);
  assertEquals(desk.editor.draft, "raft");
  await desk.type("\x15", "\x05", "\x15", "\x04");
  assertEquals(desk.events, ["interrupt", "end"]);
  desk.print("waiting for the hub");
  desk.shows("waiting for the hub");
  await desk.type("lost", "\x03");
  assertEquals(desk.events, ["interrupt", "end", "interrupt"]);
});

Deno.test("Editor takes a draft away with Ctrl-C, and leaves only when there is none", async () => {
  for (
    const draft of [
      "half a message",
      " blanks first",
      "two\nlines",
      "/msg 山田 hi",
      "e\u0301\u200d",
    ]
  ) {
    using desk = new Desk(60);
    desk.listen();
    await desk.type(`\x1b[200~${draft}\x1b[201~`, "\x03");
    assertEquals([desk.editor.draft, desk.events], ["", ["discarded"]], draft);
    desk.shows(PROMPT.trimEnd());
    // As in shells, what begins with a blank is in no history; it can be undone.
    await desk.type(draft.startsWith(" ") ? "\x1f" : "\x1b[A");
    assertEquals(desk.editor.draft, draft);
    await desk.type("\x03", "\x03");
    assertEquals(desk.events, ["discarded", "discarded", "interrupt"]);
  }
});

Deno.test("Editor ends once when its terminal is gone", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.type("draft");
  await desk.terminal.hangUp();
  assertEquals(desk.events, ["end"]);
});

Deno.test("Editor leaves no prompt behind, but what was printed last, and the terminal as it was", async () => {
  const desk = new Desk();
  desk.listen();
  assertEquals(desk.terminal.raw, true);
  assertEquals(desk.terminal.screen.modes, ["?2004", "?25"]);
  await desk.type("draft");
  desk.editor.setStatus(["a status"]);
  desk.editor.print("the last word");
  desk.editor[Symbol.dispose]();
  desk.editor[Symbol.dispose]();
  assertEquals(desk.terminal.screen.text, "the last word");
  assertEquals(desk.terminal.screen.cursor, { row: 1, column: 0 });
  assertEquals([desk.terminal.raw, desk.terminal.watched], [false, false]);
  assertEquals(desk.terminal.screen.modes, ["?25"]);
  await desk.type("x", "\x1a");
  assertEquals(desk.terminal.screen.text, "the last word");
  assertEquals(desk.clock.waiting, 0);
});

Deno.test("Editor makes room for an error that nobody caught", async () => {
  const desk = new Desk();
  desk.listen();
  await desk.type("draft");
  desk.print("said");
  desk.terminal.fail();
  desk.terminal.screen.write("The error\r\n");
  assertEquals(desk.terminal.screen.text, "said\nThe error");
  assertEquals(desk.terminal.raw, false);
});

Deno.test("ask() gives the answer, or nothing for Ctrl-C, Ctrl-D and a hang-up", async () => {
  using desk = new Desk();
  const answer = desk.editor.ask("Your name: ");
  desk.shows("Your name:");
  await desk.type("Bob", "\r");
  assertEquals(await answer, "Bob");
  desk.editor.print("That is no name.");
  const second = desk.editor.ask("Your name: ");
  await desk.type("x", "\x03");
  assertEquals(await second, undefined);
  const third = desk.editor.ask("Your name: ");
  await desk.type("\x04");
  assertEquals(await third, undefined);
  const fourth = desk.editor.ask("Your name: ");
  await desk.terminal.paste("Bob\nBuilder");
  await desk.type("\r");
  assertEquals(await fourth, "Bob Builder");
  const fifth = desk.editor.ask("Your name: ");
  await desk.terminal.hangUp();
  assertEquals(await fifth, undefined);
  assertEquals(await desk.editor.ask("Your name: "), undefined);
  desk.listen();
  assertEquals(desk.told, ["end"]);
  desk.shows(
    "Your name: Bob\nThat is no name.\nYour name: x\nYour name:\nYour name: Bob\nBuilder\nYour name:",
  );
});

Deno.test("ask() ends without an answer when the editor does", async () => {
  const desk = new Desk();
  const answer = desk.editor.ask("Your name: ");
  desk.editor[Symbol.dispose]();
  assertEquals(await answer, undefined);
  assertEquals(desk.terminal.raw, false);
});

Deno.test("bell() rings once a second at most", () => {
  using desk = new Desk();
  for (let n = 0; n < 25; n++) {
    desk.editor.bell();
    desk.pass(100);
  }
  assertEquals(desk.terminal.screen.rings, 3);
});

Deno.test("clear() empties the screen and keeps status and draft", async () => {
  using desk = new Desk();
  desk.listen();
  desk.editor.setStatus(["status"]);
  desk.print("one", "two");
  await desk.type("draft", LEFT);
  desk.editor.clear();
  assertEquals(desk.terminal.screen.visible, `status\n${PROMPT}draft`);
  desk.print("three");
  assertEquals(desk.terminal.screen.visible, `three\nstatus\n${PROMPT}draft`);
  desk.editor.setDraft("another");
  desk.editor.clear();
  assertEquals(desk.terminal.screen.visible, `status\n${PROMPT}another`);
  assert(!desk.told.includes("edited another"));
});

Deno.test("clear() erases nothing that was printed: it can be scrolled back to", async () => {
  using desk = new Desk(40, 6);
  desk.terminal.write("$ make\r\nall well\r\n$ bcast connect\r\n");
  desk.listen();
  desk.print("one");
  desk.editor.print("two");
  desk.editor.clear();
  desk.editor.print("elsewhere");
  desk.shows(`$ make\nall well\n$ bcast connect\none\ntwo\nelsewhere\n${PROMPT.trimEnd()}`);
  assertEquals(desk.terminal.screen.visible, `elsewhere\n${PROMPT.trimEnd()}`);
  desk.editor.print("three");
  desk.editor.clear();
  desk.editor.print("here again");
  desk.shows(
    `$ make\nall well\n$ bcast connect\none\ntwo\nelsewhere\nthree\nhere again\n${PROMPT.trimEnd()}`,
  );
  assertEquals(desk.terminal.screen.visible, `here again\n${PROMPT.trimEnd()}`);

  await desk.type("\x1a");
  desk.terminal.screen.write("$ ls\r\nfile\r\n$ fg\r\n");
  await desk.terminal.continue();
  desk.editor.clear();
  assert(desk.terminal.screen.text.includes("$ ls\nfile\n$ fg"));
  assertEquals(desk.terminal.screen.visible, PROMPT.trimEnd());
});

Deno.test("clear() erases nothing on a terminal that is higher or lower than it tells", () => {
  for (const rows of [3, 6, 9, 11, 12, 13, 20]) {
    for (const count of [1, 5, 11, 30]) {
      using desk = new Desk(40, 12);
      desk.listen();
      const lines = Array.from({ length: count }, (_, at) => `line ${at + 1}`);
      desk.print(...lines);
      desk.terminal.claimed = { columns: 40, rows };
      desk.editor.clear();
      desk.print("elsewhere");
      const read = desk.terminal.screen.text.split("\n").filter((line) => line !== "");
      assertEquals(read, [...lines, "elsewhere", PROMPT.trimEnd()], `${rows} rows, ${count} lines`);
    }
  }
});

Deno.test("Ctrl-L leaves what was on the screen to be scrolled back to, and loses nothing new", async () => {
  using desk = new Desk(40, 6);
  desk.listen();
  desk.print("one", "two");
  desk.editor.print("three");
  await desk.type("\x0c");
  desk.shows(`one\ntwo\nthree\n${PROMPT.trimEnd()}`);
  assertEquals(desk.terminal.screen.visible, `three\n${PROMPT.trimEnd()}`);
});

Deno.test("background() takes the answer of a terminal, also in pieces and among keys", async () => {
  using desk = new Desk();
  desk.listen();
  const told = desk.editor.background();
  assert(desk.terminal.writes.join("").includes("\x1b]11;?\x07\x1b[c"));
  await desk.type("dra", "\x1b");
  // Longer than the Escape key is waited for.
  desk.pass(100);
  await desk.type("]11;rgb:fff");
  desk.pass(90);
  await desk.type("f/ffff/ffff\x07\x1b[?6", "c", "ft");
  assertEquals(await told, "light");
  desk.shows(`${PROMPT}draft`);
});

Deno.test("background() does not wait for terminals that tell nothing", async () => {
  using silent = new Desk();
  const none = silent.editor.background();
  await silent.type("\x1b[?1;2c");
  assertEquals(await none, undefined);

  using dead = new Desk();
  dead.listen();
  const never = dead.editor.background();
  dead.pass(200);
  assertEquals(await never, undefined);
  // Too late to matter, and yet no key.
  await dead.type("\x1b]11;rgb:0/0/0\x1b\\", "a");
  dead.shows(`${PROMPT}a`);

  using over = new Desk();
  const ended = over.editor.background();
  over.editor[Symbol.dispose]();
  assertEquals(await ended, undefined);
  assertEquals(await over.editor.background(), undefined);
});

Deno.test("Editor keeps what is typed before anybody waits for it", async () => {
  using desk = new Desk();
  await desk.type("Al", "\r", "he", "llo");
  const name = desk.editor.ask("Your name: ");
  assertEquals(await name, "Al");
  await desk.type("!");
  desk.listen();
  desk.shows(`Your name: Al\n${PROMPT}hello!`);
  assertEquals(desk.events, []);

  using ended = new Desk();
  await ended.type("x", "\x03", "\x03");
  ended.listen();
  assertEquals(ended.events, ["discarded", "interrupt"]);
});

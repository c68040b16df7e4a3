import { assertEquals, assertStringIncludes } from "@std/assert";
import { PassThrough, Writable } from "node:stream";
import { completeLine } from "../terminal/commands.ts";
import { Editor } from "../terminal/editor.ts";
import type { ScreenEvents } from "../terminal/screen.ts";
import { TerminalModel } from "./kit/terminal_model.ts";
import { until } from "./kit/until.ts";

const LEFT = "\x1b[D";
const UP = "\x1b[A";
const HOME = "\x01";
const BACKSPACE = "\x7f";

/** An editor on a terminal that is a model of one. */
class Desk implements Disposable {
  readonly input = new PassThrough();
  readonly screen: TerminalModel;
  readonly editor: Editor;
  /** Everything that the editor told. */
  readonly told: string[] = [];
  written = "";

  constructor(columns = 40, height = 12) {
    this.screen = new TerminalModel(columns, height);
    const write = (text: string): void => {
      this.screen.write(text);
      this.written += text;
    };
    const output = new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        write(new TextDecoder().decode(chunk));
        done();
      },
    });
    this.editor = new Editor({
      input: this.input,
      output: Object.assign(output, { columns, rows: height, isTTY: true }),
    });
  }

  listen(over: Partial<ScreenEvents> = {}): void {
    this.editor.setPrompt("[lobby] Alice> ");
    this.editor.listen({
      line: (line) => this.told.push(`line ${line}`),
      interrupt: () => this.told.push("interrupt"),
      end: () => this.told.push("end"),
      complete: (line) => {
        this.told.push(`complete ${line}`);
        return completeLine(line, { people: ["Bob", "Carol"], rooms: ["lobby"] });
      },
      ...over,
    });
  }

  type(...keys: readonly string[]): void {
    for (const key of keys) this.input.write(key);
  }

  /** Waits until the terminal shows just this. */
  async shows(text: string): Promise<void> {
    try {
      await until("the text on the screen", () => this.screen.text === text);
    } catch (error) {
      // What it shows instead says more than that something is missing.
      assertEquals(this.screen.text, text);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.editor[Symbol.dispose]();
  }
}

Deno.test("Editor keeps the line being typed whole while messages arrive", async () => {
  using desk = new Desk();
  desk.listen();
  desk.type("half a line");
  await desk.shows("[lobby] Alice> half a line");
  desk.editor.print("[10:30:40] Bob: one");
  desk.editor.print("[10:30:41] Bob: two");
  await desk.shows("[10:30:40] Bob: one\n[10:30:41] Bob: two\n[lobby] Alice> half a line");
  desk.type(" and more", "\r");
  await until("the line", () => desk.told.length === 1);
  assertEquals(desk.told, ["line half a line and more"]);
  await desk.shows("[10:30:40] Bob: one\n[10:30:41] Bob: two\n[lobby] Alice>");
});

Deno.test("Editor keeps the cursor where it was, also in a line of several rows", async () => {
  using desk = new Desk(30, 10);
  desk.listen();
  const draft = "a draft that is longer than a row of this terminal is";
  const shown = "[lobby] Alice> a draft that is\n longer than a row of this ter\nminal is";
  desk.type(draft, ...Array(12).fill(LEFT));
  await until("the cursor", () => desk.screen.cursor.row === 1);
  await desk.shows(shown);
  const { column } = desk.screen.cursor;
  for (let n = 1; n <= 3; n++) {
    desk.editor.print(`message ${n}`);
    const above = Array.from({ length: n }, (_, at) => `message ${at + 1}\n`).join("");
    // deno-lint-ignore no-await-in-loop -- one message after the other
    await desk.shows(above + shown);
    assertEquals(desk.screen.cursor, { row: n + 1, column });
  }
  desk.type("X", "\r");
  await until("the line", () => desk.told.length === 1);
  assertEquals(desk.told, [
    `line ${draft.slice(0, -12)}X${draft.slice(-12)}`,
  ]);
  await desk.shows("message 1\nmessage 2\nmessage 3\n[lobby] Alice>");
});

Deno.test("Editor keeps a draft at the foot of a full screen, and one that just fills a row", async () => {
  using desk = new Desk(30, 6);
  desk.listen();
  for (let n = 0; n < 10; n++) desk.editor.print(`line ${n}`);
  const above = Array.from({ length: 10 }, (_, n) => `line ${n}\n`).join("");
  desk.type("123456789012345");
  await desk.shows(`${above}[lobby] Alice> 123456789012345`);
  desk.editor.print("one more");
  await desk.shows(`${above}one more\n[lobby] Alice> 123456789012345`);
  desk.type("6", "\r");
  await until("the line", () => desk.told.length === 1);
  await desk.shows(`${above}one more\n[lobby] Alice>`);
});

Deno.test("Editor redraws once for a burst", async () => {
  using desk = new Desk();
  desk.listen();
  await desk.shows("[lobby] Alice>");
  const before = desk.written.length;
  for (let n = 0; n < 100; n++) desk.editor.print(`m${n}`);
  await until("the burst", () => desk.screen.text.includes("m99"));
  assertEquals(desk.written.slice(before).split("[lobby]").length - 1, 1);
});

Deno.test("Editor changes its prompt under a draft", async () => {
  using desk = new Desk();
  desk.listen();
  desk.type("draft");
  await desk.shows("[lobby] Alice> draft");
  desk.editor.setPrompt("[lobby] Alice (offline)> ");
  await desk.shows("[lobby] Alice (offline)> draft");
});

Deno.test("Editor edits: backspace, home, wide characters, history, Tab", async () => {
  using desk = new Desk();
  desk.listen();
  desk.type("helo", LEFT, "l", HOME, "X", BACKSPACE, "\r");
  await until("a line", () => desk.told.includes("line hello"));
  desk.type("天地", "\r");
  await until("a wide line", () => desk.told.includes("line 天地"));
  desk.type(UP, UP);
  await desk.shows("[lobby] Alice> hello");
  // Key by key: what arrives at once counts as pasted, in which Tab is no key.
  desk.type("\x15", "/m");
  await until("the start of a command", () => desk.screen.text.endsWith("> /m"));
  desk.type("\t");
  await until("the first Tab", () => desk.told.includes("complete /m"));
  desk.type("\t");
  await until("the choice", () => /\/msg +\/me\s+\[lobby\] Alice> \/m$/.test(desk.screen.text));
  desk.type("s");
  await until("more of it", () => desk.screen.text.endsWith("> /ms"));
  desk.type("\t");
  await until("all of it", () => desk.screen.text.endsWith("> /msg"));
  desk.type("b");
  await until("the start of a name", () => desk.screen.text.endsWith("> /msg b"));
  desk.type("\t");
  await until("the name", () => desk.screen.text.endsWith("> /msg Bob"));
  desk.type("hi", "\r");
  await until("a command", () => desk.told.includes("line /msg Bob hi"));
});

Deno.test("Editor takes several lines pasted at once, one after the other", async () => {
  using desk = new Desk();
  desk.listen();
  desk.type("one\rtwo\rthree\r");
  await until("three lines", () => desk.told.length === 3);
  assertEquals(desk.told, ["line one", "line two", "line three"]);
  await desk.shows("[lobby] Alice>");
});

Deno.test("Editor tells of Ctrl-C and Ctrl-D, and passes over Ctrl-Z", async () => {
  using desk = new Desk();
  desk.listen();
  desk.type("\x1a", "draft", "\x03");
  await until("Ctrl-C", () => desk.told.includes("interrupt"));
  desk.type("\x15", "\x04");
  await until("Ctrl-D", () => desk.told.includes("end"));
  await desk.shows("");
});

Deno.test("Editor leaves no prompt behind, but what was printed last", async () => {
  const desk = new Desk();
  desk.listen();
  desk.type("draft");
  await desk.shows("[lobby] Alice> draft");
  desk.editor.print("the last word");
  desk.editor[Symbol.dispose]();
  await desk.shows("the last word");
  assertEquals(desk.screen.cursor, { row: 1, column: 0 });
});

Deno.test("ask() gives the answer, or nothing for Ctrl-C and Ctrl-D", async () => {
  using desk = new Desk();
  const answer = desk.editor.ask("Your name: ");
  await desk.shows("Your name:");
  desk.type("Bob", "\r");
  assertEquals(await answer, "Bob");
  const second = desk.editor.ask("Your name: ");
  desk.type("\x03");
  assertEquals(await second, undefined);
  const third = desk.editor.ask("Your name: ");
  desk.type("\x04");
  assertEquals(await third, undefined);
  assertStringIncludes(desk.screen.text, "Your name: Bob");
});

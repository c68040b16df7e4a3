import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { commonPrefix, formatCandidates } from "../../editor/completion.ts";
import { fitRow, type Layout, layOut } from "../../editor/layout.ts";
import { hasJobControl } from "../../editor/terminal.ts";
import { displayWidth } from "../../render/width.ts";

const FAMILY = "👨‍👩‍👧";

/** A layout with a draft in which `|` is the cursor. */
function layout(marked: string, over: Partial<Layout> = {}): Layout {
  const cursor = marked.indexOf("|");
  const text = marked.replace("|", "");
  return { status: [], prompt: "> ", draft: { text, cursor }, columns: 20, height: 12, ...over };
}

Deno.test("`layOut()` breaks a draft where a row is full, never within a wide character", () => {
  assertEquals(layOut(layout("abc|")), { rows: ["> abc"], row: 0, before: "> abc" });
  assertEquals(layOut(layout("123456|789", { columns: 8 })), {
    rows: ["> 123456", "789"],
    row: 1,
    before: "",
  });
  assertEquals(layOut(layout("123456|", { columns: 8 })), {
    rows: ["> 123456", ""],
    row: 1,
    before: "",
  });
  assertEquals(layOut(layout("12345|天", { columns: 8 })), {
    rows: ["> 12345", "天"],
    row: 1,
    before: "",
  });
  assertEquals(layOut(layout(`12${FAMILY}|`, { columns: 9 })).rows, ["> 12", FAMILY]);
});

Deno.test("`layOut()` shows lines and tabs, and makes control characters visible", () => {
  assertEquals(layOut(layout("a\n\nb|")), { rows: ["> a", "> ", "> b"], row: 2, before: "> b" });
  assertEquals(layOut(layout("a\tb|")).rows, ["> a b"]);
  assertEquals(layOut(layout("a\u202Eb|c")), {
    rows: ["> a<U+202E>bc"],
    row: 0,
    before: "> a<U+202E>b",
  });
  // Between the character and the replacement of the next one.
  assertEquals(layOut(layout("a|\u202Eb")).before, "> a");
  assertEquals(layOut(layout("|", { prompt: "\x1b[1m[\x1b]0;x\x07]\x1b[0m> " })).rows, [
    "\x1b[1m[␛]0;x␇]\x1b[0m> ",
  ]);
});

Deno.test("`layOut()` uses at most half of the screen and shows the rows around the cursor", () => {
  const text = Array.from({ length: 3000 / 5 }, (_, n) => String(n).padStart(4, "0") + " ").join(
    "",
  );
  for (const [columns, height] of [[40, 12], [80, 24], [20, 5], [10, 2], [5, 1]] as const) {
    for (const cursor of [0, 1, 777, 1500, 2999, 3000]) {
      const status = ["one", "two", "three", "four"];
      const frame = layOut({ status, prompt: "> ", draft: { text, cursor }, columns, height });
      assert(frame.rows.length <= Math.max(1, height / 2), `${columns}x${height}`);
      const row = frame.rows[frame.row];
      assert(row?.startsWith(frame.before), `${columns}x${height} at ${cursor}`);
      const before = `> ${text}`.slice(0, cursor + 2);
      assert(before.endsWith(frame.before));
      assert(frame.before.length === (cursor + 2) % columns);
    }
  }
});

Deno.test("`layOut()` shows the last rows of the status that fit, each cut to a row", () => {
  const status = ["first", "second line that is far too long", "third", "fourth"];
  assertEquals(layOut(layout("x|", { status })).rows, [
    "first",
    "second line that is…",
    "third",
    "fourth",
    "> x",
  ]);
  assertEquals(layOut(layout("x|", { status, height: 6 })).rows, [
    "third",
    "fourth",
    "> x",
  ]);
  assertEquals(layOut(layout("x|", { status, height: 2 })).rows, ["> x"]);
});

Deno.test("`fitRow()` cuts by columns, keeps colours and makes control characters visible", () => {
  assertEquals(fitRow("12345", 5), "12345");
  assertEquals(fitRow("123456", 5), "1234…");
  assertEquals(fitRow("天地玄", 5), "天地…");
  assertEquals(fitRow("天地玄", 6), "天地玄");
  assertEquals(fitRow("\x1b[31m123456\x1b[0m", 5), "\x1b[31m1234…\x1b[0m");
  assertEquals(fitRow("\x1b[31m12345\x1b[0m", 5), "\x1b[31m12345\x1b[0m");
  assertEquals(fitRow("a\nb\x1b[2J", 20), "a␊b␛[2J");
});

Deno.test("`layOut()` makes no row too wide and always places the cursor", () => {
  const part = fc.constantFrom(
    "a",
    " ",
    "天",
    FAMILY,
    "❤️",
    "🇩🇪",
    "\n",
    "\t",
    "\u202E",
    "e\u0301",
    "x\u200D",
  );
  fc.assert(fc.property(
    fc.array(part, { maxLength: 60 }),
    fc.nat(60),
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 30 }),
    (parts, before, columns, height) => {
      const draft = {
        text: parts.join(""),
        cursor: parts.slice(0, before).join("").length,
      };
      const frame = layOut({ status: ["天地玄黄"], prompt: "[天]> ", draft, columns, height });
      for (const row of frame.rows) assert(displayWidth(row) <= columns, row);
      assert(frame.rows.length <= Math.max(1, height / 2));
      assert(frame.rows[frame.row]?.startsWith(frame.before));
      assert(displayWidth(frame.before) < columns || columns === 1);
    },
  ));
});

Deno.test("`commonPrefix()` compares graphemes, ignoring case", () => {
  assertEquals(commonPrefix([]), "");
  assertEquals(commonPrefix(["Alice "]), "Alice ");
  assertEquals(commonPrefix(["Alice: ", "alina: "]), "Ali");
  assertEquals(commonPrefix(["same", "same"]), "same");
  assertEquals(commonPrefix(["e\u0301a", "eb"]), "");
  assertEquals(commonPrefix(["ab", "abc"]), "ab");
});

Deno.test("`formatCandidates()` makes columns and counts the candidates left out", () => {
  assertEquals(formatCandidates(["one ", "two ", "three "], 20, 5), "one    two\nthree");
  assertEquals(formatCandidates(["天地", "b"], 20, 5), "天地  b");
  assertEquals(formatCandidates(["a", "b", "c", "d", "e"], 6, 1), "a  b\n… and 3 more");
  assertEquals(formatCandidates(["\x1b[2J"], 20, 5), "␛[2J");
});

Deno.test("`hasJobControl()` finds a shell in the same session", () => {
  const table = `
    1    0    1 ?
   10    1   10 pts/1
   20   10   20 pts/1
   21   20   20 pts/1
   30    1   30 pts/2
   31   30   30 pts/2
   40    1   40 ??
   41   40   41 ??`;
  const found = (pid: number): boolean => hasJobControl(table, pid);
  // A program of the shell 10, started by another program; and the shell itself.
  assertEquals([found(21), found(20), found(10)], [true, true, false]);
  // A terminal with only the program; no terminal; an unknown process.
  assertEquals([found(31), found(30), found(41), found(99)], [false, false, false, false]);
  assertEquals(hasJobControl("", 1), false);
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  EXPORT_FORMATS,
  type Exported,
  exported,
  exportFileName,
  type ExportFormat,
  ExportWriter,
  formatOf,
} from "../../chat/export.ts";
import type { Direct } from "../../protocol.ts";
import { chatMessage } from "../kit/fake_connection.ts";
import { name as anyName } from "../protocol/arbitraries.ts";

/** Control, format and bidirectional characters: whatever a terminal or an editor would obey. */
const OBEYED = /(?!\n)\p{Cc}|(?![\u200C\u200D])\p{Cf}|[\p{Zl}\p{Zp}\p{Cs}]/u;
const FORMATS = Object.keys(EXPORT_FORMATS) as ExportFormat[];

const anyText = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  fc.array(
    fc.constantFrom(
      ...["\n", "  ", "\t", "a", "1. ", "- ", "> ", "```", "`", "**", "_", "~~", "<b>", "&lt;"],
      ...["](x)", "[", "# ", "===", "https://a.example/b_c", "javascript:x", "|", "\\", "\x1b[31m"],
      ...["\u202e", "\u2028", "!"],
    ),
    { minLength: 1, maxLength: 20 },
  ).map((parts) => parts.join("")),
);
const anySaid: fc.Arbitrary<Exported> = fc.record({
  sender: anyName,
  text: anyText,
  markdown: fc.boolean(),
  action: fc.boolean(),
  verified: fc.boolean(),
  data: fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
}).map(({ sender, text, markdown, action, verified, data }) =>
  chatMessage(sender, text.toWellFormed(), {
    ...markdown ? { format: "markdown" } : {},
    ...action ? { kind: "action" } : {},
    ...verified ? { account: "Bob" } : {},
    ...data === undefined ? {} : { data },
  })
);

/** The Markdown of one message, its time left out. */
function markdown(message: string, more: Parameters<typeof chatMessage>[2] = {}): string {
  const writer = new ExportWriter("markdown", "#lobby");
  return writer.one(chatMessage("Bob", message, more))
    .replace(/^\n## [\d-]+\n\n- [\d:]+ /, "").replace(/\n$/, "");
}

Deno.test("formatOf() goes by the end of the name", () => {
  assertEquals(
    ["a.md", "a.MARKDOWN", "a.jsonl", "a.json", "a.txt", "a", "md", "json.log"].map(formatOf),
    ["markdown", "markdown", "json", "json", "text", "text", "text", "text"],
  );
});

Deno.test("exported() shows no control or bidirectional character, in no format", () => {
  fc.assert(
    fc.property(fc.array(anySaid, { maxLength: 5 }), fc.constantFrom(...FORMATS), (all, format) => {
      const text = exported("#lobby", all, format);
      assert(!OBEYED.test(text.replaceAll("\t", "")), JSON.stringify(text));
    }),
    { numRuns: 1000 },
  );
  assertEquals(markdown("x \u202e y \x1b[31m"), "**Bob:** x \\<U+202E\\> y ␛\\[31m");
});

Deno.test("exported() writes JSON lines that read back as what the hub sent", () => {
  fc.assert(
    fc.property(fc.array(anySaid, { maxLength: 5 }), (all) => {
      const lines = exported("#lobby", all, "json").split("\n");
      assertEquals(lines.pop(), "");
      assertEquals(lines.map((line) => JSON.parse(line)), JSON.parse(JSON.stringify(all)));
    }),
    { numRuns: 300 },
  );
});

Deno.test("exported() writes text in which nothing within a message looks like a message", () => {
  fc.assert(
    fc.property(fc.array(anySaid, { minLength: 1, maxLength: 5 }), (all) => {
      const text = exported("#lobby", all, "text");
      assertEquals(text.match(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] /gm)?.length, all.length);
      for (const line of text.trimEnd().split("\n")) assert(/^(\[| {4})/.test(line), line);
    }),
    { numRuns: 1000 },
  );
  const write = (each: Exported) =>
    exported("#lobby", [each], "text").replace(/^\[[\d: -]+\] /, "");
  const evil = chatMessage("Bob\x1b[2J", "hi\n# heading <b>*x*</b>\n1. one\n\x1b]0;t\x07");
  assertEquals(write(evil), "Bob␛[2J: hi\n    # heading <b>*x*</b>\n    1. one\n    ␛]0;t␇\n");
  assertEquals(write(chatMessage("Bob", "waves", { kind: "action" })), "* Bob waves\n");
  assertEquals(write(chatMessage("Bob", "a    b\tc", { account: "Bob" })), "Bob✓: a    b\tc\n");
  assertEquals(write(chatMessage("Bob✓", "no")), "Bob<U+2713>: no\n");
});

Deno.test("exported() writes Markdown in which nothing of a stranger's is HTML, a link or a heading", () => {
  fc.assert(
    fc.property(anySaid, (one) => {
      const lines = exported("#lobby", [one], "markdown").split("\n");
      assertEquals(lines[0], "# \\#lobby");
      // Below the head of the message, all belongs to it.
      for (const line of lines.slice(5)) assert(line === "" || line.startsWith("  "), line);
      const text = lines.slice(4).join("\n");
      const bare = withoutSafe(text);
      assert(!/[<&[\]#|]/.test(bare), JSON.stringify([bare, text]));
    }),
    { numRuns: 2000 },
  );
});

/** `text` without what is shown as it is: code, escaped characters, and addresses that are links. */
function withoutSafe(text: string): string {
  return text
    .replaceAll(/^ {2,}(?:> |\d+\. |- )*(`{3,})\w*\n[^]*?\n {2,}(?:> )*\1$/gm, "")
    .replaceAll(/\\[^]|(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)|<(?:https?:\/\/|mailto:)[^\s<>]+>/g, "");
}

Deno.test("exported() writes Markdown that shows literal text as text", () => {
  assertEquals(
    markdown("/app/__init__.py <b>&lt;"),
    "**Bob:** /app/\\_\\_init\\_\\_.py \\<b\\>\\&lt;",
  );
  assertEquals(markdown("see https://a.example/b_c."), "**Bob:** see <https://a.example/b_c>.");
  assertEquals(markdown("1. no list"), "**Bob:** 1\\. no list");
  // Columns and lines are kept, whatever is in them.
  assertEquals(
    markdown("a    b\n```\n- c"),
    "**Bob:**\n\n  ````\n  a    b\n  ```\n  - c\n  ````",
  );
  assertEquals(markdown("waves", { kind: "action" }), "**Bob** waves");
  assertEquals(markdown("so", { account: "Bob" }), "**Bob✓:** so");
  assertEquals(
    markdown("see", { data: { a: "</b>" } }),
    '**Bob:** see\n\n  ```json\n  {\n    "a": "</b>"\n  }\n  ```',
  );
});

Deno.test("exported() writes Markdown that keeps what people typed as Markdown", () => {
  const typed = (text: string): string => markdown(text, { format: "markdown" });
  assertEquals(
    typed("**bold** _em_ ~~no~~ `a_b` <b>"),
    "**Bob:** **bold** *em* ~~no~~ `a_b` \\<b\\>",
  );
  assertEquals(typed("one\ntwo"), "**Bob:** one\\\n  two");
  assertEquals(
    typed("> quoted\n\n- a\n- b\n\n1. c"),
    "**Bob:**\n\n  > quoted\n\n  - a\n  - b\n\n  1. c",
  );
  assertEquals(typed("look:\n```\na    <b>\n```"), "**Bob:** look:\n\n  ```\n  a    <b>\n  ```");
  // No link whose text is not its address, no image, no heading.
  assertEquals(typed("[x](javascript:y)"), "**Bob:** \\[x\\](javascript:y)");
  assertEquals(typed("# big"), "**Bob:** \\# big");
});

Deno.test("ExportWriter tells each day once", () => {
  const writer = new ExportWriter("markdown", "@Jo Ann");
  assertEquals(writer.head(), "# @Jo Ann\n");
  const next = chatMessage("Bob", "next", { timestamp: "2026-03-01T12:00:00.000Z" });
  assert(writer.one(chatMessage("Bob", "one")).startsWith("\n## 2026-01-31\n\n- "));
  assert(writer.one(chatMessage("Bob", "two")).startsWith("- "));
  assert(writer.one(next).startsWith("\n## 2026-03-01\n\n- "));
  const direct: Direct = {
    type: "direct",
    sender: "Bob",
    to: "Jo Ann",
    timestamp: "2026-03-01T12:00:01.000Z",
    message: "psst",
  };
  assert(writer.one(direct).endsWith(" **Bob:** psst\n"));
});

Deno.test("exportFileName() is a harmless name for any conversation", () => {
  const at = Date.parse("2026-01-31T12:00:00Z");
  assertEquals(exportFileName("#dev-2", at, "markdown"), "dev-2-2026-01-31.md");
  assertEquals(exportFileName("@Jo Ann", at, "json"), "jo-ann-2026-01-31.jsonl");
  assertEquals(exportFileName("@../#a b/c", at, "text"), "a-b-c-2026-01-31.txt");
  assertEquals(exportFileName("@山田", at, "text"), "山田-2026-01-31.txt");
  fc.assert(fc.property(anyName, (name) => {
    assert(
      /^[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}._-]*\.txt$/u.test(
        exportFileName(`@${name}`, at, "text"),
      ),
    );
  }));
});

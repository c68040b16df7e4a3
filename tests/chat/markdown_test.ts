import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { highlight, wordsOf } from "../../web/text/highlight.ts";
import { findLinks, safeHref } from "../../chat/markdown/links.ts";
import { parseText, readText } from "../../chat/markdown/parse.ts";
import { quotation } from "../../web/text/quote.ts";
import { type Block, type Inline, plainText } from "../../chat/markdown/tree.ts";
import { HOSTILE_TEXTS } from "../kit/hostile_texts.ts";

/** All nodes of a tree. */
function* nodesOf(nodes: readonly (Block | Inline)[]): Iterable<Block | Inline> {
  for (const node of nodes) {
    yield node;
    if ("children" in node) yield* nodesOf(node.children);
    if (node.type === "list") { for (const item of node.items) yield* nodesOf(item); }
  }
}

/** A tree as short text: `strong(bold) and [code]`. */
function sketch(nodes: readonly (Block | Inline)[]): string {
  return nodes.map((node): string => {
    switch (node.type) {
      case "text":
        return node.text;
      case "break":
        return "↵";
      case "code":
        return `[${node.text}]`;
      case "link":
        return `<${node.text}>`;
      case "list":
        return `${node.numbers?.[0] ?? "•"}(${node.items.map((item) => sketch(item)).join("|")})`;
      case "paragraph":
      case "literal":
        return `¶${sketch(node.children)}`;
      default:
        return `${node.type}(${sketch(node.children)})`;
    }
  }).join("");
}

/** Any mixture of Markdown and ordinary text. */
const meaningful = fc.array(
  fc.constantFrom(
    ..."* ** _ __ ~~ ` `` ``` > - • 1. \n \n\n https://a.example/ mailto:a@b.example ( ) [ ] < & \" ' word é \u202E 👍 \ud83d ,"
      .split(" "),
    " ",
  ),
  { maxLength: 40 },
).map((parts) => parts.join(""));

const anything = fc.oneof(
  meaningful,
  fc.string({ unit: "binary" }),
  fc.constantFrom(...HOSTILE_TEXTS),
);

Deno.test("`parseText()` parses common Markdown", () => {
  for (
    const [text, expected] of [
      ["plain", "¶plain"],
      [
        "**bold** and *it* and _it_ and __bold__",
        "¶strong(bold) and emphasis(it) and emphasis(it) and strong(bold)",
      ],
      ["~~gone~~ `a*b*c` ``a`b``", "¶deleted(gone) [a*b*c] [a`b]"],
      ["**bold *and it* too**", "¶strong(bold emphasis(and it) too)"],
      ["one\ntwo\n\nthree", "¶one↵two¶three"],
      ["a\n```ts\nx < y\n\n  z\n```\nb", "¶a[x < y\n\n  z]¶b"],
      ["```\nnever closed\n**not bold**", "[never closed\n**not bold**]"],
      ["> a\n> > b\nc", "quote(¶aquote(¶b))¶c"],
      ["- a\n- **b**\n3. c\n4) d", "•(a|strong(b))3(c|d)"],
      // Text that only looks like markup.
      ["2*3*4 snake_case_name a * b * c 5 ** 2", "¶2*3*4 snake_case_name a * b * c 5 ** 2"],
      ["```all on one line", "¶```all on one line"],
      ["```ts", "¶```ts"],
      ["*", "¶*"],
      ["** ** ``` `", "¶** ** ``` `"],
      ["-1 degrees", "¶-1 degrees"],
      ["#tag <b>&amp;", "¶#tag <b>&amp;"],
      ["[text](https://a.example/)", "¶[text](<https://a.example/>)"],
      ["*see https://a.example/b_c_d*", "¶emphasis(see <https://a.example/b_c_d>)"],
      ["a\r\nb", "¶a↵b"],
      ["", ""],
      [" \n ", ""],
    ] as const
  ) assertEquals(sketch(parseText(text)), expected, text);
});

Deno.test("`findLinks()` excludes the punctuation around addresses", () => {
  for (
    const [text, ...expected] of [
      ["see https://a.example.", "https://a.example"],
      ["(https://a.example/b_(c))", "https://a.example/b_(c)"],
      [
        "https://a.example/?q=1&r=2#x, and http://b.example!",
        "https://a.example/?q=1&r=2#x",
        "http://b.example",
      ],
      ["<https://a.example>", "https://a.example"],
      ["mail mailto:me@a.example?", "mailto:me@a.example"],
      ["HTTPS://A.EXAMPLE", "HTTPS://A.EXAMPLE"],
      ["xhttps://a.example", ...[]],
      ["https://", ...[]],
      ["mailto:nobody", ...[]],
      ["https://user:secret@a.example", ...[]],
      ["javascript:alert(1) data:text/html,x ftp://a.example file:///etc", ...[]],
    ] as const
  ) assertEquals(findLinks(text).map((link) => link.text), expected as string[], text);
});

Deno.test("`parseText()` makes only allowed nodes, and links only to http, https and mailto", () => {
  const types = new Set(
    "text break code link strong emphasis deleted paragraph quote list".split(" "),
  );
  fc.assert(
    fc.property(anything, (text) => {
      for (const node of nodesOf(parseText(text))) {
        assert(types.has(node.type));
        if (node.type !== "link") continue;
        // The target of a link is its visible text.
        assertEquals(node.href, safeHref(node.text));
        assert(/^(?:https?|mailto):/.test(node.href), node.href);
        assert(text.includes(node.text));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("`parseText()` removes only markup, and adds nothing", () => {
  // Markup, list numbers, and words that may name the language of a code block.
  const bare = (text: string): string => text.replace(/[\s*_~`>\-•.)\d]|word/g, "");
  fc.assert(
    fc.property(meaningful, (text) => {
      assertEquals(bare(plainText(parseText(text))), bare(text));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("`parseText()` leaves words, paths, names and patterns unchanged", () => {
  for (
    const text of [
      'File "/app/__init__.py", line 3',
      "/app/__init__.py",
      "__init__.py and ./__main__.pyc",
      "src/**/*.ts lib/**/*_test.ts **/*.md",
      "*.ts *.tsx*",
      "C:\\*new*\\_old_",
      "a-*b*-c x=*y* k:_v_ 2*3*4 e\u0301*x*e\u0301",
      "snake_case_name _x_y __a__b",
      "𝒜*x*𝒜 漢*字*漢 می‌*خ*واهم",
      "user@*host* #_tag_x foo.*.bar",
      "  indented\n\tand   spaced",
    ]
  ) assertEquals(plainText(parseText(text)), text);
  const letter = fc.constantFrom(..."aZ9éßжאم漢かก한", "𝒜", "𠀀", "e\u0301");
  const inner = fc.constantFrom(..."*_~/.-\\:=@#&+$%|".split(""), "**", "__", "~~", "a", "b", "漢");
  const word = fc.tuple(letter, fc.array(inner, { maxLength: 12 }), letter)
    .map(([first, middle, last]) => first + middle.join("") + last);
  const path = word.map((each) => `/${each}`);
  const space = fc.constantFrom(" ", "   ", "\t", "\n", "\n    ");
  const text = fc.array(fc.tuple(fc.oneof(word, path), space), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.flat().join("").trimEnd());
  fc.assert(
    fc.property(text, (each) => assertEquals(plainText(parseText(each)), each)),
    { numRuns: 3000 },
  );
});

Deno.test("`parseText()` keeps all spaces and tabs of a line", () => {
  const part = fc.constantFrom(
    ...'* ** _ __ ~~ word é 漢 👍 , . ! ( ) " - / : = 42'.split(" "),
    " ",
    "  ",
    "\t",
  );
  const line = fc.array(part, { maxLength: 20 }).map((parts) => `x${parts.join("")}`);
  const bare = (each: string): string => each.replace(/[*_~]/g, "");
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
      const each = lines.join("\n");
      assertEquals(bare(plainText(parseText(each))), bare(each));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("`readText()` keeps every character of a literal text", () => {
  fc.assert(
    fc.property(anything, (text) => {
      const blocks = readText(text, undefined);
      assertEquals(plainText(blocks), text);
      for (const node of nodesOf(blocks)) assert(/^(?:literal|text|link)$/.test(node.type));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("`quotation()` of literal text preserves the text", () => {
  assertEquals(quotation("hi\nthere", undefined), "> hi\n> there\n");
  assertEquals(quotation("**hi**", "markdown"), "> **hi**\n");
  assertEquals(quotation("**/*.ts *a*", undefined), "> ```\n> **/*.ts *a*\n> ```\n");
  const text = anything.filter((each) => !/`|\r/.test(each) && each.trim() === each && each !== "");
  fc.assert(fc.property(text, (each) => {
    assertEquals(plainText(parseText(quotation(each, undefined))), each);
  }));
});

Deno.test("`parseText()` takes linear time for any text", () => {
  for (
    const piece of [
      "*a ",
      "**a",
      "_a _",
      "`",
      "``a",
      "> ",
      ">> a\n",
      "- a\n",
      "```\n",
      "https://a(",
      ")",
      "~~",
      "(*_`",
      "*~",
      "-*",
      ".**",
    ]
  ) {
    const text = `https://a.example/${piece.repeat(64 * 1024 / piece.length)}`;
    const start = performance.now();
    parseText(text);
    const took = performance.now() - start;
    assert(took < 1000, `${JSON.stringify(piece)} took ${took} ms`);
  }
});

Deno.test("`highlight()` marks the beginnings of words, and keeps all text", () => {
  const hits = (text: string, query: string): string[] =>
    highlight(text, wordsOf(query)).filter(({ hit }) => hit).map((stretch) => stretch.text);
  assertEquals(hits("Needles in a needle-case, kneedle", "needle"), ["Needle", "needle"]);
  assertEquals(hits("a.b (c)", ".*( a"), ["a"]);
  assertEquals(hits("Übung macht den Meister", "übung meis"), ["Übung", "Meis"]);
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (text, query) => {
    assertEquals(highlight(text, wordsOf(query)).map((stretch) => stretch.text).join(""), text);
  }));
});

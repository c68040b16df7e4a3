import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { connect } from "../../../client.ts";
import { visible } from "../../../protocol.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { HOSTILE_TEXTS } from "../../kit/hostile_texts.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Output of programs: columns, paths, patterns, logs, and text that looks like Markdown. */
const PROGRAM_TEXTS: readonly string[] = [
  'File "/app/__init__.py", line 3, in __main__',
  "total 8\ndrwxr-xr-x  2 root root   4096 Nov 21 17:16 bin\n-rw-r--r--  1 root root 123456 Nov 21 17:16 a_b_c",
  "a    b\tc   d",
  "  indented\n\ttab\n\n\nafter three ends of lines",
  "> no quote\n- no list\n1. no number\n7) none\n```\nno code\n```\n`no` **no** _no_ ~~no~~",
  "see https://example.com/a_b_c?x=*y* and `https://example.com/`.",
  " both ends ",
  "\u00a0no\u00a0break\u2003em\u3000wide",
  "שלום  עולם\tabc\nمرحبا __init__",
  "第一  *二*\t三",
  "e\u0301\u0323  👩‍👩‍👧‍👦\t🇩🇪 👍🏽",
];

/** Arbitrary message text, with many characters that are special in Markdown or HTML. */
const anyText = fc.array(
  fc.oneof(
    fc.constantFrom(..." \t\n*_~`>-#/\\<&.:1)", "  ", "\n\n", "https://a.example/_b_", "word"),
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.string({ unit: "grapheme", maxLength: 3 }),
  ),
  { minLength: 1, maxLength: 30 },
).map((parts) => parts.join("")).filter((text) => text.isWellFormed() && text.trim() !== "");

/** `text` as the page must show it. */
function readable(text: string): string {
  return visible(text.replaceAll(/\r\n?/g, "\n"), { keepLines: true });
}

/** Selects a message, copies it with the keyboard, and returns the clipboard. */
async function copied({ page }: ChatPage, id: number): Promise<string> {
  await page.evaluate((wanted) => {
    const bubble = document.querySelector(`article[data-id="${wanted}"] .bubble`);
    if (bubble === null) throw new Error("There is no such message");
    getSelection()?.selectAllChildren(bubble);
  }, id);
  await page.evaluate(() => navigator.clipboard.writeText("nothing"));
  await page.keyboard.press("Control+c");
  return await page.evaluate(() => navigator.clipboard.readText());
}

test("literal text is shown and copied unchanged", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using profile = await browser.newProfile({
    height: 4000,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const texts = [...PROGRAM_TEXTS, ...HOSTILE_TEXTS, ...fc.sample(anyText, 40)];
  const alice = await profile.open(hub, { name: "Alice" });
  await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
  const found: (readonly [sent: string, ...ways: string[]])[] = [];
  for (const message of texts) {
    const { id } = await bob.send({ message });
    const bubble = alice.page.locator(`article[data-id="${id}"] .bubble`);
    await bubble.waitFor();
    const shown = await bubble.evaluate((each: HTMLElement) => [each.textContent, each.innerText]);
    found.push([readable(message), ...shown, await copied(alice, id)]);
  }
  for (const [sent, ...ways] of found) assertEquals(ways, [sent, sent, sent]);
});

test("columns of a literal message are aligned", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
  await bob.send({ message: "iiii  X\nWWWW  X\ni\tX\nWWW\tX" });
  const bubble = alice.page.locator("article.theirs .bubble");
  await bubble.waitFor();
  const lefts = await bubble.evaluate((each) => {
    const text = each.querySelector("p")?.firstChild;
    if (!(text instanceof Text)) throw new Error("There is no text");
    return [...text.data.matchAll(/X/g)].map(({ index }) => {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + 1);
      return range.getBoundingClientRect().left;
    });
  });
  const [a = NaN, b = NaN, c = NaN, d = NaN] = lefts;
  assert(Math.abs(a - b) < 0.5 && Math.abs(c - d) < 0.5, String(lefts));
});

test("text typed in the page is sent as Markdown to rooms and users, and keeps its spaces", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
  const heard: (string | undefined)[][] = [];
  const listening = (async () => {
    for await (const event of bob) {
      if (event.type !== "message" && event.type !== "direct") continue;
      heard.push([event.type, event.message, event.format]);
      if (event.type === "direct") return;
    }
  })();
  await alice.page.locator(".people").getByText("Bob").waitFor();
  await alice.say("**bold**  two  spaces");
  await alice.say("/me waves  *twice*");
  await alice.page.locator("article.action em").getByText("twice").waitFor();
  assertEquals(await alice.page.locator("article:not(.pending) .bubble p").allInnerTexts(), [
    "bold  two  spaces",
    "waves  twice",
  ]);
  await alice.say("/msg Bob only *you*");
  await alice.page.locator("article.mine em").getByText("you").waitFor();
  await listening;
  assertEquals(heard, [
    ["message", "**bold**  two  spaces", "markdown"],
    ["message", "waves  *twice*", "markdown"],
    ["direct", "only *you*", "markdown"],
  ]);
});

test("quoting a literal message does not alter it", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
  await bob.send({ message: "**/*.ts  __init__ *x*", data: { a: "__b__" } });
  const message = alice.page.locator("article.theirs");
  await message.hover();
  await message.getByRole("button", { name: "Quote" }).click();
  await alice.composer.press("Enter");
  const quoted = alice.page.locator("article.mine blockquote");
  await until(
    "quoted",
    async () => (await quoted.allInnerTexts()).join().includes("**/*.ts  __init__ *x*"),
  );
});

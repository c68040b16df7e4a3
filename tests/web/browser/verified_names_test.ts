import { assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { browserTests } from "../../kit/browser.ts";
import { startTestHub, tokenIsName } from "../../kit/test_hub.ts";

const test = browserTests();

/** Names that imitate the mark of a verified name. */
const FORGED = [
  "Ann ✓",
  "Ann ✔️",
  "Ann ☑",
  "✅Ann",
  "Verified Ann",
  "Verified name",
  "Ann, verified",
];

test("a name verified by a token has a mark that no other name can imitate", async (browser) => {
  await using hub = await startTestHub({ authorizer: tokenIsName });
  await using profile = await browser.newProfile({ height: 1600 });
  const { page } = await profile.open(hub, { name: "Alice" });
  const say = async (sender: string, message: string, token?: string): Promise<void> => {
    const rooms = [{ room: "lobby", recent: 0 }];
    const proof = token === undefined ? {} : { token };
    await using client = connect({ url: hub.url, sender, rooms, echo: false, ...proof });
    await client.send({ message });
    await client.send({ message: `${message}, again` });
    await client.send({ message: `${message}, by deed`, kind: "action" });
    await client.direct("Alice", { message: `${message}, to you` });
  };
  await say("Ann", "first", "Ann");
  for (const name of FORGED) await say(name, `I am ${name}`);
  const marks = () => page.locator("article.theirs .verified");
  const label = (id: number) => page.locator(`article[data-id="${id}"]`).getAttribute("aria-label");
  await page.locator(`article[data-id="${3 + 3 * FORGED.length}"]`).waitFor();
  // One for the first message of a group, and one for the action. "Ann joined" may split the group.
  const marked = await marks().evaluateAll((each) =>
    each.map((mark) => mark.closest("article")?.dataset["id"])
  );
  assertEquals(marked.filter((id) => id !== "2"), ["1", "3"]);
  assertEquals(await marks().first().getAttribute("aria-label"), "Verified name");
  await page.getByRole("img", { name: "Verified name" }).first().waitFor();
  assertEquals([await label(1), await label(2), await label(3)], Array(3).fill("Verified: Ann"));
  const labels = await page.locator("article.theirs").evaluateAll((rows) =>
    rows.slice(3).map((row) => row.getAttribute("aria-label") ?? "")
  );
  assertEquals(labels.filter((each) => each.startsWith("Verified:")), []);
  const names = await page.locator("article.theirs .name").allInnerTexts();
  assertEquals(names.filter((name) => /[\u2611\u2705\u2713\u2714]/.test(name)), []);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("dialog").getByLabel("Words").fill("first");
  await page.getByText("3 messages found.").waitFor();
  assertEquals(await page.locator(".results .verified").count(), 3);
  await page.keyboard.press("Escape");
  await page.locator(".sidebar").getByRole("button", { name: /^Ann\b/ }).first().click();
  await page.getByText("first, to you").waitFor();
  assertEquals(await marks().count(), 1);
});

test("text has the direction of its script everywhere", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  const hebrew = "שרה לוי";
  await using sarah = connect({ url: hub.url, sender: hebrew, echo: false });
  await sarah.send({ message: "שלום, https://a.example/א/ב כאן\nenglish line" });
  await sarah.send({ message: "- ראשון\n- second\n\n**מודגש**", format: "markdown" });
  await sarah.direct("Alice", { message: "לך" });
  const direction = (selector: string, at = 0): Promise<string> =>
    page.locator(selector).nth(at).evaluate((each) => getComputedStyle(each).direction);
  await page.locator("article.theirs li").nth(1).waitFor();
  assertEquals(await direction("article.theirs .literal"), "rtl");
  assertEquals(await direction("article.theirs .literal a"), "ltr");
  assertEquals([await direction("article.theirs li"), await direction("article.theirs li", 1)], [
    "rtl",
    "ltr",
  ]);
  assertEquals(await direction("article.theirs .name"), "rtl");
  assertEquals(await direction(".people .row-button .grow"), "ltr");
  assertEquals(await direction(".people .row-button .grow", 1), "rtl");
  assertEquals(await direction(".sidebar .threads .row-button .grow", 1), "rtl");
  // Each line of a message is aligned by its own script.
  const sides = await page.locator("article.theirs .literal").evaluate((literal) => {
    const box = literal.getBoundingClientRect();
    const last = literal.lastChild;
    if (!(last instanceof Text)) throw new Error("There is no text");
    const range = document.createRange();
    range.setStart(last, last.data.indexOf("english"));
    range.setEnd(last, last.data.length);
    return Math.abs(range.getBoundingClientRect().left - box.left) < 2;
  });
  assertEquals(sides, true);
  await alice.composer.fill("שלום");
  assertEquals(await direction(".composer textarea"), "rtl");
  await alice.composer.fill("hello");
  assertEquals(await direction(".composer textarea"), "ltr");
  await alice.composer.fill("");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("dialog").getByLabel("Words").fill("שלום");
  assertEquals(await direction("dialog input"), "rtl");
  await page.getByText("1 message found.").waitFor();
  assertEquals([await direction(".results .name"), await direction(".result-text p")], [
    "rtl",
    "rtl",
  ]);
});

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { type BrowserProfile, browserTests, type TestBrowser } from "../../kit/browser.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** A browser like that of a small phone. */
function phone(browser: TestBrowser): Promise<BrowserProfile> {
  return browser.newProfile({ width: 320, height: 640, hasTouch: true, isMobile: true });
}

test("on a touch screen Enter begins a new line, and the button sends", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await phone(browser);
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  assertEquals(await alice.composer.getAttribute("enterkeyhint"), "enter");
  await alice.composer.tap();
  await page.keyboard.type("one");
  await page.keyboard.press("Enter");
  await page.keyboard.type("two");
  assertEquals(await alice.composer.inputValue(), "one\ntwo");
  await page.getByRole("button", { name: "Send" }).tap();
  await page.locator("article.mine .bubble br").waitFor({ state: "attached" });

  await page.getByRole("button", { name: "Conversations" }).tap();
  await page.getByRole("button", { name: "Settings" }).tap();
  await page.getByRole("group", { name: "Enter" }).getByLabel("Sends").check();
  await page.goBack();
  await page.goBack();
  await alice.composer.tap();
  await page.keyboard.type("three");
  await page.keyboard.press("Enter");
  await alice.sees("three");
  assertEquals(await alice.composer.getAttribute("enterkeyhint"), "send");
});

test("with a keyboard, Enter sends unless the setting says otherwise", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  await alice.say("one");
  await alice.sees("one");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("group", { name: "Enter" }).getByLabel("New line").check();
  await page.keyboard.press("Escape");
  await alice.composer.fill("two");
  await alice.composer.press("Enter");
  await page.keyboard.type("three");
  assertEquals(await alice.composer.inputValue(), "two\nthree");
  await alice.composer.press("Control+Enter");
  await page.locator("article.mine .bubble br").waitFor({ state: "attached" });
});

test("a tap on a message shows its actions", async (browser) => {
  await using hub = await startTestHub();
  await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
  await bob.send({ message: "first" });
  await bob.send({ message: "second, with https://example.com" });
  await using profile = await phone(browser);
  await profile.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  const tools = page.locator(".tools:visible");
  await alice.sees("first");
  assertEquals(await tools.count(), 0);
  await alice.message("first").locator(".bubble").tap();
  assertEquals(await tools.count(), 1);
  for (const button of await tools.getByRole("button").all()) {
    const box = await button.boundingBox();
    assert(box !== null && box.x >= 0 && box.x + box.width <= 320);
    assert(box.width >= 40 && box.height >= 40);
  }
  await tools.getByRole("button", { name: "Quote" }).tap();
  assertEquals(await alice.composer.inputValue(), "> first\n");
  await alice.composer.fill("");
  await alice.message("first").locator(".bubble").tap();
  await tools.getByRole("button", { name: "Copy" }).tap();
  await page.getByRole("status").getByText("Copied").waitFor();
  assertEquals(await page.evaluate(() => navigator.clipboard.readText()), "first");
  // A tap elsewhere hides them.
  await alice.composer.tap();
  assertEquals(await tools.count(), 0);
});

test("Back closes open dialogs and panels before it leaves the page", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await phone(browser);
  const page = await profile.context.newPage();
  await page.goto("data:text/html,before");
  await page.goto(`http://127.0.0.1:${hub.port}/?name=Alice`);
  await page.getByText("This is #lobby").waitFor();
  // Not at once: going back may end the page that evaluates it.
  const back = (): Promise<void> => page.evaluate(() => void setTimeout(() => history.back()));
  const drawer = page.locator(".sidebar.open");
  const dialog = page.getByRole("dialog");

  await page.getByRole("button", { name: "Conversations" }).tap();
  await page.getByRole("button", { name: "Settings" }).tap();
  await dialog.waitFor();
  await back();
  await dialog.waitFor({ state: "detached" });
  assertEquals(await drawer.count(), 1);
  await back();
  await until("the drawer is closed", async () => await drawer.count() === 0);

  // Closing them in other ways leaves no history entry for Back.
  await page.getByRole("button", { name: "Conversations" }).tap();
  await page.locator(".veil").tap({ position: { x: 310, y: 300 } });
  await until("the drawer is closed", async () => await drawer.count() === 0);
  await page.getByRole("button", { name: "This conversation" }).tap();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Emoji" }).tap();
  await page.getByLabel("Search emoji").waitFor();
  await back();
  await page.getByLabel("Search emoji").waitFor({ state: "detached" });
  await page.getByText("This is #lobby").waitFor();
  await back();
  await page.waitForURL(/^data:/);
});

import { assert, assertEquals } from "@std/assert";
import type { Server } from "../../../server.ts";
import { type BrowserProfile, browserTests, ChatPage } from "../../kit/browser.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { RecordingClient } from "../../kit/recording_client.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Opens another tab of a user who is online already. */
async function secondTab(profile: BrowserProfile, hub: Server): Promise<ChatPage> {
  const tab = await profile.open(hub);
  await tab.page.locator(".dot.online").waitFor({ state: "attached" });
  return tab;
}

async function assertCalled({ page }: ChatPage, name: string): Promise<void> {
  await page.locator(".self-name").getByText(name, { exact: true }).waitFor();
}

test("closing and reopening the tab keeps the name, whether the hub has noticed or not", async (browser) => {
  await using hub = await startTestHub();
  await using bob = new RecordingClient(hub, "Bob");
  await using profile = await browser.newProfile();
  let alice = await profile.open(hub, { name: "Alice" });
  await until("Alice is seen", () => bob.events.includes("+Alice"));
  for (const noticed of [false, true, true]) {
    await alice.page.close();
    if (noticed) await until("the hub has noticed", () => hub.online === 1);
    alice = await secondTab(profile, hub);
    await assertCalled(alice, "Alice");
  }
  await alice.say("still me");
  await until("it arrives", () => bob.events.includes("Alice: still me"));
  assertEquals(bob.events, ["+Alice", "Alice: still me"]);
});

test("two tabs are one user, and show the same messages", async (browser) => {
  await using hub = await startTestHub();
  await using bob = new RecordingClient(hub, "Bob");
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  await one.say("first");
  await one.sees("first");
  const two = await secondTab(profile, hub);
  await assertCalled(two, "Alice");
  assertEquals(hub.online, 2);
  await two.sees("first");
  await two.say("from two");
  await one.say("from one");
  await bob.connection.send({ message: "from Bob" });
  await bob.connection.direct("Alice", { message: "psst" });
  await one.thread("Bob").click();
  await one.sees("psst");
  await one.say("yes?");
  await two.thread("Bob").click();
  await two.sees("yes?");
  await two.say("no");
  await one.sees("no");
  assertEquals(await one.texts(), ["psst", "yes?", "no"]);
  assertEquals(await two.texts(), ["psst", "yes?", "no"]);
  for (const tab of [one, two]) {
    await tab.thread("lobby").click();
    await tab.sees("from Bob");
    assertEquals((await tab.texts()).toSorted(), ["first", "from Bob", "from one", "from two"]);
    assertEquals(await tab.page.locator("article.mine").count(), 3);
    assertEquals(await tab.page.locator(".pending").count(), 0);
  }
  assertEquals(bob.events.filter((line) => /^[+-]/.test(line)), ["+Alice"]);

  // Joining, leaving and searching in one tab affects the other, but not its view.
  await two.say("/join garden");
  await two.page.getByText("This is #garden").waitFor();
  await one.thread("garden").waitFor();
  assertEquals(await one.page.locator("h1").innerText(), "#lobby");
  await two.say("/who lobby");
  await two.page.locator(".note").getByText(/^2 in lobby: (Alice, Bob|Bob, Alice)$/).waitFor();
  await one.thread("garden").click();
  await two.say("/leave");
  await one.page.locator(".composer").getByPlaceholder("You closed this in another tab").waitFor();
  await two.say("/nick Älice");
  await assertCalled(one, "Älice");
  await assertCalled(two, "Älice");
});

test("messages read in one tab are read in the other", async (browser) => {
  await using hub = await startTestHub();
  await using bob = new RecordingClient(hub, "Bob");
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  const two = await secondTab(profile, hub);
  await two.page.bringToFront();
  await one.say("/join garden");
  await bob.connection.direct("Alice", { message: "psst" });
  await one.thread("Bob").locator(".badge").waitFor();
  await two.thread("Bob").click();
  await two.sees("psst");
  await until("read in both", async () => {
    return await one.thread("Bob").locator(".badge").count() === 0 &&
      !(await one.page.title()).startsWith("(");
  });
});

for (const how of ["is closed", "crashes"]) {
  test(`when the tab with the connection ${how}, another tab takes over without a gap`, async (browser) => {
    await using hub = await startTestHub();
    await using bob = new RecordingClient(hub, "Bob");
    await using profile = await browser.newProfile();
    const one = await profile.open(hub, { name: "Alice" });
    await one.say("one");
    const two = await secondTab(profile, hub);
    const three = await secondTab(profile, hub);
    await three.sees("one");
    if (how === "is closed") await one.page.goto("about:blank");
    // A crash runs no handler in the page.
    await one.page.close();
    await bob.connection.send({ message: "meanwhile" });
    await two.say("two");
    await three.say("three");
    await until("both arrive", () => {
      return ["Alice: two", "Alice: three"].every((line) => bob.events.includes(line));
    });
    for (const tab of [two, three]) {
      await until("sent", async () => await tab.page.locator(".pending").count() === 0);
      await tab.sees("meanwhile");
      assertEquals((await tab.texts()).toSorted(), ["meanwhile", "one", "three", "two"]);
      await assertCalled(tab, "Alice");
    }
    assertEquals(bob.events.filter((line) => /^[+-]/.test(line)), ["+Alice"]);
  });
}

test("when the tab with the connection hangs, another one takes over", async (browser) => {
  await using hub = await startTestHub();
  await using bob = new RecordingClient(hub, "Bob");
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  const two = await secondTab(profile, hub);
  // Like a tab that the browser has frozen, or that has crashed.
  const asleep = one.page.evaluate(() => {
    const end = performance.now() + 8000;
    while (performance.now() < end);
  });
  await two.page.bringToFront();
  await two.say("is anybody there?");
  await until("it arrives", () => bob.events.includes("Alice: is anybody there?"));
  // The first tab wakes up, and follows the other.
  await asleep;
  await one.sees("is anybody there?");
  await one.say("me again");
  await two.sees("me again");
  await assertCalled(one, "Alice");
  await assertCalled(two, "Alice");
  assertEquals(await one.texts(), ["is anybody there?", "me again"]);
  assertEquals(await two.texts(), ["is anybody there?", "me again"]);
  assertEquals(bob.events.filter((line) => /^[+-]/.test(line)), ["+Alice"]);
});

test("unsent messages are sent once, even when the tab that wrote them is closed", async (browser) => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  let hub = await startTestHub({ path });
  const { port } = hub;
  try {
    await using profile = await browser.newProfile();
    const one = await profile.open(hub, { name: "Alice" });
    const two = await secondTab(profile, hub);
    await hub.stop();
    await two.page.locator(".banner").getByText("Trying again").waitFor();
    await one.say("from one");
    await two.say("from two");
    await two.page.locator(".pending").getByText("from one").waitFor();
    await one.page.close();
    hub = await startTestHub({ path, port });
    await until("all are acked", async () => await two.page.locator(".pending").count() === 0);
    assertEquals(await two.texts(), ["from one", "from two"]);
  } finally {
    await hub.stop();
  }
});

test("tabs keep the drafts of other tabs, open or closed", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  const two = await secondTab(profile, hub);
  await two.composer.fill("draft in two");
  await one.composer.fill("draft in one 😀");
  await two.page.reload();
  await until("its own draft", async () => await two.composer.inputValue() === "draft in two");
  assertEquals(await one.composer.inputValue(), "draft in one 😀");
  await one.page.close();
  await two.page.close();
  const drafts: string[] = [];
  for (const _ of ["three", "four"]) {
    const tab = await secondTab(profile, hub);
    drafts.push(
      await until("a draft", async () => await tab.composer.inputValue() || undefined),
    );
  }
  assertEquals(drafts.toSorted(), ["draft in one 😀", "draft in two"]);
});

test("a changed setting applies to all tabs, and no tab reverts it", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  const two = await secondTab(profile, hub);
  const set = async ({ page }: ChatPage, group: string, choice: string): Promise<void> => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("group", { name: group }).getByLabel(choice, { exact: true }).check();
    await page.keyboard.press("Escape");
  };
  await set(one, "Theme", "Dark");
  await set(two, "Times", "Off");
  const theme = ({ page }: ChatPage): Promise<string | undefined> =>
    page.evaluate(() => document.documentElement.dataset["theme"]);
  await until(
    "dark in both",
    async () => await theme(one) === "dark" && await theme(two) === "dark",
  );
  await two.page.reload();
  await until("dark after a reload", async () => await theme(two) === "dark");
  await one.page.getByRole("button", { name: "Settings" }).click();
  assert(await one.page.getByRole("group", { name: "Times" }).getByLabel("Off").isChecked());
});

test("a duplicated tab is the same user, and both work", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const first = await profile.open(hub, { name: "Alice" });
  await first.say("hi");
  await first.page.locator(".tick").waitFor();
  await first.composer.fill("a draft");
  await first.page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  const copied = await first.page.evaluate(() => JSON.stringify(sessionStorage));
  const page = await profile.context.newPage();
  await page.addInitScript((kept) => {
    if (sessionStorage.length > 0) return;
    for (const [key, value] of Object.entries(JSON.parse(kept))) sessionStorage[key] = value;
  }, copied);
  await page.goto(first.page.url());
  const copy = new ChatPage(page);
  await assertCalled(copy, "Alice");
  await copy.composer.fill("another draft");
  await first.say("still me");
  await copy.sees("still me");
  assertEquals(await copy.composer.inputValue(), "another draft");
  assertEquals(hub.online, 1);
});

test("after /quit in one tab, another tab does not reconnect by itself", async (browser) => {
  await using hub = await startTestHub();
  await using bob = new RecordingClient(hub, "Bob");
  await using profile = await browser.newProfile();
  const one = await profile.open(hub, { name: "Alice" });
  const two = await secondTab(profile, hub);
  await two.say("/quit");
  await until("Alice is gone", () => bob.events.includes("-Alice"));
  await one.page.goto("about:blank");
  await two.say("is anybody there?");
  await two.page.getByRole("alert").getByText("You disconnected").waitFor();
  assertEquals(hub.online, 1);
  await two.page.getByRole("button", { name: "Connect again" }).click();
  await until("it arrives", async () => {
    // Before it is connected, Enter sends nothing and keeps the text.
    if (await two.composer.inputValue() !== "") await two.composer.press("Enter");
    return bob.events.includes("Alice: is anybody there?");
  });
});

test("a tab that still asks for a name does not share the connection", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const waiting = await profile.open(hub);
  await waiting.page.getByRole("heading", { name: "Hello!" }).waitFor();
  const one = await profile.open(hub);
  await one.page.getByRole("button", { name: "Just look around" }).click();
  await one.page.locator(".self-name").getByText("guest-").waitFor();
  // The guest gets the name in both tabs.
  await waiting.page.getByLabel("Name").fill("Alice");
  await waiting.page.keyboard.press("Enter");
  await assertCalled(waiting, "Alice");
  await assertCalled(one, "Alice");
  assertEquals(hub.online, 1);
});

test("a tab with another name in its address is another user", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const bob = await profile.open(hub, { name: "Bob" });
  await assertCalled(bob, "Bob");
  await bob.say("hello");
  await alice.page.locator("article.theirs").getByText("hello").waitFor();
  await bob.page.reload();
  await assertCalled(bob, "Bob");
  const third = await secondTab(profile, hub);
  await assertCalled(third, "Alice");
});

import { assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { postModeration, startModeratedHub, startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

test("a banned name on the first visit shows the reason and can be changed", async (browser) => {
  await using hub = await startModeratedHub();
  await postModeration(hub, "ban", { name: "Mallory", reason: "spam" });
  await using profile = await browser.newProfile();
  const { page } = await profile.open(hub);
  await page.getByLabel("Name").fill("Mallory");
  await page.keyboard.press("Enter");
  const banner = page.locator(".banner");
  await banner.getByText("Mallory is banned: spam").waitFor();
  await banner.getByRole("button", { name: "Choose another name" }).click();
  const name = page.getByRole("dialog").getByLabel("Name");
  assertEquals(await name.inputValue(), "Mallory");
  await name.fill("Mal-lory 李");
  await page.keyboard.press("Enter");
  await page.locator(".dot.online").waitFor({ state: "attached" });
  await page.locator(".self-name").getByText("Mal-lory 李", { exact: true }).waitFor();
  await page.getByText("This is #lobby").waitFor();
  // The new name is kept, and overrides the one in the address.
  await page.reload();
  await page.locator(".self-name").getByText("Mal-lory 李", { exact: true }).waitFor();
});

test("a banned name in the address can be changed with the pencil", async (browser) => {
  await using hub = await startModeratedHub();
  await postModeration(hub, "ban", { name: "mallory" });
  await using profile = await browser.newProfile();
  const { page } = await profile.open(`http://127.0.0.1:${hub.port}/`, {
    query: "name=Mallory&room=garden",
  });
  await page.locator(".banner").getByText("mallory is banned").waitFor();
  await page.getByRole("button", { name: "Change your name" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Mila");
  await page.keyboard.press("Enter");
  await page.locator(".self-name").getByText("Mila", { exact: true }).waitFor();
  await page.locator(".people").getByText("Mila").waitFor();
  assertEquals(await page.locator("h1").innerText(), "#garden");
  await page.reload();
  await page.locator(".self-name").getByText("Mila", { exact: true }).waitFor();
});

test("a page waits for a full hub, says so, and connects once another client has left", async (browser) => {
  await using hub = await startTestHub({ limits: { maxConnections: 1 } });
  const bob = connect({ url: hub.url, sender: "Bob" });
  await using _ = bob;
  await until("Bob is in", () => bob.state === "online");
  await using profile = await browser.newProfile();
  const { page } = await profile.open(`http://127.0.0.1:${hub.port}/`, { query: "name=Alice" });
  const banner = page.locator(".banner");
  await banner.getByText("The hub is full: 1 connections. Trying again").waitFor();
  await bob.close();
  await until("the hub has noticed", () => hub.online === 0);
  await banner.getByRole("button", { name: "Now" }).click();
  await page.locator(".dot.online").waitFor({ state: "attached" });
});

test("a page says whether the hub is shutting down or unreachable", async (browser) => {
  const hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  // Alice is disconnected first, and reconnects while the others are still connected.
  await using bob = connect({ url: hub.url, sender: "Bob" });
  await until("Bob is there", () => bob.state === "online");
  const stopped = hub.stop("New cables", 6000);
  const banner = alice.page.locator(".banner");
  await banner.getByText("New cables. Trying again").waitFor();
  await stopped;
  await banner.getByText("The hub cannot be reached").waitFor();
});

test("the newest announcement is visible on a phone, however long the earlier ones are", async (browser) => {
  await using hub = await startModeratedHub();
  await using profile = await browser.newProfile({ width: 360, height: 640, hasTouch: true });
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  for (const message of ["Wartung, обслуживание, 维护. ".repeat(30), "second", "סוף: all clear"]) {
    await postModeration(hub, "announce", { message });
    const shown = page.locator(".announcement").filter({ hasText: message.trim() });
    await shown.waitFor();
    const seen = await shown.locator("span").first().evaluate((span) => {
      const view = span.closest(".announcements")?.getBoundingClientRect();
      const { top } = span.getBoundingClientRect();
      return view !== undefined && top >= view.top && top + 20 <= view.bottom;
    });
    assertEquals(seen, true, message.slice(0, 20));
  }
  assertEquals(
    (await page.locator(".announcement span").allInnerTexts()).map((text) => text.slice(0, 6)),
    ["סוף: a", "second", "Wartun"],
  );
});

test("announcements stay above every conversation until they are dismissed", async (browser) => {
  await using hub = await startModeratedHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  await alice.say("/join garden");
  await page.getByText("This is #garden").waitFor();
  await postModeration(hub, "announce", { message: "Lunch \u202Eat noon <b>today</b>\u001b[31m" });
  await postModeration(hub, "announce", { message: "Only for the lobby", room: "lobby" });
  const shown = page.getByRole("log", { name: "Announcements" });
  const texts = (chat: ChatPage): Promise<string[]> =>
    chat.page.locator(".announcement span").allInnerTexts();
  const wanted = ["Only for the lobby", "Lunch <U+202E>at noon <b>today</b>␛[31m"];
  await until("both", async () => (await texts(alice)).length === 2);
  assertEquals(await texts(alice), wanted);
  assertEquals(await shown.getAttribute("aria-live"), "polite");
  await shown.getByText("Announcement in #lobby").waitFor();
  // An announcement is not a message of the open conversation.
  assertEquals(await page.locator(".log .note").filter({ hasText: "Lunch" }).count(), 0);

  await alice.thread("lobby").click();
  assertEquals(await texts(alice), wanted);
  await page.reload();
  await until("still there", async () => (await texts(alice)).length === 2);
  const second = await profile.open(hub);
  await until("there as well", async () => (await texts(second)).length === 2);
  await second.page.getByRole("button", { name: "Dismiss: Lunch" }).click();
  await until("gone in both", async () => {
    return (await texts(alice)).length === 1 && (await texts(second)).length === 1;
  });
  await page.getByRole("button", { name: "Dismiss: Only" }).click();
  await page.reload();
  await page.locator(".dot.online").waitFor({ state: "attached" });
  assertEquals(await texts(alice), []);
});

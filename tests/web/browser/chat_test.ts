import { assert, assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import type { Server } from "../../../server.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { PathProxy } from "../../kit/path_proxy.ts";
import { Program, startHubProcess } from "../../kit/process.ts";
import { Relay } from "../../kit/relay.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { connectAs } from "../../kit/recording_client.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Sends `#1` to `#count` to the lobby. */
async function fill(hub: Server, count: number): Promise<void> {
  await using bob = connectAs(hub, "Bob");
  await Promise.all(
    Array.from({ length: count }, (_, index) => bob.send({ message: `#${index + 1}` })),
  );
}

test("the first visit asks for a name and remembers it", async (browser) => {
  await using hub = await startTestHub();
  await using alice = await browser.newProfile();
  const { page } = await alice.open(hub);
  await page.getByRole("heading", { name: "Hello!" }).waitFor();
  await page.getByLabel("Name").fill("a/b");
  await page.getByText("A name has 1 to 32 visible characters").waitFor();
  assert(await page.getByRole("button", { name: "Start chatting" }).isDisabled());
  await page.getByLabel("Name").fill("Alice");
  await page.keyboard.press("Enter");
  await page.locator(".people").getByText("Alice").waitFor();
  await page.getByText("Nothing was said here yet. Say hello!").waitFor();

  // A second tab has the name already.
  const second = await alice.open(hub);
  await second.page.locator(".self-name").getByText("Alice", { exact: true }).waitFor();
});

test("two users exchange messages, and see typing, joins and renames", async (browser) => {
  await using hub = await startTestHub();
  await using one = await browser.newProfile();
  await using other = await browser.newProfile();
  const alice = await one.open(hub, { name: "Alice" });
  const bob = await other.open(hub, { name: "Bob" });
  await alice.page.locator(".note").getByText("Bob joined").waitFor();
  await bob.composer.pressSequentially("Hello **Al");
  await alice.page.locator(".typing").getByText("Bob is typing").waitFor();
  await bob.composer.pressSequentially("ice**!");
  await bob.composer.press("Enter");
  await alice.page.locator("article.theirs strong").getByText("Alice", { exact: true }).waitFor();
  await until("no more typing", async () => await alice.page.locator(".dots").count() === 0);
  await bob.page.locator("article.mine .tick").waitFor();
  await alice.say("/me waves");
  await bob.page.locator("article.action").getByText("waves").waitFor();

  await bob.say("/nick Robert");
  await alice.page.locator(".note").getByText("Bob is now Robert").waitFor();
  await alice.page.locator(".people").getByText("Robert").waitFor();
  await bob.page.locator(".note").getByText("You are now Robert").waitFor();
  await alice.page.getByRole("button", { name: "Change your name" }).click();
  await alice.page.getByRole("dialog").getByLabel("Name").fill("robert");
  await alice.page.getByRole("button", { name: "Change", exact: true }).click();
  await alice.page.locator(".note.error").getByText("The name robert is taken").waitFor();
  await alice.page.locator(".self-name").getByText("Alice", { exact: true }).waitFor();
});

test("rooms and private conversations show their unread messages", async (browser) => {
  await using hub = await startTestHub();
  await using one = await browser.newProfile();
  await using other = await browser.newProfile();
  const alice = await one.open(hub, { name: "Alice" });
  const bob = await other.open(hub, { name: "Bob", query: "room=dev" });
  await bob.page.getByRole("heading", { name: "dev" }).first().waitFor();

  await alice.page.keyboard.press("Control+k");
  await alice.page.getByRole("dialog").getByLabel("Room").fill("Dev");
  await alice.page.keyboard.press("Enter");
  await alice.page.locator(".people").getByText("Bob").waitFor();
  await alice.thread("lobby").click();
  await bob.say("one");
  await bob.say("two, @Alice");
  const badge = alice.thread("dev").locator(".badge.mentions");
  await badge.getByText("2", { exact: false }).waitFor();
  await until("the title", async () => await alice.page.title() === "(2) #lobby · bcast");
  await alice.thread("dev").click();
  await alice.page.getByText("New messages", { exact: true }).waitFor();
  await until("read", async () => await alice.page.title() === "#dev · bcast");

  await alice.page.locator(".people").getByRole("button", { name: "Bob" }).click();
  await alice.say("just you");
  await bob.thread("Alice").locator(".badge").waitFor();
  await bob.thread("Alice").click();
  await bob.sees("just you");
  await bob.say("and you");
  await alice.sees("and you");

  // Private messages are kept in the two tabs only, and survive a reload.
  await alice.page.reload();
  await alice.sees("and you");
  await alice.thread("dev").click();
  await alice.say("/leave");
  await until("left", async () => await alice.thread("dev").count() === 0);
});

test("a reload keeps the session, the room, the draft and the scroll position", async (browser) => {
  await using hub = await startTestHub();
  await fill(hub, 400);
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice", query: "room=lobby" });
  await alice.sees("#400");
  await alice.composer.fill("half a thou");
  // Scroll up, far from the end.
  await until("#290 in view", async () => {
    await alice.page.locator(".log").evaluate((log) => log.scrollTop -= 300);
    await alice.drawn();
    return await topOf(alice, "#290") > 100;
  });
  const before = await settled(alice, "#290");
  await alice.page.reload();
  await alice.sees("#290");
  await until("the same place", async () => Math.abs(await topOf(alice, "#290") - before) < 3);
  assertEquals(await alice.composer.inputValue(), "half a thou");
  await alice.page.locator(".self-name").getByText("Alice", { exact: true }).waitFor();
  await alice.page.getByRole("button", { name: "Latest" }).click();
  await alice.sees("#400");
});

test("scrolling up through 2,000 messages shows each once, in order, without jumps", async (browser) => {
  await using hub = await startTestHub();
  await fill(hub, 2000);
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.sees("#2000");
  const jumps = await alice.page.evaluate(async () => {
    const log = document.querySelector(".log");
    if (log === null) throw new Error("There is no list");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const seen = new Set<number>();
    let jumps = 0;
    for (let round = 0; round < 3000 && !seen.has(1); round++) {
      const first = [...log.querySelectorAll<HTMLElement>("article[data-id]")]
        .find((row) => row.getBoundingClientRect().bottom > log.getBoundingClientRect().top);
      // The lower edge: a message gets less high when older ones join its group.
      const edge = first?.getBoundingClientRect().bottom ?? 0;
      const from = log.scrollTop;
      log.scrollTop -= 900;
      const moved = from - log.scrollTop;
      // The former top message moves down by the scrolled distance, however much is inserted above it;
      // on a busy machine this takes some frames.
      const strayed = () => {
        const now = first?.isConnected ? first.getBoundingClientRect().bottom : edge + moved;
        return Math.abs(now - edge - moved) > 3;
      };
      await frame();
      for (let frames = 0; frames === 0 || (frames < 10 && strayed()); frames++) await frame();
      if (strayed()) jumps++;
      for (const row of log.querySelectorAll<HTMLElement>("article[data-id]")) {
        seen.add(Number(row.dataset["id"]));
      }
    }
    return { jumps, seen: seen.size, drawn: log.querySelectorAll("article").length };
  });
  assertEquals([jumps.jumps, jumps.seen], [0, 2000]);
  assert(jumps.drawn < 700, `${jumps.drawn} messages are drawn at once`);
  await alice.page.getByText("The beginning of what the hub keeps of this room.").waitFor();
  const ids = await alice.page.locator("article[data-id]").evaluateAll((rows) =>
    rows.map((row) => Number((row as HTMLElement).dataset["id"]))
  );
  assertEquals(ids, ids.toSorted((a, b) => a - b));
  assertEquals(new Set(ids).size, ids.length);
  await alice.page.keyboard.press("Escape");
  await alice.sees("#2000");
});

test("when the hub is killed and restarted during typing, nothing is lost, duplicated or reordered", async (browser) => {
  await using folder = await temporaryFolder();
  const { program, url } = await startHubProcess(["--data", folder.path, "--quiet"]);
  await using first = program;
  const { port } = new URL(url);
  await using profile = await browser.newProfile();
  const alice = await profile.open(`http://127.0.0.1:${port}/`, { name: "Alice" });
  const texts = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  for (const [index, text] of texts.entries()) {
    // Messages are in flight.
    if (index === 10) first.kill("SIGKILL");
    await alice.say(text);
  }
  await first.exit();
  await alice.page.locator(".banner").getByText("Trying again").waitFor();
  assert(await alice.page.locator(".pending").count() >= 10);
  await using _second = new Program([
    ...["start", "--host", "127.0.0.1", "--port", port, "--data", folder.path, "--quiet"],
  ]);
  await alice.sees("line 29");
  await until("all are acked", async () => await alice.page.locator(".pending").count() === 0);
  assertEquals((await alice.texts()).filter((text) => text.startsWith("line")), texts);
  await using reader = connect({ url, sender: "Reader", rooms: [{ room: "lobby", recent: 0 }] });
  const { messages } = await reader.history("lobby", { limit: 100 });
  assertEquals(messages.map(({ message }) => message), texts);
});

test("unacked messages survive a reload and are delivered once", async (browser) => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  let hub = await startTestHub({ path });
  const { port } = hub;
  try {
    await using profile = await browser.newProfile();
    const alice = await profile.open(hub, { name: "Alice" });
    await alice.say("before");
    await alice.page.locator(".tick").waitFor();
    await alice.page.evaluate(() => navigator.serviceWorker.ready);
    await hub.stop();
    await alice.say("while away");
    await alice.page.locator(".pending").waitFor();
    // The hub is down: the page itself comes from the service worker's cache.
    await alice.page.reload();
    await alice.page.locator(".pending").getByText("while away").waitFor();
    await alice.page.locator(".banner").getByText("cannot be reached").waitFor();
    hub = await startTestHub({ path, port });
    await alice.sees("while away");
    await until("acked", async () => await alice.page.locator(".pending").count() === 0);
    assertEquals(await alice.texts(), ["before", "while away"]);
  } finally {
    await hub.stop();
  }
});

test("a phone that slept while its connection ended catches up", async (browser) => {
  await using hub = await startTestHub();
  await using wire = new Relay(hub.port);
  await using profile = await browser.newProfile({ width: 390, hasTouch: true });
  const alice = await profile.open(wire.url.replace("ws:", "http:"), { name: "Alice" });
  await using bob = connectAs(hub, "Bob");
  await bob.send({ message: "before" });
  await alice.sees("before");
  const devtools = await profile.context.newCDPSession(alice.page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  const texts = Array.from({ length: 20 }, (_, index) => `while asleep ${index}`);
  await Promise.all(texts.map((message) => bob.send({ message })));
  wire.cut();
  await bob.send({ message: "after the cut" });
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await alice.sees("after the cut");
  await alice.page.locator(".banner").getByText("Back online").waitFor();
  assertEquals(await alice.texts(), ["before", ...texts, "after the cut"]);
  await alice.page.locator(".self-name").getByText("Alice", { exact: true }).waitFor({
    state: "attached",
  });
});

test("the page works under a base path behind a proxy", async (browser) => {
  await using hub = await startTestHub({ trustedProxies: ["127.0.0.1"] });
  await using proxy = new PathProxy("/chat", hub.port);
  await using profile = await browser.newProfile();
  const alice = await profile.open(proxy.url, { name: "Alice" });
  await alice.say("through the proxy");
  await alice.page.locator(".tick").waitFor();
});

/** Pixels from the top of the page to a message; `NaN` when it is not drawn. */
async function topOf(chat: ChatPage, text: string): Promise<number> {
  // In one step, as the message may be gone a moment later.
  return await chat.message(text).evaluateAll(([row]) => row?.getBoundingClientRect().y ?? NaN);
}

/** The position of a message once it no longer moves. */
async function settled(chat: ChatPage, text: string): Promise<number> {
  let last = NaN;
  return await until(`${text} at rest`, async () => {
    await chat.drawn();
    const now = await topOf(chat, text);
    const still = now === last;
    last = now;
    return still ? now : undefined;
  });
}

import { assert, assertEquals } from "@std/assert";
import { type ClientConnection, connect } from "../../../client.ts";
import type { Server } from "../../../server.ts";
import { browserTests, ChatPage, type TestBrowser } from "../../kit/browser.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { postModeration, startModeratedHub } from "../../kit/test_hub.ts";
import { FakeTokenHub } from "../../kit/fake_token_hub.ts";
import { RecordingClient } from "../../kit/recording_client.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** A draft of letters, marks, a right-to-left word and punctuation. */
const DRAFT = "se\u0301cret 秘密 \u05E1\u05D5\u05D3 🤫 half-typed, @Bob:";

/** Opens a page with three rooms and a private conversation, and a draft in `#doomed`. */
async function typing(
  hub: Server,
  browser: TestBrowser,
  bob: ClientConnection,
  address: Server | string = hub,
) {
  const profile = await browser.newProfile();
  const alice = await profile.open(address, { name: "Alice" });
  await until("Bob is there", () => bob.state === "online");
  await bob.direct("Alice", { message: "psst" });
  await alice.thread("Bob").waitFor();
  await alice.say("/join zoo");
  await alice.page.getByText("This is #zoo").waitFor();
  await alice.say("/join doomed");
  await alice.page.getByText("This is #doomed").waitFor();
  await alice.composer.click();
  await alice.page.keyboard.insertText(DRAFT);
  return { profile, alice };
}

/** Continues typing in the focused element, and presses Enter. */
async function typeOn({ page }: ChatPage): Promise<void> {
  await page.keyboard.type(" rest");
  await page.keyboard.press("Enter");
}

async function assertStillThere(alice: ChatPage, draft: string): Promise<void> {
  const { page } = alice;
  assertEquals(await page.locator("h1").innerText(), "#doomed");
  assertEquals(await alice.composer.inputValue(), draft);
  assertEquals(await alice.composer.evaluate((area) => area === document.activeElement), true);
  assertEquals(await page.locator("dialog").count(), 0);
}

/** Fails when any part of the draft was sent. */
async function assertNotSent(hub: Server, bob: RecordingClient): Promise<void> {
  await using reader = connect({ url: hub.url, sender: "Reader", rooms: [] });
  for (const room of ["lobby", "zoo", "doomed"]) {
    const { messages } = await reader.history(room, { limit: 100 });
    assertEquals(messages.map(({ message }) => message), [], room);
  }
  assertEquals(bob.texts.filter((text) => text !== "psst"), []);
}

const REMOVALS: readonly {
  readonly what: string;
  readonly happens: (hub: Server) => Promise<void>;
  readonly reason: string;
}[] = [
  {
    what: "the room is closed",
    happens: (hub) => postModeration(hub, "close-room", { room: "doomed", reason: "tidy" }),
    reason: "Room doomed is closed: tidy",
  },
  {
    what: "the user is kicked",
    happens: (hub) => postModeration(hub, "kick", { name: "Alice", reason: "calm down" }),
    reason: "A moderator kicked you: calm down",
  },
  {
    what: "the user is banned",
    happens: (hub) => postModeration(hub, "ban", { name: "alice", for: 86400, reason: "spam" }),
    reason: "alice is banned until",
  },
];

for (const { what, happens, reason } of REMOVALS) {
  test(`when ${what} during typing, the draft stays, the reason is shown, and Enter sends nothing`, async (browser) => {
    await using hub = await startModeratedHub();
    await using bob = new RecordingClient(hub, "Bob", {
      rooms: ["lobby", "zoo", "doomed"],
      mayBeDisconnected: true,
    });
    const { profile, alice } = await typing(hub, browser, bob.connection);
    await using _ = profile;
    await happens(hub);
    const composer = alice.page.locator(".composer");
    await composer.getByText(reason).waitFor();
    await typeOn(alice);
    await composer.getByRole("alert").getByText(reason).waitFor();
    await assertStillThere(alice, `${DRAFT} rest`);
    assert((await alice.composer.getAttribute("placeholder"))?.startsWith(reason));
    await assertNotSent(hub, bob);
  });
}

test("a room that is closed and opened again resumes where it stopped", async (browser) => {
  await using hub = await startModeratedHub();
  await using bob = new RecordingClient(hub, "Bob", {
    rooms: ["lobby", "zoo", "doomed"],
    mayBeDisconnected: true,
  });
  const { profile, alice } = await typing(hub, browser, bob.connection);
  await using _ = profile;
  await bob.connection.send({ room: "doomed", message: "before" });
  await alice.sees("before");
  await postModeration(hub, "close-room", { room: "doomed" });
  const again = alice.page.getByRole("button", { name: "Enter #doomed again" });
  await again.click();
  await alice.page.locator(".composer").getByText("Room doomed is closed").waitFor();
  await postModeration(hub, "open-room", { room: "doomed" });
  bob.connection.join({ room: "doomed" });
  await bob.connection.send({ room: "doomed", message: "after" });
  await again.click();
  await alice.sees("after");
  assertEquals(await alice.texts(), ["before", "after"]);
  assertEquals(await again.count(), 0);
  await alice.composer.press("Enter");
  await until("the draft is sent", () => bob.texts.includes(DRAFT));
});

test("messages of a closed room can be read, searched and exported after a reload", async (browser) => {
  await using hub = await startModeratedHub({ limits: { rate: 0 } });
  await using bob = new RecordingClient(hub, "Bob", { rooms: ["doomed"], mayBeDisconnected: true });
  await until("Bob is there", () => bob.connection.state === "online");
  const texts = Array.from({ length: 300 }, (_, index) => `${index} שלום 消息 e\u0301 🤫`);
  await Promise.all(
    texts.map((message) => bob.connection.send({ room: "doomed", message })),
  );
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice", query: "room=doomed" });
  const { page } = alice;
  await alice.sees(texts.at(-1) ?? "");
  await alice.composer.click();
  await page.keyboard.insertText(DRAFT);
  await postModeration(hub, "close-room", { room: "doomed", reason: "tidy" });
  await page.getByRole("button", { name: "Enter #doomed again" }).waitFor();
  await page.reload();
  await alice.sees(texts.at(-1) ?? "");
  await assertStillThere(alice, DRAFT);
  const log = page.locator(".log");
  await until("all of it", async () => {
    await log.evaluate((element) => element.scrollTop = 0);
    return await page.getByText("This is #doomed").count() === 1 &&
      await alice.message(texts[0] ?? "").count() === 1;
  });
  assertEquals(await page.getByText("Loading earlier messages").count(), 0);
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "This conversation" }).click();
  await page.getByRole("button", { name: "Markdown" }).click();
  const saved = await Deno.readTextFile(await (await saving).path());
  assert(saved.startsWith("# \\#doomed\n"), saved.slice(0, 40));
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByLabel("Words").fill("123");
  await page.getByRole("dialog").getByText("1 message found.").waitFor();
});

test("a user who keeps typing in a closed room, or muted, sees the reason once", async (browser) => {
  await using hub = await startModeratedHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Zoë-1", query: "room=doomed" });
  const { page } = alice;
  await page.getByText("This is #doomed").waitFor();
  await postModeration(hub, "close-room", { room: "doomed", reason: "tidy" });
  await page.getByRole("button", { name: "Enter #doomed again" }).waitFor();
  await alice.composer.click();
  await page.keyboard.type("a");
  // The hub answers in order: this answer comes after the one to `typing`.
  await alice.composer.fill("");
  await alice.say("/join garden");
  await page.getByText("This is #garden").waitFor();
  await alice.thread("doomed").click();
  const notes = page.locator(".log .note");
  assertEquals(await notes.filter({ hasText: "is closed" }).count(), 1);

  await alice.thread("garden").click();
  await postModeration(hub, "mute", { name: "Zoë-1", reason: "hush" });
  for (const text of ["one", "two", "three"]) {
    await alice.say(text);
    await page.locator(".pending").filter({ hasText: text }).getByText("Not sent").waitFor();
  }
  assertEquals(await notes.filter({ hasText: "muted you" }).count(), 1);
});

test("a page that the hub rejects does not show a loading state", async (browser) => {
  await using hub = await startModeratedHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "李-小" });
  await alice.say("one");
  await alice.sees("one");
  await postModeration(hub, "ban", { name: "李-小", reason: "spam" });
  const { page } = alice;
  await page.locator(".banner").getByText("is banned: spam").waitFor();
  await page.reload();
  await page.locator(".banner").getByText("is banned: spam").waitFor();
  await until("no loading", async () => {
    return await page.getByText("Loading earlier messages").count() === 0;
  });
  // The name is known.
  assertEquals(await page.locator(".self-name").innerText(), "李-小");
});

test("the draft in a room that is closed during an outage survives the reconnect and a reload", async (browser) => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/bcast.db`;
  let hub = await startModeratedHub({ path });
  const { port } = hub;
  try {
    await using profile = await browser.newProfile();
    const alice = await profile.open(hub, { name: "Alice" });
    await alice.say("/join doomed");
    await alice.page.getByText("This is #doomed").waitFor();
    await alice.composer.click();
    await alice.page.keyboard.insertText(DRAFT);
    await hub.stop();
    await using meanwhile = await startModeratedHub({ path });
    await postModeration(meanwhile, "close-room", { room: "doomed", reason: "tidy" });
    await meanwhile.stop();
    hub = await startModeratedHub({ path, port });
    const reason = alice.page.locator(".composer").getByText("Room doomed is closed: tidy");
    await reason.waitFor();
    await typeOn(alice);
    await assertStillThere(alice, `${DRAFT} rest`);
    await alice.page.reload();
    await reason.waitFor();
    assertEquals(await alice.composer.inputValue(), `${DRAFT} rest`);
  } finally {
    await hub.stop();
  }
});

test("private messages, announcements, renames and joins move neither the focus nor the view", async (browser) => {
  await using hub = await startModeratedHub();
  await using bob = new RecordingClient(hub, "Bob", {
    rooms: ["lobby", "zoo", "doomed"],
    mayBeDisconnected: true,
  });
  const { profile, alice } = await typing(hub, browser, bob.connection);
  await using _ = profile;
  await using carol = new RecordingClient(hub, "Carol-Ann 李", {
    rooms: ["lobby"],
    mayBeDisconnected: true,
  });
  await until("Carol is there", () => carol.connection.state === "online");
  await carol.connection.direct("Alice", { message: "hello from somebody new" });
  await alice.thread("Carol-Ann 李").waitFor();
  await postModeration(hub, "announce", { message: "Lunch at noon" });
  await postModeration(hub, "close-room", { room: "zoo" });
  bob.connection.nick("Robert");
  await alice.thread("Robert").waitFor();
  await alice.page.keyboard.type(" rest");
  await assertStillThere(alice, `${DRAFT} rest`);
});

test("the draft stays when the other user of a private conversation changes names", async (browser) => {
  await using hub = await startModeratedHub();
  await using bob = new RecordingClient(hub, "Bob", { rooms: ["lobby"], mayBeDisconnected: true });
  const { profile, alice } = await typing(hub, browser, bob.connection);
  await using _ = profile;
  await alice.thread("Bob").click();
  await alice.composer.click();
  await alice.page.keyboard.insertText(DRAFT);
  bob.connection.nick("Rob 🦊");
  await alice.page.locator("h1").getByText("Rob 🦊").waitFor();
  await alice.page.keyboard.type(" rest");
  assertEquals(await alice.composer.inputValue(), `${DRAFT} rest`);
  await alice.page.keyboard.press("Enter");
  await until("it arrives", () => bob.texts.includes(`${DRAFT} rest`));
});

test("a room whose join completes late does not replace the conversation opened since", async (browser) => {
  await using hub = await startModeratedHub();
  const { port } = hub;
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await hub.stop();
  await alice.page.locator(".banner").getByText("Trying again").waitFor();
  await alice.say("/join doomed");
  await alice.thread("lobby").click();
  await alice.composer.click();
  await alice.page.keyboard.insertText(DRAFT);
  await using _hub = await startModeratedHub({ port });
  await until("entered", async () => {
    await alice.page.evaluate(() => dispatchEvent(new Event("online")));
    return await alice.page.locator(".people").getByText("Alice").count() > 0;
  });
  await alice.page.keyboard.type(" rest");
  assertEquals(await alice.page.locator("h1").innerText(), "#lobby");
  assertEquals(await alice.composer.inputValue(), `${DRAFT} rest`);
  await alice.thread("doomed").click();
  await alice.page.getByText("This is #doomed").waitFor();
});

test("an expired token opens no dialog over a draft", async (browser) => {
  await using hub = new FakeTokenHub("right");
  await using profile = await browser.newProfile();
  const page = await profile.context.newPage();
  const alice = new ChatPage(page);
  await page.goto(`${hub.url}?name=Alice#token=right`);
  await page.locator(".dot.online").waitFor({ state: "attached" });
  await alice.composer.click();
  await page.keyboard.insertText(DRAFT);
  hub.expire("The token has expired: get a new one");
  await page.locator(".composer").getByText("The token has expired").waitFor();
  await page.keyboard.type(" rest");
  await page.keyboard.press("Enter");
  assertEquals(await page.locator("dialog").count(), 0);
  assertEquals(await alice.composer.inputValue(), `${DRAFT} rest`);
  await page.locator(".banner").getByRole("button", { name: "Enter a token" }).click();
  await page.getByRole("dialog").getByText("The token has expired").waitFor();
});

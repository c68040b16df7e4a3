import { assert, assertEquals, assertMatch } from "@std/assert";
import { exported } from "../../../chat/export.ts";
import { connect } from "../../../client.ts";
import { type Message, visible } from "../../../protocol.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { HOSTILE_TEXTS } from "../../kit/hostile_texts.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { FakeTokenHub } from "../../kit/fake_token_hub.ts";
import { connectAs } from "../../kit/recording_client.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

test("hostile text is shown unchanged, and never runs", async (browser) => {
  await using hub = await startTestHub();
  // High enough to draw all messages.
  await using profile = await browser.newProfile({ height: 9000 });
  await profile.context.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { violations: seen, hacked: () => seen.push("a script ran") });
    addEventListener("securitypolicyviolation", (event) => seen.push(event.violatedDirective));
  });
  const alice = await profile.open(hub, { name: "Alice" });
  // The same texts as names: the hub rejects invalid ones, and the rest must be harmless.
  await using bob = connectAs(hub, "<b onclick=hacked()>Bob");
  for (const text of HOSTILE_TEXTS) {
    await bob.send({ message: text });
    await bob.send({ message: `\`${text}\``, format: "markdown" });
    await bob.send({ message: `> **${text}**`, kind: "action", format: "markdown" });
  }
  await bob.send({ message: "the end", data: { html: "<img src=x onerror=hacked()>" } });
  await alice.page.getByText("the end").first().waitFor();
  await alice.page.keyboard.press("Control+Shift+f");
  await alice.page.getByRole("dialog").getByLabel("Words").fill("script");
  await alice.page.getByRole("dialog").locator("mark").first().waitFor();
  await alice.page.keyboard.press("Escape");

  const found = await alice.page.evaluate(() => ({
    violations: (globalThis as { violations?: string[] }).violations,
    foreign: [
      ...document.querySelectorAll(
        ".log script, .log iframe, .log img, .log svg:not(.icon), .log style, .log form, .log object," +
          " .log input, .log video, .log [onclick], .log [onerror], .log [style]:not(.chunk)",
      ),
    ].map((each) => each.outerHTML),
    links: [...document.querySelectorAll<HTMLAnchorElement>(".log a")].map(({ href, rel }) => ({
      href,
      rel,
    })),
  }));
  assertEquals([found.violations, found.foreign], [[], []]);
  for (const { href, rel } of found.links) {
    assertMatch(href, /^(?:https?:\/\/[^@]*(?:\/|$)|mailto:)/);
    assertEquals(rel, "noopener noreferrer nofollow");
  }
  const shown = (await alice.texts()).join("\n");
  for (const text of HOSTILE_TEXTS) {
    assert(shown.includes(visible(text, { keepLines: true })), text);
  }
});

test("the page asks for a token, keeps it out of the address, and remembers it if asked to", async (browser) => {
  await using hub = new FakeTokenHub("right");
  await using profile = await browser.newProfile();
  const page = await profile.context.newPage();
  await page.goto(`${hub.url}?name=Alice#token=wrong`);
  await page.getByRole("dialog").getByText("The token is wrong").waitFor();
  assertEquals(page.url(), `${hub.url}?name=Alice`);
  await page.getByRole("textbox", { name: "Token" }).fill("right");
  await page.getByLabel("Remember it in this browser").check();
  await page.keyboard.press("Enter");
  await page.locator(".dot.online").waitFor({ state: "attached" });
  assertEquals(page.url(), `${hub.url}?name=Alice`);
  assertEquals(hub.tokens, ["wrong", "right"]);
  assert(hub.requests.every((url) => !url.includes("wrong") && !url.includes("right")));
  const other = await profile.context.newPage();
  await other.goto(hub.url);
  await other.locator(".dot.online").waitFor({ state: "attached" });
});

test("a link with a token logs in a page that is already open", async (browser) => {
  await using hub = new FakeTokenHub("right");
  await using profile = await browser.newProfile();
  const page = await profile.context.newPage();
  await page.goto(`${hub.url}?name=Alice`);
  await page.getByRole("dialog").getByText("This hub requires a token", { exact: true }).waitFor();
  // Only the fragment changes, so nothing is loaded.
  await page.goto(`${hub.url}?name=Alice#token=right`);
  await page.locator(".dot.online").waitFor({ state: "attached" });
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assertEquals(page.url(), `${hub.url}?name=Alice`);
  await page.reload();
  await page.locator(".dot.online").waitFor({ state: "attached" });
  assertEquals(hub.tokens.at(-1), "right");
  // Other fragments are left alone.
  await page.goto(`${hub.url}?name=Alice#token=`);
  await page.locator(".dot.online").waitFor({ state: "attached" });
});

test("a link with a token also logs in another tab that the hub had rejected", async (browser) => {
  await using hub = new FakeTokenHub("right");
  await using profile = await browser.newProfile();
  const first = await profile.context.newPage();
  await first.goto(`${hub.url}?name=Alice#token=wrong`);
  await first.getByRole("dialog").getByText("The token is wrong").waitFor();
  const second = await profile.context.newPage();
  await second.goto(`${hub.url}?name=Alice#token=right`);
  for (const page of [second, first]) {
    await page.locator(".dot.online").waitFor({ state: "attached" });
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  assertEquals(hub.tokens, ["wrong", "right"]);
});

test("a link with a token works before the name is chosen", async (browser) => {
  await using hub = new FakeTokenHub("right");
  await using profile = await browser.newProfile();
  const page = await profile.context.newPage();
  await page.goto(hub.url);
  await page.goto(`${hub.url}#token=right`);
  await until("the address is clean", () => page.url() === hub.url);
  await page.getByLabel("Name").fill("李-小");
  await page.keyboard.press("Enter");
  await page.locator(".dot.online").waitFor({ state: "attached" });
  assertEquals(hub.tokens, ["right"]);
});

test("a session taken over elsewhere says so, and does not reconnect", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const { page } = await profile.open(hub, { name: "Alice" });
  await page.evaluate(() => dispatchEvent(new Event("pagehide")));
  const session = await page.evaluate(() => {
    const kept = Object.entries(sessionStorage).find(([key]) => key.endsWith(" tab"))?.[1];
    return JSON.parse(String(kept)).session as string;
  });
  const thief = connect({ url: hub.url, session });
  await using _ = thief;
  await page.locator(".banner").getByText("went on in another tab").waitFor();
  assertEquals(thief.state, "online");
  await page.getByRole("button", { name: "Talk here as well" }).click();
  await page.locator(".self-name").getByText("Alice-2").waitFor();
  assertEquals(thief.state, "online");
});

test("search finds, marks and scrolls to an old message", async (browser) => {
  await using hub = await startTestHub();
  await using bob = connectAs(hub, "Bob");
  for (let index = 1; index <= 700; index++) {
    const message = index === 40 ? "the **needle** is here" : `hay ${index}`;
    void bob.send({ message, format: "markdown" });
  }
  await bob.flush();
  await using profile = await browser.newProfile();
  const { page } = await profile.open(hub, { name: "Alice" });
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("dialog").getByLabel("Words").fill("need");
  await page.getByText("1 message found.").waitFor();
  assertEquals(await page.getByRole("dialog").locator("mark").allInnerTexts(), ["need"]);
  await page.getByRole("dialog").getByRole("button", { name: "Bob" }).click();
  const found = page.locator("article.said").filter({ hasText: "the needle is here" });
  await until("in view", async () => ((await found.boundingBox())?.y ?? -1) > 60);
  assertEquals(await found.evaluate((row) => row === document.activeElement), true);
});

test("an export is downloaded and complete", async (browser) => {
  await using hub = await startTestHub();
  await using bob = connectAs(hub, "Bob");
  const texts = Array.from({ length: 1200 }, (_, index) => `line ${index}\nwith "quotes"`);
  await Promise.all(texts.map((message) => bob.send({ message })));
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const json = await downloaded(alice, "/export json");
  const lines: Message[] = json.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ message }) => message), texts);
  assertEquals(lines.map(({ id }) => id), texts.map((_, at) => at + 1));
  const text = await downloaded(alice, "/export text");
  assertEquals(text.match(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] Bob: line \d+$/gm)?.length, 1200);
  const markdown = await downloaded(alice, "/export markdown");
  assertEquals(markdown.match(/^ {2}line \d+\n {2}with "quotes"$/gm)?.length, 1200);
  // The export equals the one of the terminal client.
  assertEquals([json, text, markdown], [
    exported("#lobby", lines, "json"),
    exported("#lobby", lines, "text"),
    exported("#lobby", lines, "markdown"),
  ]);
});

test("an export of a private conversation has all messages, without control characters", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await using bob = connectAs(hub, "Bob-2");
  const evil = { message: "x \u202e y \x1b[31m <b>", data: { a: [1] } };
  const direct = await bob.direct("Alice", evil);
  await alice.thread("Bob-2").click();
  const json = await downloaded(alice, "/export json");
  // deno-lint-ignore no-control-regex -- the test is that there are none
  assert(!/[\x00-\x09\x0b-\x1f\u202e]/.test(json));
  const { ref: _, ...frame } = direct;
  assertEquals(JSON.parse(json), frame);
  assert(
    (await downloaded(alice, "/export text")).includes("] Bob-2: x <U+202E> y ␛[31m <b>\n    {"),
  );
});

test("notifications and sounds follow the settings", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  await profile.context.addInitScript(() => {
    const told: string[] = [];
    class Notified {
      static permission = "default";
      onclick: (() => void) | undefined;
      constructor(title: string, { body }: { body: string }) {
        told.push(`${title}: ${body}`);
      }
      static requestPermission(): Promise<string> {
        told.push("asked");
        return Promise.resolve(Notified.permission = "granted");
      }
      close(): void {}
    }
    class Sound {
      currentTime = 0;
      resume(): void {}
      createOscillator(): never {
        told.push("sound");
        throw new Error("no device");
      }
      createGain(): never {
        throw new Error("no device");
      }
    }
    Object.assign(globalThis, { told, Notification: Notified, AudioContext: Sound });
  });
  const { page } = await profile.open(hub, { name: "Alice" });
  await using bob = connectAs(hub, "Bob");
  const told = (): Promise<string[]> =>
    page.evaluate(() => (globalThis as unknown as { told: string[] }).told.splice(0));
  const say = async (text: string): Promise<void> => {
    await bob.send({ message: text });
    await page.locator("article.theirs").filter({ hasText: text }).first().waitFor();
  };
  const look = (elsewhere: boolean): Promise<void> =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "visibilityState", {
        configurable: true,
        get: () => hidden ? "hidden" : "visible",
      });
      document.dispatchEvent(new Event("visibilitychange"));
    }, elsewhere);

  await look(true);
  await say("nobody asked for this");
  assertEquals(await told(), []);
  await look(false);
  await page.getByRole("button", { name: "Settings" }).click();
  const group = (name: string) => page.getByRole("group", { name });
  await group("Notifications").getByLabel("On", { exact: true }).check();
  await until("asked", async () => (await told()).includes("asked"));
  await group("Sounds").getByLabel("Elsewhere").check();
  await page.keyboard.press("Escape");
  await told();

  await say("I am looking");
  assertEquals(await told(), []);
  await look(true);
  await say("I am not");
  assertEquals(await told(), ["sound", "Bob in #lobby: I am not"]);
  assertEquals(await page.title(), "(1) #lobby · bcast");
  assertMatch(
    await page.locator('link[rel="icon"]').getAttribute("href") ?? "",
    /^data:image\/png;base64,/,
  );
  await look(false);
  await until("read", async () => await page.title() === "#lobby · bcast");

  await page.getByRole("button", { name: "This conversation" }).click();
  await group("Notify me about").getByLabel("Mentions").check();
  await page.keyboard.press("Escape");
  await look(true);
  await say("not about you");
  assertEquals(await told(), []);
  await say("hey @Alice");
  assertEquals(await told(), ["sound", "Bob in #lobby: hey @Alice"]);

  await look(false);
  await page.getByRole("button", { name: "Settings" }).click();
  await group("Sounds").getByLabel("Off", { exact: true }).check();
  await page.keyboard.press("Escape");
  await look(true);
  await say("@Alice again");
  assertEquals(await told(), ["Bob in #lobby: @Alice again"]);

  // "Always" includes the open conversation, but not the user's own messages.
  await look(false);
  await page.getByRole("button", { name: "Settings" }).click();
  await group("Sounds").getByLabel("Always").check();
  await page.keyboard.press("Escape");
  await told();
  await say("@Alice, are you looking?");
  await page.locator(".composer textarea").fill("yes");
  await page.keyboard.press("Enter");
  await page.locator("article.mine .tick").waitFor();
  assertEquals(await told(), ["sound"]);

  // The setting is remembered.
  await page.reload();
  await page.locator("article.theirs").getByText("hey @Alice").waitFor();
  await page.getByRole("button", { name: "This conversation" }).click();
  assert(await group("Notify me about").getByLabel("Mentions").isChecked());
});

test("the page can be used with the keyboard alone", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  await using bob = connectAs(hub, "Bob");
  await bob.send({ message: "first" });
  await bob.send({ message: "second" });
  const page = (await profile.open(hub)).page;
  const { keyboard } = page;
  const focused = (): Promise<string> =>
    page.evaluate(() =>
      document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName ?? ""
    );
  await page.getByRole("heading", { name: "Hello!" }).waitFor();
  await keyboard.type("Alice");
  await keyboard.press("Enter");
  await page.getByText("second").waitFor();
  await until("the composer has the focus", async () => await focused() === "Message to #lobby");
  await keyboard.type("Hi @bo");
  await page.getByRole("option", { name: "Bob" }).waitFor();
  await keyboard.press("Tab");
  await keyboard.type(":tad");
  await page.getByRole("option", { name: "tada" }).waitFor();
  await keyboard.press("Enter");
  await keyboard.press("Shift+Enter");
  await keyboard.type("two lines");
  await keyboard.press("Enter");
  await page.locator("article.mine .bubble").getByText("Hi @Bob 🎉").waitFor();
  await page.locator("article.mine .bubble br").waitFor({ state: "attached" });
  await page.locator("article.mine .tick").waitFor();

  // Moves to the messages, up, and quotes one.
  for (let step = 0; step < 12 && await focused() !== "Messages in lobby"; step++) {
    await keyboard.press("Shift+Tab");
  }
  assertEquals(await focused(), "Messages in lobby");
  await keyboard.press("ArrowUp");
  await keyboard.press("ArrowUp");
  await keyboard.press("q");
  assertEquals(await page.locator(".composer textarea").inputValue(), "> second\n");
  await page.locator(".composer textarea").fill("");

  await keyboard.press("Control+k");
  await keyboard.type("garden");
  await keyboard.press("Enter");
  await page.getByText("This is #garden").waitFor();
  await keyboard.press("Alt+ArrowUp");
  await page.getByRole("heading", { name: "lobby", exact: false }).first().waitFor();
  await keyboard.press("Control+/");
  await page.getByRole("heading", { name: "Shortcuts and commands" }).waitFor();
  await keyboard.press("Escape");
  await until("the focus is back", async () => await focused() === "Message to #lobby");
  await keyboard.type("/nosuch");
  await keyboard.press("Enter");
  await page.getByRole("alert").getByText("Unknown command /nosuch").waitFor();
});

test("a cleared view stays empty until the user asks for earlier messages", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.say("one");
  await alice.sees("one");
  await alice.page.locator(".tick").waitFor();
  await alice.say("/clear");
  await alice.page.getByRole("button", { name: "Show earlier messages" }).waitFor();
  await alice.say("two");
  await alice.page.locator(".tick").waitFor();
  assertEquals(await alice.texts(), ["two"]);
  await alice.page.getByRole("button", { name: "Show earlier messages" }).click();
  await alice.sees("one");
  assertEquals(await alice.texts(), ["one", "two"]);
});

test("a draft counts down near the limit, and is not sent beyond it", async (browser) => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.composer.fill("x".repeat(1800));
  const left = Number(await alice.page.locator(".left").innerText());
  await alice.composer.fill("x".repeat(1810));
  assertEquals(Number(await alice.page.locator(".left").innerText()), left - 10);
  await alice.composer.fill("x".repeat(1800 + left));
  await alice.composer.press("Enter");
  await alice.page.locator(".tick").waitFor();
  await alice.composer.fill("ü".repeat(1500));
  await alice.composer.press("Enter");
  await alice.page.getByRole("alert").getByText("bytes too long").waitFor();
  assertEquals((await alice.composer.inputValue()).length, 1500);
});

test("a message that the hub rejects can be retried or discarded", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.say("/msg Nobody are you there?");
  await alice.page.getByText("Nobody is not here any more").waitFor();
  await using receiver = connectAs(hub, "Nobody");
  await until("here", () => receiver.state === "online");
  await alice.page.getByRole("button", { name: "Try again" }).click();
  await alice.sees("are you there?");
  assertEquals(await alice.page.locator(".pending").count(), 0);
});

/** The file that the browser saves on a command. */
async function downloaded({ page, say }: ChatPage, command: string): Promise<string> {
  const download = page.waitForEvent("download");
  await say.call({ composer: page.locator(".composer textarea") } as ChatPage, command);
  const path = await (await download).path();
  return await Deno.readTextFile(path);
}

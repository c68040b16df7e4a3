import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { connect } from "../../../client.ts";
import type { Server } from "../../../server.ts";
import { browserTests, type ChatPage, type TestBrowser } from "../../kit/browser.ts";
import { postModeration, startModeratedHub, startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

const AXE = await Deno.readTextFile(
  new URL("axe.min.js", import.meta.resolve("axe-core")),
);

/** The rules that can be checked automatically: WCAG 2.2 up to AA, and best practices. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface AxeResult {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Fails with all violations of `RULES`. */
async function assertAccessible(page: Page, where: string): Promise<void> {
  // Waits until animations have ended.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))
  );
  const violations = await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as {
      axe: { run(where: Document, options: object): Promise<{ violations: AxeResult[] }> };
    };
    return (await axe.run(document, { runOnly: tags })).violations;
  }, RULES);
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id} (${help}): ${html}\n  ${failureSummary}`)
  );
  assertEquals(told, [], `In ${where}:\n${told.join("\n")}`);
}

/** Fails when anything overflows at the side, or a target is too small (WCAG 2.5.8). */
async function assertFits(page: Page, where: string): Promise<void> {
  const { over, small } = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const shown = [...document.querySelectorAll<HTMLElement>("button, input, textarea, a[href]")]
      .filter((each) => each.checkVisibility({ opacityProperty: true }));
    const clipped = (each: Element): boolean => {
      if (each.closest(".log pre, .hidden") !== null) return true;
      for (let around = each.parentElement; around !== null; around = around.parentElement) {
        if (getComputedStyle(around).textOverflow === "ellipsis") return true;
      }
      return false;
    };
    // Text may overflow its container.
    const spills = (each: Element): boolean =>
      each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1 &&
      getComputedStyle(each).overflowX === "visible";
    return {
      over: [...document.querySelectorAll("body *")].filter((each) => {
        const { right, left, width: wide } = each.getBoundingClientRect();
        return wide > 0 && !clipped(each) && (right > width + 1 || left < -1 || spills(each));
      }).map((each) => each.outerHTML.slice(0, 120)),
      small: shown.filter((each) => {
        const { width: wide, height: high } = each.getBoundingClientRect();
        return !each.matches("a, .link, input[type=checkbox], .results button") &&
          (wide < 24 || high < 24);
      }).map((each) => each.outerHTML.slice(0, 120)),
    };
  });
  assertEquals([over, small], [[], []], where);
}

/** Opens a conversation with every kind of message. */
async function openFull(
  hub: Server,
  browser: TestBrowser,
  width: number,
  colorScheme: "light" | "dark",
) {
  const profile = await browser.newProfile({ width, height: 740, colorScheme });
  await profile.context.addInitScript(AXE);
  const bob = connect({ url: hub.url, sender: "Bob", echo: false });
  await bob.send({
    message:
      "See https://example.com/a/rather/long/address/that/has/to/be/broken/somewhere?yes=it&does=not&end",
  });
  await bob.send({
    message: "- one\n- **two**\n\n> quoted\n\n```\n" + "a long line of code ".repeat(12) + "\n```",
    format: "markdown",
  });
  await bob.send({ message: "drwxr-xr-x  2 root root\t4096 " + "a-long-name-of-a-file".repeat(8) });
  await bob.send({ message: "waves", kind: "action" });
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.say("Mine, with `code`, a [link] https://example.com and\n> a quote");
  await bob.send({ message: "Alice, have a look" });
  await alice.sees("Alice, have a look");
  await alice.say("/join garden");
  await alice.page.getByText("This is #garden").waitFor();
  await bob.send({ message: "Alice again" });
  await until("unread", async () => await alice.page.title() === "(1) #garden · bcast");
  return { profile, bob, alice };
}

async function showLobby({ page, thread }: ChatPage): Promise<void> {
  const menu = page.getByRole("button", { name: "Conversations" });
  if (await menu.isVisible()) await menu.click();
  await thread.call({ page } as ChatPage, "lobby").click();
  await page.getByText("New messages", { exact: true }).waitFor();
}

for (
  const [width, colorScheme] of [[320, "light"], [320, "dark"], [1440, "light"], [
    1440,
    "dark",
  ]] as const
) {
  test(`everything fits and is accessible at ${width} px, ${colorScheme}`, async (browser) => {
    await using hub = await startModeratedHub();
    const { profile, bob, alice } = await openFull(hub, browser, width, colorScheme);
    await using _profile = profile;
    await using _bob = bob;
    const { page } = alice;
    const look = async (where: string): Promise<void> => {
      await assertFits(page, where);
      await assertAccessible(page, where);
    };
    const close = async (): Promise<void> => {
      await page.keyboard.press("Escape");
      await until("closed", async () => await page.locator("dialog, .veil").count() === 0);
    };
    await look("an empty room");
    await showLobby(alice);
    await look("a conversation");
    if (width < 400) {
      await page.getByRole("button", { name: "Conversations" }).click();
      await look("the conversations");
      await close();
      await page.getByRole("button", { name: "People, 2 online" }).click();
      await look("the people");
      await close();
    }
    await page.getByRole("button", { name: "This conversation" }).click();
    await look("the menu of a conversation");
    await close();
    await page.keyboard.press("Control+Shift+f");
    await page.getByRole("dialog").getByLabel("Words").fill("look");
    await page.getByRole("dialog").locator("mark").first().waitFor();
    await look("a search");
    await close();
    await page.keyboard.press("Control+/");
    await look("the help");
    await close();
    await page.keyboard.press("Control+k");
    await look("entering a room");
    await close();
    await alice.composer.pressSequentially(":smi");
    await page.getByRole("option").first().waitFor();
    await look("suggestions");
    await alice.composer.fill("quit");
    await alice.composer.press("Enter");
    await page.locator(".composer-ask").waitFor();
    await look("a question");
    await page.getByRole("button", { name: "Emoji" }).click();
    await page.getByLabel("Search emoji").fill("hea");
    await look("the emoji");
    await page.keyboard.press("Escape");
    await postModeration(hub, "announce", { message: "Lunch at noon. ".repeat(12) });
    await postModeration(hub, "announce", { message: "x".repeat(120), room: "lobby" });
    await page.locator(".announcement").nth(1).waitFor();
    await look("announcements");
    await page.getByRole("button", { name: "Dismiss: x" }).click();
    await page.getByRole("button", { name: "Dismiss: L" }).click();
    await alice.say("/join doomed");
    await page.getByText("This is #doomed").waitFor();
    await postModeration(hub, "close-room", {
      room: "doomed",
      reason: "a rather long story ".repeat(5),
    });
    await alice.composer.fill("half a thought");
    await page.getByRole("button", { name: "Enter #doomed again" }).waitFor();
    await look("a room that was closed");
    await alice.say("/join lobby");
    await alice.composer.fill("");
    await alice.say("/msg Nobody hi");
    await page.getByText("Nobody is not here any more").waitFor();
    await look("an unsent message");
    await hub.stop();
    await page.locator(".banner").getByText("Trying again").waitFor();
    await alice.say("waits");
    await look("a hub that is away");
  });
}

test("names and rooms of maximum length fit on a narrow phone", async (browser) => {
  await using hub = await startModeratedHub();
  const wide = "Ш".repeat(32);
  const room = `a.${"m".repeat(62)}`;
  const rtl = `${"ש".repeat(24)}-1234567`;
  await using profile = await browser.newProfile({ width: 320, height: 640, hasTouch: true });
  await using bob = connect({ url: hub.url, sender: wide, rooms: [{ room }], echo: false });
  const alice = await profile.open(hub, { name: rtl, query: `room=${room}` });
  const { page } = alice;
  await page.getByText(`This is #${room}`).waitFor();
  await assertFits(page, "an empty room");
  bob.typing(room, true);
  await page.locator(".typing").waitFor();
  await assertFits(page, "a typing user");
  await bob.send({ room, message: `@${rtl}` });
  await bob.send({ room, message: "waves", kind: "action" });
  await bob.direct(rtl, { message: "psst" });
  await page.getByText("waves").waitFor();
  await assertFits(page, "a room");
  await postModeration(hub, "announce", { message: "x", room });
  await page.locator(".announcement").waitFor();
  await assertFits(page, "an announcement");
  await alice.say(`/who ${room}`);
  await page.locator(".note").getByText(`in ${room}`).waitFor();
  await assertFits(page, "the members");
  await page.getByRole("button", { name: "This conversation" }).click();
  await assertFits(page, "the menu of the room");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("dialog").getByLabel("Words").fill(rtl);
  await page.getByRole("dialog").locator("mark").first().waitFor();
  await assertFits(page, "a search");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Conversations/ }).click();
  await assertFits(page, "the conversations");
  await alice.thread(wide).click();
  await page.getByText("psst").waitFor();
  await assertFits(page, "a private conversation");
  await postModeration(hub, "close-room", { room, reason: "x".repeat(120) });
  await page.getByRole("button", { name: /^Conversations/ }).click();
  await alice.thread(room).click();
  await page.getByRole("button", { name: /Enter #.* again/ }).waitFor();
  await assertFits(page, "a closed room");
});

test("the first visit and the settings are accessible in both themes", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile({ width: 320 });
  await profile.context.addInitScript(AXE);
  const { page } = await profile.open(hub);
  await page.getByRole("heading", { name: "Hello!" }).waitFor();
  await assertFits(page, "the first visit");
  await assertAccessible(page, "the first visit");
  await page.getByLabel("Name").fill("Alice");
  await page.keyboard.press("Enter");
  await page.locator(".dot.online").waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByRole("button", { name: "Settings" }).click();
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await assertAccessible(page, "the settings, light");
  await page.getByRole("group", { name: "Theme" }).getByLabel("Dark").check();
  await until("dark", async () => await background() !== light);
  await assertFits(page, "the settings");
  await assertAccessible(page, "the settings, dark");
  // The setting survives a reload, and overrides the system's.
  await page.reload();
  await until("dark again", async () => await background() !== light);
  await page.emulateMedia({ colorScheme: "light" });
  assert(await background() !== light);
});

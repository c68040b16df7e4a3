import { assert, assertEquals } from "@std/assert";
import { connect } from "../../../client.ts";
import type { Server } from "../../../server.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** The share of the view's height above the line that begins the new messages. */
const LINE_AT = 0.3;

/** Texts of different heights, in scripts of both directions. */
const TEXTS: readonly ((index: number) => string)[] = [
  (index) => `#${index}`,
  (index) => `#${index} ${"a rather long sentence with many words ".repeat(1 + index % 12)}`,
  (index) => Array.from({ length: 1 + index % 9 }, (_, line) => `#${index}.${line}`).join("\n"),
  (index) => `第${index}条消息 ${"春眠不覺曉處處聞啼鳥".repeat(index % 15)}`,
  (index) => `הודעה ${index} ${"مرحبا بالعالم ".repeat(index % 20)}`,
  (index) => `👩‍👩‍👧‍👦 ${index} ${"e\u0301🇩🇪".repeat(index % 25)}`,
];

function mixed(index: number): string {
  return TEXTS[index % TEXTS.length]?.(index) ?? "";
}

async function sendMany(
  hub: Server,
  room: string,
  count: number,
  text: (index: number) => string,
): Promise<void> {
  const rooms = [{ room, recent: 0 }];
  await using bob = connect({ url: hub.url, sender: "Bob", rooms, echo: false });
  await Promise.all(
    Array.from({ length: count }, (_, index) => bob.send({ room, message: text(index) })),
  );
}

/** The positions of the line in the view, and of the view in the conversation. */
interface Geometry {
  /** Pixels from the top of the view to the line, if there is one. */
  readonly line: number | undefined;
  readonly lineHeight: number;
  readonly height: number;
  readonly above: number;
  readonly below: number;
}

function geometry({ page }: ChatPage): Promise<Geometry> {
  return page.locator(".log").evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    const line = log.querySelector(".new-line")?.getBoundingClientRect();
    return {
      line: line === undefined ? undefined : line.top - top,
      lineHeight: line?.height ?? 0,
      height: log.clientHeight,
      above: log.scrollTop,
      below: log.scrollHeight - log.clientHeight - log.scrollTop,
    };
  });
}

/** The geometry once nothing moves. */
async function atRest(chat: ChatPage): Promise<Geometry> {
  let last = "";
  let same = 0;
  return await until("the view at rest", async () => {
    await chat.drawn();
    const now = await geometry(chat);
    same = JSON.stringify(now) === last ? same + 1 : 0;
    last = JSON.stringify(now);
    return same >= 2 && now.line !== undefined ? now : undefined;
  });
}

/** Fails unless the line is in its place, and unseen messages still count as unread. */
async function assertLine(
  chat: ChatPage,
  room: string,
  unread: number,
  what: string,
): Promise<void> {
  const found = await atRest(chat);
  const { line = NaN, lineHeight, height, above, below } = found;
  const told = `${what}: ${JSON.stringify(found)}`;
  const wanted = height * LINE_AT;
  assert(line >= -1 && line + lineHeight <= height + 1, `The line is not in the view. ${told}`);
  if (above > 1) assert(line >= wanted - 2, `The line is too high. ${told}`);
  if (below > 1) assert(line <= wanted + 2, `The line is too low. ${told}`);
  const badge = chat.thread(room).locator(".badge");
  if (below < 1) {
    await until(`all read, ${told}`, async () => await badge.count() === 0);
    return;
  }
  assertEquals((await badge.innerText()).match(/^\d+/)?.[0], String(unread), told);
  await chat.page.locator(".log").evaluate((log) => log.scrollTop = log.scrollHeight);
  await until(`read at the end, ${told}`, async () => await badge.count() === 0);
}

async function menu({ page }: ChatPage): Promise<void> {
  const button = page.getByRole("button", { name: /^Conversations/ });
  if (await button.isVisible()) await button.click();
}

async function show(chat: ChatPage, room: string): Promise<void> {
  await menu(chat);
  await chat.thread(room).click();
  await chat.page.locator(`.log[aria-label="Messages in ${room}"]`).waitFor();
}

async function waitFor(chat: ChatPage, room: string, unread: number): Promise<void> {
  const badge = chat.thread(room).locator(".badge");
  await until(`${unread} unread in ${room}`, async () => {
    return await badge.count() === 1 && (await badge.textContent())?.startsWith(`${unread} `);
  });
}

const WINDOWS = [
  { width: 1200, height: 760, pairs: [[30, 40], [200, 60], [10, 300], [0, 25], [5, 3], [0, 2]] },
  { width: 390, height: 700, pairs: [[30, 40], [200, 20], [4, 120], [0, 30], [3, 1]] },
  { width: 700, height: 320, pairs: [[60, 21], [1, 5]] },
  { width: 1600, height: 1400, pairs: [[120, 60], [40, 8]] },
] as const;

for (const { width, height, pairs } of WINDOWS) {
  test(`new messages begin at 30 % of the view in a window of ${width} × ${height}`, async (browser) => {
    await using hub = await startTestHub({ limits: { rate: 0 } });
    await using profile = await browser.newProfile({ width, height, hasTouch: width < 500 });
    const alice = await profile.open(hub, { name: "Alice" });
    for (const [index, [read, unread]] of pairs.entries()) {
      const room = `room-${index}`;
      const text = index % 2 === 0 ? mixed : TEXTS[0] ?? mixed;
      await sendMany(hub, room, read, text);
      await alice.say(`/join ${room}`);
      await alice.page.locator(`.log[aria-label="Messages in ${room}"]`).waitFor();
      if (read > 0) await alice.page.locator(`article[data-id="${read}"]`).waitFor();
      await show(alice, "lobby");
      await sendMany(hub, room, unread, (at) => text(read + at));
      await waitFor(alice, room, unread);
      await show(alice, room);
      await assertLine(alice, room, unread, `${read} read, ${unread} unread`);
      await show(alice, "lobby");
    }
  });
}

test("messages received between two visits begin at the line, even if they fill more than a page", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  for (const [index, [read, unread]] of [[20, 30], [90, 250], [3, 70], [5, 2]].entries()) {
    await using profile = await browser.newProfile();
    const room = `visit-${index}`;
    const query = `room=${room}`;
    await sendMany(hub, room, read ?? 0, mixed);
    const first = await profile.open(hub, { name: "Alice", query });
    await first.page.locator(`article[data-id="${read}"]`).waitFor();
    await until("read", async () => await first.page.title() === `#${room} · bcast`);
    await first.page.close();
    await sendMany(hub, room, unread ?? 0, mixed);
    const second = await profile.open(hub, { name: "Alice", query });
    await second.page.locator(`.new-line + article[data-id="${(read ?? 0) + 1}"]`).waitFor();
    await assertLine(
      second,
      room,
      unread ?? 0,
      `${read} read in an earlier visit, ${unread} since`,
    );
  }
});

test("messages received while the page is hidden are not scrolled past", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using profile = await browser.newProfile();
  await sendMany(hub, "lobby", 40, mixed);
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.page.locator('article[data-id="40"]').waitFor();
  const look = (state: "hidden" | "visible"): Promise<void> =>
    alice.page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await look("hidden");
  await sendMany(hub, "lobby", 55, mixed);
  await waitFor(alice, "lobby", 55);
  await look("visible");
  await assertLine(alice, "lobby", 55, "while the page was hidden");
});

/** Pixels from the top of the view to a message; `NaN` when it is not drawn. */
function placeOf({ page }: ChatPage, id: number): Promise<number> {
  return page.locator(".log").evaluate((log, wanted) => {
    const row = log.querySelector(`article[data-id="${wanted}"]`);
    return (row?.getBoundingClientRect().bottom ?? NaN) - log.getBoundingClientRect().top;
  }, id);
}

/** The first visible message, and the position of its lower edge. */
function firstInView({ page }: ChatPage): Promise<{ readonly id: number; readonly at: number }> {
  return page.locator(".log").evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    const row = [...log.querySelectorAll<HTMLElement>("article[data-id]")]
      .find((each) => each.getBoundingClientRect().bottom > top);
    return {
      id: Number(row?.dataset["id"]),
      at: (row?.getBoundingClientRect().bottom ?? NaN) - top,
    };
  });
}

test("resizing the window or opening a phone's keyboard does not move the visible messages", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using profile = await browser.newProfile({ width: 1200, height: 800 });
  await sendMany(hub, "lobby", 300, mixed);
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.page.locator('article[data-id="300"]').waitFor();
  const sizes = [[390, 800], [390, 420], [390, 800], [800, 380], [1500, 1200], [
    1200,
    800,
  ]] as const;
  for (const [width, height] of sizes) {
    await alice.page.setViewportSize({ width, height });
    await until(`the end at ${width} by ${height}`, async () => {
      await alice.drawn();
      return (await geometry(alice)).below < 1;
    });
  }
  await alice.page.locator(".log").evaluate((log) => log.scrollTop -= 4000);
  await alice.drawn();
  const { id, at } = await firstInView(alice);
  for (const [width, height] of sizes) {
    await alice.page.setViewportSize({ width, height });
    await until(`message ${id} at ${at} at ${width} by ${height}`, async () => {
      await alice.drawn();
      return Math.abs(await placeOf(alice, id) - at) <= 2;
    });
  }
});

test("search goes to every match, also to two in one chunk of messages", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using profile = await browser.newProfile();
  await sendMany(hub, "lobby", 400, (index) => `${mixed(index)} n${index}`);
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.page.locator('article[data-id="400"]').waitFor();
  for (const index of [101, 108, 390, 103, 2, 399]) {
    await alice.page.keyboard.press("Control+Shift+f");
    const dialog = alice.page.getByRole("dialog");
    await dialog.getByLabel("Words").fill(`n${index} `);
    await dialog.getByText("1 message found.").waitFor();
    await dialog.getByRole("button", { name: "Bob" }).click();
    await until(`message ${index} at its place`, async () => {
      await alice.drawn();
      const { above, below, height } = await geometry(alice);
      const top = await alice.page.locator(`article[data-id="${index + 1}"]`).evaluateAll(
        ([row]) => {
          const view = row?.closest(".log")?.getBoundingClientRect().top ?? NaN;
          return (row?.getBoundingClientRect().top ?? NaN) - view;
        },
      );
      if (above < 1) return top >= 0 && top <= height * LINE_AT + 2;
      if (below < 1) return top >= height * LINE_AT - 2 && top < height;
      return Math.abs(top - height * LINE_AT) <= 2;
    });
  }
});

test("sending a message scrolls to it from any position", async (browser) => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using profile = await browser.newProfile();
  await sendMany(hub, "lobby", 200, mixed);
  const alice = await profile.open(hub, { name: "Alice" });
  await alice.page.locator('article[data-id="200"]').waitFor();
  await alice.page.locator(".log").evaluate((log) => log.scrollTop -= 3000);
  await alice.page.getByRole("button", { name: "Latest" }).waitFor();
  await alice.say("here I am");
  await until("at the end", async () => (await geometry(alice)).below < 1);
  await alice.page.locator(".tick").waitFor();
  await until("still there", async () => (await geometry(alice)).below < 1);
});

import { assertEquals } from "@std/assert";
import type { Server } from "../../../server.ts";
import { browserTests, type ChatPage, type TestBrowser } from "../../kit/browser.ts";
import { PathProxy } from "../../kit/path_proxy.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Base paths of hubs on one host; some are prefixes of others. */
const BASES = ["", "/a", "/a/b", "/b"] as const;

/** The name of everything that the page of the hub at `base` stores in the browser. */
function nameAt(base: string): string {
  return `At${base.replaceAll("/", "-")}`;
}

/** Starts hubs behind one proxy, and opens each once in the same browser. */
async function openAll(browser: TestBrowser) {
  const stack = new AsyncDisposableStack();
  const hubs: Server[] = [];
  for (const _ of BASES) {
    const hub = await startTestHub({ trustedProxies: ["127.0.0.1"] });
    stack.defer(() => hub.stop());
    hubs.push(hub);
  }
  const ports = Object.fromEntries(BASES.map((base, index) => [base, hubs[index]?.port ?? 0]));
  const proxy = stack.use(
    new PathProxy("", ports[""] ?? 0, {
      more: ports,
      // Each hub has another version.
      edit: (worker, path) => worker.replace(/"version":"/, `$&${path.replaceAll("/", "-")}`),
    }),
  );
  const profile = stack.use(await browser.newProfile());
  await profile.context.addInitScript(() => {
    const told: NotificationOptions[] = [];
    class Notified {
      static permission = "granted";
      constructor(_title: string, options: NotificationOptions) {
        told.push(options);
      }
      static requestPermission = () => Promise.resolve("granted");
    }
    Object.assign(globalThis, { told, Notification: Notified });
  });
  const pages = new Map<string, ChatPage>();
  for (const base of BASES) {
    const chat = await profile.open(proxy.urlOf(base), { name: nameAt(base) });
    await chat.page.evaluate(() => navigator.serviceWorker.ready);
    pages.set(base, chat);
  }
  return { stack, hubs, proxy, profile, pages };
}

test("hubs under several paths of one host do not share browser storage", async (browser) => {
  const { stack, proxy, profile, pages } = await openAll(browser);
  await using _ = stack;
  for (const [base, chat] of pages) {
    await chat.composer.fill(`draft of ${base}/`);
    await chat.page.getByRole("button", { name: "Settings" }).click();
    const theme = base === "/a" ? "Dark" : "Light";
    await chat.page.getByRole("group", { name: "Theme" }).getByLabel(theme).check();
    await chat.page.keyboard.press("Escape");
  }
  for (const [base, { page }] of pages) {
    await page.close();
    const again = await profile.open(proxy.urlOf(base));
    await again.page.locator(".self-name").getByText(nameAt(base), { exact: false }).waitFor();
    assertEquals(await again.composer.inputValue(), `draft of ${base}/`);
    const theme = await again.page.evaluate(() => document.documentElement.dataset["theme"]);
    assertEquals(theme, base === "/a" ? "dark" : "light", base);
  }
});

test("hubs under several paths of one host keep their own pages for offline use", async (browser) => {
  const { stack, hubs, pages } = await openAll(browser);
  await using _ = stack;
  await Promise.all(hubs.map((hub) => hub.stop()));
  for (const [base, { page }] of pages) {
    assertEquals((await fetch(page.url())).status, 502);
    await page.reload();
    await page.locator(".banner").getByText("Trying again").waitFor();
    assertEquals(new URL(page.url()).pathname, `${base}/`);
  }
});

test("a new version of one hub's page deletes its old cache, and no cache of another hub", async (browser) => {
  const { stack, proxy, profile, pages } = await openAll(browser);
  await using _ = stack;
  const page = pages.get("/a")?.page ?? await profile.context.newPage();
  const named = (): Promise<string[]> => page.evaluate(() => caches.keys());
  const before = await named();
  assertEquals(before.length, BASES.length);
  const [own = ""] = before.filter((name) => name.includes(" /a/ "));
  const old = before.map((name) => name.replace(/ \S+$/, " of-before"));
  await page.evaluate((names) => Promise.all(names.map((name) => caches.open(name))), old);
  await page.evaluate(async () => (await navigator.serviceWorker.ready).unregister());
  await page.goto(proxy.urlOf("/a"));
  const expected = [...before, ...old].filter((name) =>
    name !== own.replace(/ \S+$/, " of-before")
  );
  await until("the worker is there again", async () => {
    return JSON.stringify((await named()).sort()) === JSON.stringify(expected.sort());
  });
});

test("notifications of one hub do not replace those of another", async (browser) => {
  const { stack, pages } = await openAll(browser);
  await using _ = stack;
  const tags: string[] = [];
  for (const [base, { page, composer }] of pages) {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("group", { name: "Notifications" }).getByLabel("On", { exact: true })
      .check();
    await page.keyboard.press("Escape");
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    const other = await page.context().newPage();
    await other.goto(`${new URL(base === "" ? "/" : `${base}/`, page.url())}?name=Bob`);
    await other.locator(".dot.online").waitFor({ state: "attached" });
    await other.locator(".composer textarea").fill("hello");
    await other.locator(".composer textarea").press("Enter");
    const tag = await until(
      "a notification",
      () =>
        page.evaluate(() =>
          (globalThis as unknown as { told: NotificationOptions[] }).told[0]?.tag
        ),
    );
    tags.push(tag);
    await other.close();
    await composer.waitFor();
  }
  assertEquals(new Set(tags).size, BASES.length, tags.join());
});

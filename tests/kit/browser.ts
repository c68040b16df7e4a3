// Functions that tests pass to `page.evaluate()` use the DOM.
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import {
  type Browser as Chromium,
  type BrowserContext,
  chromium,
  type Page,
} from "playwright-core";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "../../server.ts";
import { buildWeb } from "../../web/build.ts";

/** Milliseconds that anything may take: far above what it does, on a machine that is busy. */
const PATIENCE = 20_000;

/** What keeps the browser from doing things of its own. */
const FLAGS = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-sync",
  "--no-first-run",
  "--mute-audio",
  "--disable-gpu",
];

/** A browser for tests, and whatever went wrong in its pages. */
export class TestBrowser implements AsyncDisposable {
  private constructor(private readonly chromium: Chromium) {}

  /** Starts one; `undefined` where there is none. */
  static async start(): Promise<TestBrowser | undefined> {
    const executablePath = await browserPath();
    if (executablePath === undefined) return undefined;
    await buildWeb();
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS }));
  }

  /** Somebody with a browser of their own: nothing is shared with others. */
  async newProfile(options: ProfileOptions = {}): Promise<BrowserProfile> {
    const { width = 1200, height = 760, colorScheme = "light", ...rest } = options;
    const context = await this.chromium.newContext({
      viewport: { width, height },
      colorScheme,
      locale: "en-GB",
      ...rest,
    });
    context.setDefaultTimeout(PATIENCE);
    return new BrowserProfile(context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chromium.close();
  }
}

/** How somebody's browser is. */
export interface ProfileOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly permissions?: string[];
  readonly serviceWorkers?: "allow" | "block";
  readonly ignoreHTTPSErrors?: boolean;
  readonly hasTouch?: boolean;
  readonly isMobile?: boolean;
  readonly deviceScaleFactor?: number;
}

/** One person's browser. Disposing of it fails the test when a page had a fault. */
export class BrowserProfile implements AsyncDisposable {
  /** Errors, violations of the policy, and requests to other hosts. */
  readonly faults: string[] = [];

  constructor(readonly context: BrowserContext) {
    context.on("page", (page) => this.#watch(page));
  }

  /** Opens the page of a hub; with `name`, as somebody who was asked for it before. */
  async open(
    hub: Server | string,
    options: { readonly query?: string; readonly name?: string } = {},
  ) {
    const { query = "", name } = options;
    const address = typeof hub === "string" ? hub : hub.url.replace("ws:", "http:");
    const parameters = new URLSearchParams(query);
    if (name !== undefined) parameters.set("name", name);
    const page = await this.context.newPage();
    const suffix = parameters.size === 0 ? "" : `?${parameters}`;
    await page.goto(`${address}${suffix}`);
    if (name !== undefined) await page.locator(".dot.online").waitFor({ state: "attached" });
    return new ChatPage(page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    if (this.faults.length > 0) throw new Error(`The page had faults:\n${this.faults.join("\n")}`);
  }

  #watch(page: Page): void {
    page.on("pageerror", (error) => this.faults.push(String(error.stack ?? error)));
    page.on("console", (message) => {
      const text = message.text();
      // A connection that cannot be made is what some tests are about.
      const known = /WebSocket connection|ERR_/.test(text) ||
        // A hub that does not list its rooms, or says why it opens no WebSocket.
        /\/(?:api\/rooms|ws)$/.test(message.location().url);
      if (message.type() === "error" && !known) {
        this.faults.push(text);
      }
    });
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(?:data|blob|about):/.test(protocol) || hostname === "127.0.0.1") return;
      this.faults.push(`The page asked ${request.url()}`);
    });
  }
}

/** The chat in a page, as somebody uses it. */
export class ChatPage {
  constructor(readonly page: Page) {}

  /** Where one writes. */
  get composer() {
    return this.page.locator(".composer textarea");
  }

  /** The messages that are drawn. */
  get messages() {
    return this.page.locator("article.said .bubble");
  }

  /** A message with exactly this text. */
  message(text: string) {
    return this.page.locator("article.said:not(.pending)").filter({
      has: this.page.locator(".bubble").getByText(text, { exact: true }),
    });
  }

  /** A button of the list of conversations. */
  thread(name: string) {
    return this.page.locator(".sidebar .threads button.row-button").filter({
      has: this.page.locator(".grow").getByText(name, { exact: true }),
    });
  }

  /** Writes a line and sends it. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    // Sends on touch screens, too.
    await this.composer.press("Control+Enter");
  }

  /** Waits until a message with this text is there. */
  async sees(text: string): Promise<void> {
    await this.message(text).first().waitFor();
  }

  /** The texts of all messages that are drawn, in order. */
  texts(): Promise<string[]> {
    return this.page.locator("article.said:not(.pending) .bubble").allInnerTexts();
  }
}

/**
 * Defines a test with a browser. Where there is none, it is said loudly, once, and the tests are
 * left out.
 */
export function browserTests(): (
  name: string,
  test: (browser: TestBrowser) => Promise<void>,
) => void {
  let starting: Promise<TestBrowser | undefined> | undefined;
  Deno.test.afterAll(async () => {
    await (await starting)?.[Symbol.asyncDispose]();
  });
  return (name, test) => {
    Deno.test({
      name,
      // The browser lives longer than one test.
      sanitizeResources: false,
      sanitizeOps: false,
      async fn() {
        starting ??= TestBrowser.start();
        const browser = await starting;
        if (browser !== undefined) await test(browser);
      },
    });
  };
}

/**
 * Unpacks the browser that is inside the npm package, unless that was done before. One at a time:
 * test files that run side by side would find each other's half of it.
 */
async function unpacked(): Promise<string> {
  const { default: packaged } = await import("@sparticuz/chromium");
  using lock = await Deno.open(join(tmpdir(), "bcast-test-browser.lock"), {
    create: true,
    write: true,
  });
  await lock.lock(true);
  return await packaged.executablePath();
}

/** Where a browser is: the one that is named, or the one inside the npm package. */
async function browserPath(): Promise<string | undefined> {
  const named = Deno.env.get("BCAST_TEST_CHROMIUM");
  if (named !== undefined) return named;
  try {
    if (Deno.build.os !== "linux") {
      throw new Error(`there is no browser in it for ${Deno.build.os}`);
    }
    return await unpacked();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // deno-lint-ignore no-console -- nobody may take these tests for run
    console.error(
      `\n!!! SKIPPED: the tests of the web page in a browser. @sparticuz/chromium: ${why}.\n` +
        "!!! Name a Chromium of this machine in BCAST_TEST_CHROMIUM to run them.\n",
    );
    return undefined;
  }
}

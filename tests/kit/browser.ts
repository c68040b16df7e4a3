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

/** Milliseconds for any one step: far above the usual, for a busy machine. */
const STEP_DEADLINE = 20_000;

/** Flags that keep the browser from making requests of its own. */
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

export class TestBrowser implements AsyncDisposable {
  private constructor(private readonly chromium: Chromium) {}

  /** `undefined` where no browser is installed. */
  static async start(): Promise<TestBrowser | undefined> {
    const executablePath = await browserPath();
    if (executablePath === undefined) return undefined;
    await buildWeb();
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS }));
  }

  /** A new user: profiles share no storage. */
  async newProfile(options: ProfileOptions = {}): Promise<BrowserProfile> {
    const { width = 1200, height = 760, colorScheme = "light", ...rest } = options;
    const context = await this.chromium.newContext({
      viewport: { width, height },
      colorScheme,
      locale: "en-GB",
      ...rest,
    });
    context.setDefaultTimeout(STEP_DEADLINE);
    return new BrowserProfile(context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chromium.close();
  }
}

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

/** The browser of one user. Disposing of it fails the test when a page had a fault. */
export class BrowserProfile implements AsyncDisposable {
  /** Errors, violations of the content security policy, and requests to other hosts. */
  readonly faults: string[] = [];

  constructor(readonly context: BrowserContext) {
    context.on("page", (page) => this.#watch(page));
  }

  /** Opens the page of a hub; with `name`, waits until it is connected. */
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
      // Some tests are about connections that fail.
      const known = /WebSocket connection|ERR_/.test(text) ||
        // The hub does not list its rooms, or says why it opens no WebSocket.
        /\/(?:api\/rooms|ws)$/.test(message.location().url);
      if (message.type() === "error" && !known) {
        this.faults.push(text);
      }
    });
    page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(?:data|blob|about):/.test(protocol) || hostname === "127.0.0.1") return;
      this.faults.push(`The page requested ${request.url()}`);
    });
  }
}

/** The chat in a page, operated as a user does. */
export class ChatPage {
  constructor(readonly page: Page) {}

  get composer() {
    return this.page.locator(".composer textarea");
  }

  /** The messages in the document: only those in view are drawn. */
  get messages() {
    return this.page.locator("article.said .bubble");
  }

  /** The acked messages with exactly this text. */
  message(text: string) {
    return this.page.locator("article.said:not(.pending)").filter({
      has: this.page.locator(".bubble").getByText(text, { exact: true }),
    });
  }

  /** The button of a conversation in the sidebar. */
  thread(name: string) {
    return this.page.locator(".sidebar .threads button.row-button").filter({
      has: this.page.locator(".grow").getByText(name, { exact: true }),
    });
  }

  /** Types a message and sends it. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    // Unlike Enter, this sends on touch screens, too.
    await this.composer.press("Control+Enter");
  }

  /** Waits until the page has drawn, and handled its own scroll events. */
  async drawn(): Promise<void> {
    await this.page.evaluate(() =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    );
  }

  /** Waits for a message with this text. */
  async sees(text: string): Promise<void> {
    await this.message(text).first().waitFor();
  }

  /** The texts of all messages in the document, in order. */
  texts(): Promise<string[]> {
    return this.page.locator("article.said:not(.pending) .bubble").allInnerTexts();
  }
}

/**
 * Returns a function that registers tests with a browser. They are skipped where there is none.
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
      // The tests of a file share the browser.
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
 * Unpacks the browser of the npm package, unless that was done before. The lock keeps parallel test
 * files from using a browser that is not unpacked completely.
 */
async function unpackBrowser(): Promise<string> {
  const { default: packaged } = await import("@sparticuz/chromium");
  using lock = await Deno.open(join(tmpdir(), "bcast-test-browser.lock"), {
    create: true,
    write: true,
  });
  await lock.lock(true);
  return await packaged.executablePath();
}

/** The path of `BCAST_TEST_CHROMIUM`, or of the browser in the npm package. */
async function browserPath(): Promise<string | undefined> {
  const named = Deno.env.get("BCAST_TEST_CHROMIUM");
  if (named !== undefined) return named;
  try {
    if (Deno.build.os !== "linux") {
      throw new Error(`it has no browser for ${Deno.build.os}`);
    }
    return await unpackBrowser();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // deno-lint-ignore no-console -- a skipped test must not look like a passed one
    console.error(
      `\n!!! SKIPPED: browser tests. @sparticuz/chromium: ${why}.\n` +
        "!!! Set BCAST_TEST_CHROMIUM to the path of a Chromium to run them.\n",
    );
    return undefined;
  }
}

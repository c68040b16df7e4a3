/**
 * Takes the screenshots of the web page in `docs`: its main states, in both themes, on a phone and a
 * desktop, with a real hub and a real browser.
 *
 * ```sh
 * deno task screenshots           # the screenshots of the documentation
 * deno task screenshots --all DIR # every state, into DIR, for review
 * ```
 *
 * @module
 */

import { type ClientConnection, connect } from "../../client.ts";
import type { Server } from "../../server.ts";
import { type ChatPage, type ProfileOptions, TestBrowser } from "../kit/browser.ts";
import { startTestHub } from "../kit/test_hub.ts";

const DOCS = new URL("../../docs/", import.meta.url);

const DESK = { width: 1180, height: 740 } as const;
const PHONE = { width: 390, height: 760, hasTouch: true } as const;

const TALK: readonly (readonly [who: string, text: string, kind?: "action"])[] = [
  ["Carol", "Good morning! The new hub is up on the staging machine."],
  ["Carol", "History comes along, so nobody has to be here for the whole evening."],
  ["Bob", "Nice. What do I have to change in the clients?"],
  ["Carol", "Nothing but the address:\n```\nbcast connect staging.example --room team\n```"],
  ["Dave", "makes coffee for everybody", "action"],
  [
    "Bob",
    "Works from here. Open points:\n- the **certificate** runs out in May\n- `ci` still talks to the old one",
  ],
  [
    "Carol",
    "> the certificate runs out in May\nI have that on my list: https://example.com/certificates",
  ],
];

const MINE = "I take the second one, _before lunch_.";
const LAST = "Thank you, Alice! Then we are done for today.";

/** The clients without a browser. */
class Company implements AsyncDisposable {
  readonly #people = new Map<string, ClientConnection>();

  constructor(private readonly hub: Server) {}

  async say(who: string, message: string, kind?: "action", room = "team"): Promise<void> {
    await this.person(who).send({
      message,
      room,
      format: "markdown",
      ...(kind === undefined ? {} : { kind }),
    });
  }

  person(who: string): ClientConnection {
    const known = this.#people.get(who);
    if (known !== undefined) return known;
    const rooms = ["team", "lobby", "ideas"].map((room) => ({ room, recent: 0 }));
    const person = connect({ url: this.hub.url, sender: who, rooms, echo: false });
    this.#people.set(who, person);
    return person;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#people.values()].map((person) => person.close()));
  }
}

/** Opens the page as Alice, with a conversation of several users. */
async function conversation(browser: TestBrowser, options: ProfileOptions) {
  const hub = await startTestHub({ rooms: ["team"] });
  const company = new Company(hub);
  for (const [who, text, kind] of TALK) {
    await company.say(who, text, kind);
  }
  const profile = await browser.newProfile({ ...options, deviceScaleFactor: 1 });
  const alice = await profile.open(hub, {
    name: "Alice",
    query: "room=team&room=ideas&room=lobby",
  });
  await alice.page.getByText("I have that on my list").waitFor();
  await alice.say(MINE);
  await alice.page.locator("article.mine .tick").waitFor();
  await company.say("Bob", LAST);
  await company.say("Dave", "An idea for the autumn: a garden on the roof", undefined, "ideas");
  await company.say("Bob", "Alice, you will like this", undefined, "ideas");
  await company.person("Dave").direct("Alice", { message: "Lunch at half past twelve?" });
  await company.person("Carol").ping();
  await alice.page.locator(".sidebar .badge").nth(1).waitFor({ state: "attached" });
  company.person("Carol").typing("team", true);
  await alice.page.locator(".dots").waitFor();
  await alice.page.mouse.move(5, 5);
  return {
    hub,
    company,
    profile,
    alice,
    close: async () => {
      await company[Symbol.asyncDispose]();
      await profile[Symbol.asyncDispose]();
      await hub.stop();
    },
  };
}

async function shoot({ page }: ChatPage, file: URL): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  // A click takes effect within two frames.
  await page.evaluate(() =>
    new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  );
  await Deno.writeFile(file, await page.screenshot({ animations: "disabled", caret: "hide" }));
}

/** The screenshots of the documentation: a light desktop and a dark phone. */
async function forDocs(browser: TestBrowser): Promise<void> {
  for (
    const [name, options] of [
      ["web-desk.png", { ...DESK, colorScheme: "light" }],
      ["web-phone.png", { ...PHONE, colorScheme: "dark" }],
    ] as const
  ) {
    const { alice, close } = await conversation(browser, options);
    await shoot(alice, new URL(name, DOCS));
    await close();
  }
}

/** Every main state, for review. */
async function all(browser: TestBrowser, folder: URL): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [size, view] of [["desk", DESK], ["phone", PHONE]] as const) {
      await states(browser, { ...view, colorScheme }, (name) => {
        return new URL(`${size}-${colorScheme}-${name}.png`, folder);
      });
    }
  }
}

async function states(
  browser: TestBrowser,
  options: ProfileOptions,
  file: (name: string) => URL,
): Promise<void> {
  const { hub, profile, alice, close } = await conversation(browser, options);
  const { page } = alice;
  const closeDialog = async (): Promise<void> => {
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  };
  await shoot(alice, file("talk"));
  for (const [name, keys] of [["help", "Control+/"], ["join", "Control+k"]] as const) {
    await page.keyboard.press(keys);
    await shoot(alice, file(name));
    await closeDialog();
  }
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("dialog").getByLabel("Words").fill("certif");
  await page.getByRole("dialog").locator("mark").first().waitFor();
  await shoot(alice, file("search"));
  await closeDialog();
  await page.getByRole("button", { name: "This conversation" }).click();
  await shoot(alice, file("thread"));
  await closeDialog();
  await alice.composer.pressSequentially("/");
  await page.getByRole("option").first().waitFor();
  await shoot(alice, file("commands"));
  await alice.composer.fill("");
  const menu = page.getByRole("button", { name: "Conversations" });
  if (await menu.isVisible()) {
    await menu.click();
    await shoot(alice, file("drawer"));
  }
  await page.getByRole("button", { name: "Settings" }).click();
  await shoot(alice, file("settings"));
  await closeDialog();
  await page.keyboard.press("Escape");
  await alice.say("/msg Nobody hello?");
  await page.getByText("is not here any more").waitFor();
  await shoot(alice, file("failed"));
  await hub.stop();
  await page.locator(".banner").getByText("Trying again").waitFor();
  await alice.say("This waits until we are back.");
  await shoot(alice, file("offline"));
  const first = await (await browser.newProfile(options)).context.newPage();
  const other = await startTestHub();
  await first.goto(other.url.replace("ws:", "http:"));
  await first.getByRole("heading", { name: "Hello!" }).waitFor();
  await Deno.writeFile(file("welcome"), await first.screenshot());
  await first.context().close();
  await other.stop();
  profile.faults.length = 0;
  await close();
}

const browser = await TestBrowser.start();
if (browser === undefined) Deno.exit(1);
const [flag, folder = "screenshots"] = Deno.args;
if (flag === "--all") await all(browser, new URL(`${folder}/`, `file://${Deno.cwd()}/`));
else await forDocs(browser);
await browser[Symbol.asyncDispose]();

import { assert, assertEquals } from "@std/assert";
import { Assets } from "../../../server/http/assets.ts";
import {
  DEFAULT_LIMITS,
  encode,
  type HubFrame,
  type JoinedFrame,
  type Message,
  SUBPROTOCOL,
  visible,
} from "../../../protocol.ts";
import { sanitized } from "../../../web/state/sanitize.ts";
import { browserTests, type ChatPage } from "../../kit/browser.ts";
import { errorFrame, roomJoined } from "../../kit/fake_connection.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();

/** Characters that reorder, hide or colour text, or ring the bell. */
const UNSEEN = "\u202e\u2066\u200f\u061c\u200b\u00ad\ufeff\u2028\x1b[31m\x07\x00\x9b\u{e0041}";

/** A name and a room that only a hub without validation passes on. */
const EVE = `Eve${UNSEEN}name`;
const ROOM = `den\u202eroom`;

const TIMESTAMP = "2026-01-02T03:04:05.678Z";

function hostileMessage(id: number, more: Partial<Message> = {}, room = "lobby"): Message {
  const message = `text ${UNSEEN} https://a.example/${UNSEEN}b`;
  return {
    type: "message",
    room,
    id,
    sender: EVE,
    timestamp: TIMESTAMP,
    message,
    ...more,
  } as Message;
}

/** All visible and announced text of the page that contains such characters. */
async function unseenIn({ page }: ChatPage): Promise<string[]> {
  return await page.evaluate(() => {
    const bad = /(?![\n\t])\p{Cc}|[\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/u;
    const found: string[] = [];
    const check = (where: string, text: string | null): void => {
      if (text !== null && bad.test(text)) found.push(`${where}: ${escape(text)}`);
    };
    check("title", document.title);
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (!(node instanceof Element)) {
        check(node.parentElement?.outerHTML.slice(0, 80) ?? "", node.nodeValue);
      } else {
        for (const { name, value } of node.attributes) check(`${node.tagName} ${name}`, value);
        if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement) {
          check(`${node.tagName} value`, node.value);
        }
      }
    }
    return found;
  });
}

/** A hub that validates nothing. */
class EvilHub implements AsyncDisposable {
  readonly #assets = new Assets();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #socket: WebSocket | undefined;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  say(...frames: readonly HubFrame[]): void {
    this.#socket?.send(frames.map(encode).join("\n"));
  }

  close(code: number, reason: string): void {
    this.#socket?.close(code, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.close();
    await this.#server.shutdown();
  }

  #answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (request.headers.has("upgrade")) {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL.v1 });
      this.#socket = socket;
      socket.onmessage = ({ data }) => data.split("\n").forEach((line: string) => this.#take(line));
      return response;
    }
    if (pathname === "/api/rooms") return Response.json({ rooms: [{ room: ROOM, online: 1 }] });
    return this.#assets.answer(request, pathname) ?? new Response(null, { status: 404 });
  }

  #take(line: string): void {
    const { type, ref, room = "lobby", query } = JSON.parse(line);
    switch (type) {
      case "hello":
        return this.say(
          {
            type: "welcome",
            protocol: 1,
            sender: `Alice${UNSEEN}`,
            session: "s",
            resumed: false,
            time: TIMESTAMP,
            server: { name: "bcast", version: "0" },
            features: {},
            limits: DEFAULT_LIMITS,
            rooms: ["lobby", ROOM],
          },
          this.#joined("lobby", [EVE, `Alice${UNSEEN}`]),
          this.#joined(ROOM, [EVE]),
          { type: "live", room: "lobby", id: 1 },
          { type: "live", room: ROOM, id: 1 },
        );
      case "history": {
        const messages = query === undefined
          ? []
          : [hostileMessage(2), hostileMessage(3, { format: "markdown" })];
        return this.say({ type: "history", room, epoch: "e", messages, more: false, ref });
      }
      case "members":
        return this.say({ type: "members", room, online: 2, members: [EVE], ref });
      case "ping":
        return this.say({ type: "pong", ref });
      case "message":
        return this.say(errorFrame("forbidden", `Refused by ${EVE}`, { re: "message", ref }));
    }
  }

  #joined(room: string, members: readonly string[]): JoinedFrame {
    const messages = [hostileMessage(1, {}, room)];
    const { rejoined: _rejoined, missed: _missed, ...frame } = roomJoined(room, {
      members,
      messages,
    });
    return frame;
  }
}

Deno.test("`shown()` makes all invisible characters visible", () => {
  const event = hostileMessage(1, { data: { [EVE]: EVE } } as Partial<Message>);
  const { sender, message, data } = sanitized(event) as Message;
  assertEquals([sender, data], [visible(EVE), { [EVE]: EVE }]);
  assertEquals(message, visible(event.message ?? "", { keepLines: true }));
  assertEquals(sanitized({ message: "a\r\nb\tc\rd" }), { message: "a\nb\tc\nd" });
  assertEquals(sanitized({ sender: "a\nb", members: ["\u202e"], limits: { rate: 5 } }), {
    sender: "a␊b",
    members: ["<U+202E>"],
    limits: { rate: 5 },
  });
});

test("the page shows no text of others with invisible characters", async (browser) => {
  await using hub = new EvilHub();
  await using profile = await browser.newProfile({
    height: 2000,
    serviceWorkers: "block",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await profile.context.addInitScript(() => {
    const told: string[] = [];
    class Notified {
      static permission = "granted";
      constructor(title: string, { body }: { body: string }) {
        told.push(`${title}: ${body}`);
      }
      static requestPermission = () => Promise.resolve("granted");
    }
    Object.assign(globalThis, { told, Notification: Notified });
  });
  const alice = await profile.open(hub.url, { name: "Alice" });
  const { page } = alice;
  const looked: string[] = [];
  const look = async (where: string): Promise<void> => {
    looked.push(where);
    assertEquals(await unseenIn(alice), [], where);
  };
  const hidden = (value: boolean): Promise<void> =>
    page.evaluate((isHidden) => {
      Object.defineProperty(document, "visibilityState", {
        configurable: true,
        get: () => isHidden ? "hidden" : "visible",
      });
      document.dispatchEvent(new Event("visibilitychange"));
    }, value);

  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("group", { name: "Notifications" }).getByLabel("On", { exact: true })
    .check();
  await page.keyboard.press("Escape");
  const shownEve = visible(EVE);
  await hidden(true);
  hub.say(
    hostileMessage(2),
    hostileMessage(3, {
      format: "markdown",
      message:
        `**b${UNSEEN}** \`c${UNSEEN}\`\n\`\`\`\n${UNSEEN}\n\`\`\`\n- l${UNSEEN}\n> q${UNSEEN}`,
    }),
    hostileMessage(4, { kind: "action" }),
    hostileMessage(5, { data: { [EVE]: [UNSEEN] } } as Partial<Message>),
    { type: "typing", room: "lobby", sender: EVE, active: true },
    { type: "presence", room: "lobby", online: 3, joined: [`New${UNSEEN}`] },
    { type: "presence", room: "lobby", online: 2, left: [`New${UNSEEN}`] },
    {
      type: "presence",
      room: "lobby",
      online: 2,
      renamed: [{ from: `Alice${UNSEEN}`, to: `Al${UNSEEN}` }],
    },
    { type: "system", event: "announcement", message: `Notice ${UNSEEN}`, timestamp: TIMESTAMP },
    errorFrame("bad_frame", `Wrong ${UNSEEN}`),
    { type: "direct", sender: EVE, to: "Alice", message: UNSEEN, timestamp: TIMESTAMP },
  );
  await alice.thread(shownEve).waitFor();
  await page.locator(".typing").getByText(`${shownEve} is typing`).waitFor();
  const told = await page.evaluate(() => (globalThis as unknown as { told: string[] }).told);
  assert(told.some((each) => each.startsWith(`${shownEve} in #lobby: `)), told.join());
  assertEquals(told.map((each) => visible(each, { keepLines: true })), told, "notifications");
  await hidden(false);
  await look(
    "messages of every kind, names, notes, the typing indicator, the sidebar, the people",
  );
  assertEquals(
    await page.locator("article.theirs a").evaluateAll((links) =>
      links.every((link) => link.getAttribute("href") === "https://a.example/")
    ),
    true,
    "links end where something unseen begins",
  );

  // Messages from the first moment of a conversation cause no notification.
  const heard = page.locator('[aria-label="New messages"]').getByText(`${shownEve}: one`);
  for (let id = 6; await heard.count() === 0; id++) {
    hub.say(hostileMessage(id, { message: `one ${UNSEEN}` }));
    const told = heard.waitFor({ state: "attached", timeout: 2000 });
    await told.catch((error) => assert(id < 12, String(error)));
  }
  await look("live regions");

  const message = page.locator('article[data-id="2"]');
  await message.hover();
  await message.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  const clipboard = await page.evaluate(() => navigator.clipboard.readText());
  assertEquals(clipboard, visible(hostileMessage(2).message ?? ""));
  await message.hover();
  await message.getByRole("button", { name: "Quote" }).click();
  await look("a quotation");
  await alice.composer.fill("");
  await alice.composer.pressSequentially("@Ev");
  await page.getByRole("option", { name: shownEve }).waitFor();
  await look("suggestions");
  await alice.composer.fill("");
  await alice.say("/who");
  await page.locator(".note").getByText(`in lobby: ${shownEve}`).waitFor();
  await look("the answer to /who");
  await alice.say("mine");
  await page.locator(".pending.failed").getByText("Refused by Eve").waitFor();
  await look("why something was not sent");

  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("dialog").getByLabel("Words").fill("text");
  await page.getByText("2 messages found.").waitFor();
  await look("search hits");
  await page.keyboard.press("Escape");
  // An open dialog ignores shortcuts.
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByLabel("Room").waitFor();
  await look("the list of rooms");
  await page.keyboard.press("Escape");
  await alice.thread(visible(ROOM)).click();
  await page.getByRole("heading", { name: visible(ROOM) }).first().waitFor();
  await until("the title", async () => (await page.title()).includes(`#${visible(ROOM)}`));
  await look("a room");
  await alice.thread(shownEve).click();
  await until("the title", async () => (await page.title()).includes(shownEve));
  await look("a private conversation, its title, and where one writes to it");
  await page.getByRole("button", { name: "This conversation" }).click();
  await page.getByRole("dialog").getByRole("heading", { name: shownEve }).waitFor();
  await look("the menu of a conversation");
  await page.keyboard.press("Escape");
  const download = page.waitForEvent("download");
  await alice.say("/export json");
  const file = await Deno.readTextFile(await (await download).path());
  assertEquals(visible(file, { keepLines: true }), file, "an export");

  hub.close(4503, `Out: ${EVE}`);
  await page.locator(".banner").getByText("Eve").waitFor();
  await look("why the conversation ended");
  assertEquals(looked.length, 12);
});

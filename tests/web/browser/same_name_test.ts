import { assertEquals } from "@std/assert";
import { combineAuthorizers } from "../../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken } from "../../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../../auth/keys.ts";
import type { ClientEvent } from "../../../client.ts";
import type { Direct } from "../../../protocol.ts";
import { reduce } from "../../../web/state/reduce.ts";
import { directKey } from "../../../web/state/threads.ts";
import { type ChatState, EMPTY } from "../../../web/state/types.ts";
import { browserTests } from "../../kit/browser.ts";
import { roomJoined } from "../../kit/fake_connection.ts";
import { Relay } from "../../kit/relay.ts";
import { startTestHub } from "../../kit/test_hub.ts";
import { RecordingClient } from "../../kit/recording_client.ts";
import { until } from "../../kit/wait.ts";

const test = browserTests();
const KEY = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const NOW = Date.UTC(2026, 0, 31, 10, 30);

/** Names of every kind that the hub allows. */
const NAMES = [
  "Bob",
  "bob-2",
  "李 小龙",
  "Zoe\u0308",
  "\u05D3\u05D5\u05D3",
  "🦊 fox",
  "o'Neil (x)",
];

test("a reply does not silently go to another user of the same name", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const { page } = alice;
  const first = new RecordingClient(hub, "Bob 🦊");
  await using _first = first;
  await page.locator(".people").getByText("Bob").waitFor();
  await first.connection.direct("Alice", { message: "my secret is 42" });
  await alice.thread("Bob 🦊").click();
  await alice.sees("my secret is 42");
  await alice.say("understood");
  await alice.sees("understood");
  await first.connection.close();
  await page.locator(".note").getByText("Bob 🦊 left").waitFor();
  await using second = new RecordingClient(hub, "bob 🦊");
  await page.locator(".note").getByText("It may be another person than before").waitFor();

  await alice.say("so it is 42?");
  await page.locator(".composer").getByRole("alert").getByText("may be another person").waitFor();
  assertEquals(await alice.composer.inputValue(), "so it is 42?");
  await alice.composer.press("Enter");
  await until("the second one gets it", () => second.directTexts.length > 0);
  assertEquals(second.directTexts, ["so it is 42?"]);
  assertEquals(first.directTexts, ["understood"]);
  await alice.sees("so it is 42?");
});

test("a message written offline does not go to another user of the same name", async (browser) => {
  await using hub = await startTestHub();
  await using wire = new Relay(hub.port);
  await using profile = await browser.newProfile();
  const alice = await profile.open(wire.url.replace("ws:", "http:"), { name: "Alice" });
  const { page } = alice;
  const first = new RecordingClient(hub, "Bob");
  await using _first = first;
  await page.locator(".people").getByText("Bob").waitFor();
  await first.connection.direct("Alice", { message: "psst" });
  await alice.thread("Bob").click();
  await alice.sees("psst");
  await first.connection.close();
  await page.locator(".note").getByText("Bob left").waitFor();
  wire.refuse = true;
  wire.cut();
  await page.locator(".banner").getByText("Trying again").waitFor();
  await alice.say("answer");
  await page.locator(".pending").getByText("answer").waitFor();
  await using second = new RecordingClient(hub, "Bob");
  await until("another Bob is here", () => second.connection.state === "online");
  wire.refuse = false;
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.locator(".pending.failed").getByText("Bob may be another person").waitFor();
  assertEquals(second.directTexts, []);
  await page.getByRole("button", { name: "Try again" }).click();
  await until("it is sent", () => second.directTexts.includes("answer"));
});

test("a user with a verified name is the same user after a reconnect", async (browser) => {
  await using hub = await startTestHub({
    authorizer: combineAuthorizers([new JwtAuthorizer({ keys: [secretKey(KEY)] })], { open: true }),
  });
  const token = await mintToken(signingSecret(KEY), { sub: "Bob", issuedAt: Date.now() });
  await using profile = await browser.newProfile();
  const alice = await profile.open(hub, { name: "Alice" });
  const first = new RecordingClient(hub, "Bob", { token });
  await using _first = first;
  await alice.page.locator(".people").getByText("Bob").waitFor();
  await first.connection.direct("Alice", { message: "psst" });
  await alice.thread("Bob").click();
  await alice.sees("psst");
  await first.connection.close();
  await alice.page.locator(".note").getByText("Bob left").waitFor();
  await using second = new RecordingClient(hub, "Bob", { token });
  await until("Bob is back", () => second.connection.state === "online");
  await alice.thread("lobby").click();
  await alice.page.locator(".people").getByText("Bob").waitFor();
  await alice.thread("Bob").click();
  await alice.say("you again");
  await until("it arrives", () => second.directTexts.includes("you again"));
  assertEquals(await alice.page.locator(".note.gap").count(), 0);
});

function after(state: ChatState, ...events: readonly ClientEvent[]): ChatState {
  return events.reduce((next, event) => reduce(next, { type: "event", event, now: NOW }), state);
}

function talkedTo(name: string, verified = false): ChatState {
  const timestamp = new Date(NOW).toISOString();
  const direct: Direct = {
    type: "direct",
    sender: name,
    to: "Alice",
    message: "psst",
    timestamp,
    ...(verified ? { account: name } : {}),
  };
  return after({ ...EMPTY, me: "Alice" }, entered([name]), direct);
}

function entered(others: readonly string[], room = "lobby"): ClientEvent {
  const members = ["Alice", ...others];
  const again = room === "lobby" && others.length === 0;
  return roomJoined(room, { members, rejoined: again, recovered: true });
}

function presence(change: object, room = "lobby"): ClientEvent {
  return {
    type: "presence",
    room,
    online: "joined" in change || "renamed" in change ? 2 : 1,
    ...change,
  };
}

for (const verified of [false, true]) {
  Deno.test(`\`reduce()\` warns about a name that was free meanwhile, unless it is verified (${verified})`, () => {
    for (const name of NAMES) {
      const key = directKey(name);
      const doubt = (state: ChatState): boolean =>
        state.threads.get(key)?.partner?.doubtful === true;
      const here = talkedTo(name, verified);
      const left = after(here, presence({ left: [name] }));
      assertEquals([doubt(here), doubt(left)], [false, false], name);
      assertEquals(doubt(after(left, presence({ joined: [name] }))), !verified, name);
      // One frame can contain a leave and a join with the same name.
      const taken = { left: [name], renamed: [{ from: "Carol", to: name }] };
      assertEquals(doubt(after(here, presence(taken))), !verified, name);
      // The user was online in another room all the time.
      const both = after(here, entered([name], "dev"), presence({ left: [name] }));
      assertEquals(doubt(after(both, presence({ joined: [name] }))), false, name);
      // All users reconnect after a restart of the hub.
      const restarted = after(here, entered([]), presence({ joined: [name] }));
      assertEquals(doubt(restarted), false, name);
      // A rename does not make another user.
      const renamed = after(here, presence({ renamed: [{ from: name, to: "Robert" }] }));
      assertEquals(renamed.threads.get("@robert")?.partner?.doubtful ?? false, false, name);
      // The warning appears once.
      const back = after(left, presence({ joined: [name] }));
      assertEquals(doubt(reduce(back, { type: "trust", key })), false, name);
    }
  });
}

Deno.test("`reduce()` warns when a name that was verified no longer is", () => {
  const timestamp = new Date(NOW).toISOString();
  const message = { type: "direct", to: "Alice", message: "hi", timestamp } as const;
  const state = after(talkedTo("Bob", true), { ...message, sender: "Bob" });
  assertEquals(state.threads.get("@bob")?.partner?.doubtful, true);
});

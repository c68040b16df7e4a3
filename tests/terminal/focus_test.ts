import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import type { ClientEvent, RoomJoined } from "../../client.ts";
import { ConnectError } from "../../client/types.ts";
import type { ErrorCode } from "../../protocol.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import {
  chatMessage,
  errorFrame,
  onlineEvent,
  roomJoined,
  TIMESTAMP,
} from "../kit/fake_connection.ts";
import { ChatUser } from "../kit/chat_user.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";
import { name as anyName, room as anyRoom } from "../protocol/arbitraries.ts";

/** Rooms and people with which a scene begins; events are about them, and about others. */
const ROOMS = ["lobby", "doomed", "a-b.c_d"];
const PEOPLE = ["Bob", "jean-luc", "山田 太郎", "e\u0301va", "👩‍🚀", "سارة", "a.b*c(d)[e]+?^$|\\"];

const room = fc.oneof(fc.constantFrom(...ROOMS), anyRoom);
const person = fc.oneof(fc.constantFrom(...PEOPLE), anyName);
const people = fc.array(person, { maxLength: 3 });
const text = fc.oneof(fc.constant("Alice, look"), fc.string({ unit: "grapheme" }));

function entered(room: string, members: readonly string[] = []): RoomJoined {
  const online = members.length + 1;
  const messages = [chatMessage("Bob", "before", { room, id: 3 })];
  return roomJoined(room, { online, members, messages });
}

function online(rooms: readonly string[]): ClientEvent {
  return { ...onlineEvent("Alice", rooms), reconnected: true };
}

/** Every type of event that there is: a new one does not compile without a line here. */
const EVENTS: { readonly [T in ClientEvent["type"]]: fc.Arbitrary<ClientEvent> } = {
  connecting: fc.record({ type: fc.constant("connecting"), attempt: fc.nat() }),
  online: fc.array(room, { maxLength: 3 }).map(online),
  offline: fc.record({
    type: fc.constant("offline"),
    code: fc.constantFrom(1006, 1001, 4501),
    reason: text,
    retryIn: fc.nat(5000),
  }),
  joined: fc.tuple(room, people, fc.boolean(), fc.nat(3)).map((
    [each, members, rejoined, missed],
  ): ClientEvent => ({ ...entered(each, members), rejoined, missed })),
  live: fc.record({ type: fc.constant("live"), room, id: fc.nat(5000) }),
  left: fc.record({ type: fc.constant("left"), room }),
  message: fc.tuple(room, person, text, fc.integer({ min: 1, max: 5000 })).map((
    [each, sender, message, id],
  ) => chatMessage(sender, message, { room: each, id })),
  direct: fc.record({
    type: fc.constant("direct"),
    sender: person,
    to: fc.constant("Alice"),
    timestamp: fc.constant(TIMESTAMP),
    message: text,
  }),
  presence: fc.record({
    type: fc.constant("presence"),
    room,
    online: fc.nat(9),
    members: people,
    joined: people,
    left: people,
    renamed: fc.array(fc.record({ from: person, to: person }), { maxLength: 2 }),
  }, { requiredKeys: ["type", "room", "online"] }),
  renamed: fc.record({ type: fc.constant("renamed"), from: person, name: person }),
  typing: fc.record({
    type: fc.constant("typing"),
    room,
    sender: person,
    active: fc.boolean(),
  }),
  system: fc.tuple(text, fc.constantFrom("notice", "announcement"), fc.option(room)).map((
    [message, event, each],
  ): ClientEvent => ({
    type: "system",
    timestamp: TIMESTAMP,
    message,
    event,
    ...each === null ? {} : { room: each },
  })),
  error: fc.record({
    type: fc.constant("error"),
    code: fc.constantFrom("forbidden", "bad_room", "too_many_rooms", "not_in_room", "internal"),
    message: fc.oneof(text, room.map((each) => `Room ${each} is closed`)),
    re: fc.constantFrom("join", "typing"),
    room,
    final: fc.boolean(),
  }, { requiredKeys: ["type", "code", "message", "final"] }),
};

/** Where the user may be while something happens, and what brings them there. */
const PLACES: Readonly<Record<string, (scene: ChatHarness) => void>> = {
  "[lobby]": () => {},
  "[doomed]": ({ chat }) => chat.line("/join doomed"),
  // Not entered: the answer is still on its way, or is a no.
  "[later]": ({ chat }) => chat.line("/join later"),
  "[@jean-luc]": ({ chat }) => chat.line("/msg jean-luc"),
  // Nowhere: everything was left.
  "": ({ chat }) => {
    for (const each of ROOMS) chat.line(`/leave ${each}`);
  },
};

async function sceneAt(place: string): Promise<ChatHarness> {
  const scene = await ChatHarness.joined({ others: PEOPLE, columns: 200 });
  scene.joinRoom("doomed", ["Alice", ...PEOPLE]);
  scene.joinRoom("a-b.c_d");
  await scene.settle();
  PLACES[place]?.(scene);
  return scene;
}

function focusOf({ screen }: ChatHarness): string {
  return /^\[.*?\](?= )/.exec(screen.prompt)?.[0] ?? "";
}

for (const place of Object.keys(PLACES)) {
  Deno.test(`nothing that a hub sends moves the focus or the draft, at "${place}"`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(...Object.values(EVENTS)), { minLength: 1, maxLength: 12 }),
        async (events) => {
          await using scene = await sceneAt(place);
          const { connection, screen } = scene;
          assertEquals(focusOf(scene), place);
          screen.draft = "secret half typed";
          for (const event of events) {
            connection.emit(event);
            await scene.settle();
            // Whoever is called otherwise now is the same person; the window says so.
            const renamed = /^\[@/.test(place) && /^\[@/.test(focusOf(scene)) &&
              events.some((each) => each.type === "presence" && (each.renamed ?? []).length > 0);
            if (!renamed) assertEquals(focusOf(scene), place, event.type);
            assertEquals(screen.draft, "secret half typed", event.type);
          }
          // The end of everything: kicked.
          connection.fail(new ConnectError("rejected", "A moderator kicked you: spam"));
          await screen.has("A moderator kicked you: spam");
          assertEquals(screen.draft, "secret half typed");
          if (!/^\[@/.test(place)) assertEquals(focusOf(scene), place);
        },
      ),
      { numRuns: 60 },
    );
  });
}

Deno.test("a room that a moderator closes stays, with its draft and the reason, and sends nothing", async () => {
  await using scene = await sceneAt("[doomed]");
  const { chat, connection, screen } = scene;
  const notice = "Room doomed is closed: tidy up";
  screen.draft = "secret half typed";
  connection.emit(
    { type: "system", event: "notice", message: notice, room: "doomed", timestamp: TIMESTAMP },
    { type: "left", room: "doomed" },
  );
  await screen.has(`! You are no longer in doomed: ${notice}. Nothing is sent here.`);
  assertEquals(screen.prompt, "[doomed] Alice (closed)> ");
  connection.requests.splice(0);
  for (const line of ["secret half typed rest", "/me waves"]) {
    screen.draft = "";
    chat.edited(line);
    chat.line(line);
    assertEquals(screen.draft, line);
    assertEquals(
      screen.lines.at(-1),
      `! Not sent: you are not in doomed: ${notice}. /join doomed tries to enter it`,
    );
  }
  assertEquals([connection.sent.length, connection.requests], [0, []]);
  chat.line("/rooms");
  assertStringIncludes(screen.text, "2 doomed (closed, you are here)");

  // Still closed.
  chat.line("/join doomed");
  assertEquals(connection.requests.splice(0), ["join doomed"]);
  connection.emit(errorFrame("forbidden", notice, { re: "join", room: "doomed" }));
  await until("the no", () => screen.lines.at(-1) === `! ${notice}`);
  assertEquals(screen.prompt, "[doomed] Alice (closed)> ");
  // Open again.
  chat.line("/join doomed");
  scene.joinRoom("doomed");
  await until("the prompt", () => screen.prompt === "[doomed] Alice> ");
  chat.line("at last");
  assertEquals(connection.sent[0]?.message, {
    message: "at last",
    room: "doomed",
    format: "markdown",
  });
  // Left by the user, it goes.
  chat.line("/leave");
  assertEquals(screen.prompt, "[lobby] Alice> ");
});

Deno.test("a room that is closed while another is shown tells it there, and keeps its draft", async () => {
  await using scene = await sceneAt("[doomed]");
  const { chat, connection, screen } = scene;
  screen.draft = "for the doomed";
  chat.chord({ kind: "room", number: 1 });
  screen.draft = "for the lobby";
  connection.emit({ type: "left", room: "doomed" });
  await screen.has("! You are no longer in doomed: the hub removed you");
  assertEquals([focusOf(scene), screen.draft], ["[lobby]", "for the lobby"]);
  await screen.tells("2:doomed 1 unread");
  chat.chord({ kind: "room", number: 2 });
  assertEquals(screen.draft, "for the doomed");
  assertEquals(screen.prompt, "[doomed] Alice (closed)> ");
});

Deno.test("a room that is gone after a reconnect keeps its window, with the reason that follows", async () => {
  for (
    const reason of [
      "Room doomed is closed until 2026-01-31 10:30 UTC: tidy",
      "Your token does not let you into a-b.c_d, doomed: ask for one that does",
    ]
  ) {
    await using scene = await sceneAt("[doomed]");
    const { chat, connection, screen } = scene;
    connection.emit(
      { type: "offline", code: 1006, reason: "gone", retryIn: 1000 },
      online(["lobby", "a-b.c_d"]),
      { type: "left", room: "doomed" },
      errorFrame("forbidden", reason, { re: "join", room: "doomed" }),
    );
    await until("the reason", () => screen.lines.at(-1) === `! ${reason}`);
    assertEquals(focusOf(scene), "[doomed]");
    chat.line("secret");
    assertStringIncludes(screen.lines.at(-1) ?? "", `! Not sent: you are not in doomed: ${reason}`);
    assertEquals([connection.sent.length, screen.draft], [0, "secret"]);
  }
});

Deno.test("a join that is refused is told in its window, whatever else the hub refuses", async () => {
  await using scene = await sceneAt("[lobby]");
  const { chat, connection, screen } = scene;
  const refuse = (room: string, code: ErrorCode, message: string): void =>
    connection.emit(errorFrame(code, message, { re: "join", room }));
  chat.line("/join x-1");
  chat.line("/join x-2");
  chat.line("/join x-3");
  connection.emit(
    errorFrame("forbidden", "You may not write: a moderator muted you", { re: "typing" }),
  );
  await screen.has("! You may not write");
  assertEquals(screen.prompt, "[x-3] Alice> ");
  for (const room of ["x-2", "x-3"]) {
    refuse(room, "forbidden", `Your token does not let you into ${room}: ask for one that does`);
  }
  await until("the no", () => screen.prompt === "[x-3] Alice (closed)> ");
  chat.line("/window x-2");
  assertEquals(screen.prompt, "[x-2] Alice (closed)> ");
  chat.line("/window x-1");
  assertEquals(screen.prompt, "[x-1] Alice> ");
  refuse("x-1", "too_many_rooms", "You may be in 32 rooms: leave one first");
  await until("the no", () => screen.prompt === "[x-1] Alice (closed)> ");
});

Deno.test("who is nowhere keeps the draft when somebody writes, and takes it along elsewhere", async () => {
  await using scene = await sceneAt("");
  const { chat, connection, screen } = scene;
  screen.draft = "dear diary";
  connection.emit({
    type: "direct",
    sender: "山田 太郎",
    to: "Alice",
    message: "hi",
    timestamp: TIMESTAMP,
  });
  await screen.has("山田 太郎 @you: hi");
  screen.draft = "";
  chat.line("dear diary");
  assertEquals([connection.requests.filter((each) => each.startsWith("direct")), screen.draft], [
    [],
    "dear diary",
  ]);
  chat.chord({ kind: "beside", step: 1 });
  assertEquals([focusOf(scene), screen.draft], ["[@山田 太郎]", "dear diary"]);
});

Deno.test("who is sent away keeps the chat, which sends nothing any more, until /quit", async () => {
  await using scene = await sceneAt("[@jean-luc]");
  const { chat, connection, screen } = scene;
  chat.chord({ kind: "room", number: 1 });
  chat.line("on its way");
  screen.draft = "half typed";
  const away = new ConnectError("rejected", "The hub refused: a moderator kicked you");
  connection.fail(away);
  connection.sent[0]?.fail(away);
  await screen.has("Nothing is sent any more; /quit or Ctrl-C leaves");
  // What the hub never answered is told, and not put in the place of the draft.
  await screen.has("! Perhaps not sent: the connection has ended. The up arrow brings it back");
  assertEquals(screen.draft, "half typed");
  chat.line("/msg jean-luc");
  connection.requests.splice(0);
  const sent = connection.sent.length;
  const lines = ["half typed", "/msg Bob x", "/join doomed", "/join new", "/nick x", "/who lobby"];
  for (const line of lines) {
    screen.draft = "";
    chat.line(line);
    assertStringIncludes(screen.lines.at(-1) ?? "", "! Not connected: The hub refused");
    assertEquals(screen.draft, line);
  }
  assertEquals([connection.requests, connection.sent.length], [[], sent]);
  chat.chord({ kind: "room", number: 1 });
  screen.draft = "for the lobby";
  assertEquals([...chat.drafts].sort(), ["/who lobby", "for the lobby"]);
  chat.line("/quit");
  await assertRejects(() => scene.ended, ConnectError, "kicked you");
});

Deno.test("the chat asks before it sends to somebody else of the same name", async () => {
  for (const name of PEOPLE) {
    await using scene = await ChatHarness.joined({ others: [name], columns: 200 });
    const { chat, connection, screen } = scene;
    const direct = { type: "direct", sender: name, to: "Alice", timestamp: TIMESTAMP } as const;
    const presence = { type: "presence", room: "lobby", online: 2 } as const;
    connection.emit({ ...direct, message: "the code is 1234" });
    chat.line(`/msg "${name}"`);
    chat.line("which one?");
    connection.emit({ ...presence, left: [name] });
    await screen.has(`* ${name} left lobby`);
    connection.emit({ ...presence, joined: [name] });
    await screen.has(
      `* Someone called ${name} is here. It may be another person than before.`,
    );
    connection.requests.splice(0);
    for (const line of ["the secret", `/msg "${name}" the secret`]) {
      chat.line(line);
      assertStringIncludes(screen.lines.at(-1) ?? "", `! Not sent: ${name} may be another person`);
      assertEquals([connection.requests.length, screen.draft], [0, line]);
      screen.draft = "";
      chat.line(line);
      assertEquals(connection.requests.splice(0), [`direct ${name} the secret`]);
      // Once more gone and back, to ask for the other way to say it as well.
      connection.emit({ ...presence, left: [name] }, { ...presence, joined: [name] });
      await scene.settle();
    }
    // Nobody told that he came back, but somebody of the name writes.
    connection.emit({ ...presence, left: [name] }, { ...direct, message: "it is me" });
    await screen.has(`* Someone called ${name} is here. It may be another person than before.`);
  }
});

Deno.test("a name that a token proves before and after is the same person", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  const direct = {
    type: "direct",
    sender: "Bob",
    to: "Alice",
    timestamp: TIMESTAMP,
    account: "Bob",
  } as const;
  connection.emit({ ...direct, message: "hi" });
  await screen.has("Bob✓ @you: hi");
  chat.line("/msg Bob");
  const presence = { type: "presence", room: "lobby", online: 2 } as const;
  connection.emit({ ...presence, left: ["Bob"] }, { ...presence, joined: ["Bob"] });
  connection.emit({ ...direct, message: "back" });
  await screen.has("Bob✓: back");
  assert(!screen.text.includes("another person"), screen.text);
  chat.line("good");
  assertEquals(connection.requests.at(-1), "direct Bob good");
});

Deno.test("a private talk is not mixed with that of an earlier person of the name", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob", "Rob"] });
  const { chat, connection, screen } = scene;
  const direct = { type: "direct", to: "Alice", timestamp: TIMESTAMP } as const;
  const presence = { type: "presence", room: "lobby", online: 2 } as const;
  connection.emit({ ...direct, sender: "Rob", message: "old Rob" });
  connection.emit({ ...direct, sender: "Bob", message: "Bob" });
  connection.emit({ ...presence, left: ["Rob"] });
  connection.emit({ ...presence, renamed: [{ from: "Bob", to: "Rob" }] });
  await scene.settle();
  chat.line("/window @Rob");
  assertStringIncludes(
    screen.text,
    "* Someone called Rob is here. It may be another person than before.",
  );
  assert(!screen.text.includes("Bob: Bob"), screen.text);
  chat.line("hello");
  assertStringIncludes(screen.lines.at(-1) ?? "", "! Not sent: Rob may be another person");
});

Deno.test("a real hub: what is typed when a moderator closes the room reaches nobody", async () => {
  const authorizer = combineAuthorizers([new SecretAuthorizer(["a-moderator"], { admin: true })], {
    open: true,
  });
  await using hub = await startTestHub({ authorizer });
  const order = async (what: string, body: object): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${hub.port}/api/admin/${what}`, {
      method: "POST",
      headers: { authorization: "Bearer a-moderator" },
      body: JSON.stringify(body),
    });
    assertEquals(response.status, 200, await response.text());
  };
  const rooms = [{ room: "lobby" }, { room: "doomed" }];
  await using alice = await ChatUser.at(hub.url, "Alice", { rooms });
  await using bob = await ChatUser.at(hub.url, "山田 太郎", { rooms });
  bob.says("/msg Alice psst");
  await alice.screen.has("山田 太郎 @you: psst");
  alice.says("/join doomed");
  bob.says("/join doomed");
  alice.says("before");
  await bob.screen.has("Alice: before");
  alice.screen.draft = "secret half typed";
  await order("close-room", { room: "doomed", reason: "tidy" });
  await alice.screen.has("! You are no longer in doomed: Room doomed is closed: tidy");
  alice.screen.draft = "";
  alice.says("secret half typed rest");
  assertEquals(alice.screen.draft, "secret half typed rest");
  assertEquals(alice.screen.prompt, "[doomed] Alice (closed)> ");
  alice.says("/join doomed");
  await until("the no", () => alice.screen.lines.at(-1) === "! Room doomed is closed: tidy");
  await order("open-room", { room: "doomed" });
  alice.says("/join doomed");
  await until("the prompt", () => alice.screen.prompt === "[doomed] Alice> ");
  // Nothing of what was read before is shown twice.
  assertEquals(alice.screen.printed.filter((line) => line.endsWith("Alice: before")).length, 1);
  bob.says("/join doomed");
  await until("Bob", () => bob.screen.prompt === "[doomed] 山田 太郎> ");
  alice.says("after");
  await bob.screen.has("Alice: after");
  bob.says("/leave");
  alice.screen.draft = "again half typed";
  await order("kick", { name: "Alice", reason: "spam" });
  // Wrapped.
  const shown = (): string => alice.screen.lines.join(" ").replaceAll(/\s+/g, " ");
  await until("the reason", () => shown().includes("A moderator kicked you: spam"));
  alice.screen.draft = "";
  alice.says("again half typed");
  assertEquals(alice.screen.draft, "again half typed");
  for (const each of ["lobby", "doomed"]) {
    const { messages } = await bob.connection.history(each);
    const texts = messages.map(({ message }) => message);
    assertEquals(texts, each === "lobby" ? [] : ["before", "after"]);
  }
  assert(!bob.screen.printed.some((line) => /half typed/.test(line)));
});

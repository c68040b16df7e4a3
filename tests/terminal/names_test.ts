import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConnectError } from "../../client.ts";
import { type Message, normalizeName, visible } from "../../protocol.ts";
import { VERIFIED_MARK, VERIFIED_WORD } from "../../chat/sender.ts";
import { renderMessage } from "../../terminal/render.ts";
import { plainView } from "../../terminal/view.ts";
import { ChatHarness } from "../kit/chat_harness.ts";
import { chatMessage, connectedEvents, errorFrame, TIMESTAMP } from "../kit/fake_connection.ts";
import { name as anyName } from "../protocol/arbitraries.ts";

/** Names that hubs hand out, that people have, and that mean something to a pattern. */
const NAMES = [
  "Eve-2",
  "jean-luc",
  "zoe-q",
  "a^-]\\b",
  "(.*)",
  "$&",
  "山田 太郎",
  "ＡＬＩＣＥ",
  "-",
];

Deno.test("a chat shows and counts messages for a person of any allowed name", async () => {
  const seen = async (name: string): Promise<void> => {
    await using scene = ChatHarness.unconnected();
    scene.connection.sender = name;
    scene.connection.emit(...connectedEvents(name, [name, "Bob"]));
    scene.receive("Bob", `over here, @${name}`);
    scene.receive(name, "me, too");
    await scene.settle();
    const shown = scene.screen.text;
    assert(shown.includes(`Bob: over here, @${visible(name)}`), shown);
    assert(shown.includes(": me, too"), shown);
    assertEquals(scene.screen.rings, 1, name);
    assertEquals(scene.connection.state, "online");
  };
  for (const name of NAMES) {
    await seen(name);
  }
  await fc.assert(
    fc.asyncProperty(anyName.filter((name) => name !== "Bob" && name.length < 20), seen),
    { numRuns: 60 },
  );
});

Deno.test("a chat remembers the name that was asked for, not what the hub made of it", async () => {
  const names: string[] = [];
  await using scene = ChatHarness.unconnected({
    wanted: "Eve",
    onName: (name) => names.push(name),
  });
  const { chat, connection } = scene;
  const become = async (from: string, to: string): Promise<void> => {
    connection.sender = to;
    connection.emit({ type: "presence", room: "lobby", online: 2, renamed: [{ from, to }] });
    await scene.screen.has(`* You are now ${to}`);
  };
  connection.sender = "Eve-2";
  connection.emit(...connectedEvents("Eve-2", ["Eve", "Eve-2"]));
  await scene.screen.has("* You are Eve-2, because Eve is taken");
  assertEquals(names, ["Eve"]);
  // The hub refuses a name: nothing is remembered, even if it renames the user for another reason.
  chat.line("/nick Bob");
  connection.emit(errorFrame("name_taken", "Somebody is called Bob"));
  await become("Eve-2", "Eve-3");
  assertEquals(names, ["Eve"]);
  chat.line("/nick zoe-q");
  await become("Eve-3", "zoe-q");
  assertEquals(names, ["Eve", "zoe-q"]);
});

Deno.test("a chat remembers no name for a guest until the guest takes one", async () => {
  const names: string[] = [];
  await using scene = ChatHarness.unconnected({ onName: (name) => names.push(name) });
  scene.connection.sender = "guest-ab12";
  scene.connection.emit(...connectedEvents("guest-ab12", ["guest-ab12"]));
  await scene.screen.has("* You are guest-ab12");
  assertEquals(names, []);
});

Deno.test("a chat says how a text comes back that Ctrl-C took away, and stays", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.edited("half a message");
  assertEquals(connection.requests, ["typing lobby true"]);
  chat.discarded();
  assertEquals(connection.requests, ["typing lobby true", "typing lobby false"]);
  assertEquals(screen.status, ["The up arrow brings it back. Ctrl-C again leaves"]);
  assertEquals(connection.state, "online");
});

Deno.test("/rooms and Tab know the rooms of the hub, and do without where it tells none", async () => {
  const report = (room: string, online: number) => ({
    ...{ room, online, messages: 0, last: 0, epoch: "e" },
  });
  let asked = 0;
  let rooms = [report("lobby", 2), report("dev-2", 3), report("a.b_c", 0)];
  await using scene = await ChatHarness.joined({
    hubRooms: () => {
      asked++;
      return rooms.length > 0
        ? Promise.resolve(rooms)
        : Promise.reject(new ConnectError("rejected", "Not for you"));
    },
  });
  const { chat, clock, screen } = scene;
  chat.edited("/join ");
  chat.edited("/join d");
  await scene.settle();
  assertEquals(chat.complete("/join "), [["lobby ", "dev-2 ", "a.b_c "], ""]);
  assertEquals(asked, 1);
  chat.line("/rooms");
  await screen.has(
    "* Other rooms of the hub: dev-2 (3 online), a.b_c (0 online). /join ROOM enters one",
  );
  // What was known stays, and nobody is bothered with a hub that does not tell.
  rooms = [];
  clock.advance(60_000);
  const before = screen.lines.length;
  chat.edited("/who ");
  await scene.settle();
  assertEquals([asked, screen.lines.length], [2, before]);
  assertEquals(chat.complete("/who d"), [["dev-2 "], "d"]);
});

Deno.test("a chat marks names that a token proved, and no name can look marked", async () => {
  await using scene = await ChatHarness.joined({ wanted: "Alice" });
  const { connection, screen } = scene;
  const last = (): string => screen.lines.at(-1)?.replace(/^\[[\d:]+\] /, "") ?? "";
  const shows = async (sender: string, more: Partial<Message>, expected: string): Promise<void> => {
    connection.emit(chatMessage(sender, "hi", { id: ++id, ...more }));
    await scene.settle();
    assertEquals(last(), expected);
  };
  let id = 100;
  await shows("Bob", { account: "Bob" }, "Bob✓: hi");
  await shows("Bob", {}, "Bob: hi");
  // An account proves its own name only.
  await shows("Bob", { account: "Mallory" }, "Bob: hi");
  await shows("Bob", { account: "bob", kind: "action" }, "* Bob✓ hi");
  await shows("Bob✓", {}, "Bob<U+2713>: hi");
  await shows("Bob ✅", { account: "Bob ✅" }, "Bob <U+2705>✓: hi");
  const direct = { type: "direct", to: "Alice", message: "psst", timestamp: TIMESTAMP } as const;
  connection.emit({ ...direct, sender: "Bob", account: "Bob" });
  await screen.has("Bob✓ @you: psst");
  for (const mark of [VERIFIED_MARK, VERIFIED_WORD]) {
    const view = { ...plainView(), stamps: "off", verifiedMark: mark } as const;
    fc.assert(fc.property(anyName, (name) => {
      const marked = renderMessage(chatMessage(name, "hi", { account: name }), view);
      assert(marked.endsWith(`${mark}: hi`), marked);
      // Whatever another is called, it never looks like that.
      const [forged] = [name + mark, `${name} ${mark}`].flatMap((each) =>
        normalizeName(each) ?? []
      );
      if (forged === undefined) return;
      assert(!renderMessage(chatMessage(forged, "hi"), view).endsWith(`${mark}: hi`), forged);
    }));
  }
  // What goes to pipes stays as it was.
  assertEquals(
    renderMessage(chatMessage("Bob✓", "hi", { account: "Bob✓" }), {
      ...plainView(),
      stamps: "off",
    }),
    "Bob✓: hi",
  );
});

Deno.test("a chat sends what is typed as Markdown, in rooms and in private", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection } = scene;
  const directs: unknown[] = [];
  connection.direct = (to, content) => {
    directs.push({ to, ...content });
    return Promise.resolve({
      type: "direct",
      sender: "Alice",
      to,
      timestamp: TIMESTAMP,
      ...content,
    });
  };
  chat.line("a *b*");
  chat.line("/me waves");
  chat.line("/msg Bob `x`");
  assertEquals(connection.sent.map(({ message }) => message), [
    { room: "lobby", message: "a *b*", format: "markdown" },
    { room: "lobby", message: "waves", format: "markdown", kind: "action" },
  ]);
  assertEquals(directs, [{ to: "Bob", message: "`x`", format: "markdown" }]);
});

Deno.test("a chat asks what quit without a slash means", async () => {
  await using scene = await ChatHarness.joined();
  const { chat, connection, screen } = scene;
  chat.line("quit");
  assertEquals(screen.draft, "quit");
  assertEquals(screen.status, ["Leave? Enter leaves; with a space before it, it is a message"]);
  chat.edited(" quit");
  assertEquals(screen.status, []);
  chat.line(" quit");
  assertEquals(connection.sent.map(({ message }) => message.message), [" quit"]);
  connection.sent[0]?.ack();
  await scene.settle();
  chat.line("Exit");
  assertEquals(connection.state, "online");
  chat.line("Exit");
  assertEquals(await scene.ended, 0);
});

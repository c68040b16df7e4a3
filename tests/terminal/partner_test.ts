import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ChatHarness } from "../kit/chat_harness.ts";
import { connectedEvents, TIMESTAMP } from "../kit/fake_connection.ts";
import { ChatUser } from "../kit/chat_user.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

// A private message never goes to somebody else of the same name without a question.

const NAMES = ["Bob", "Zoë J.", "李 小龙", "e\u0301ve-2", "Ω", "עִבְרִית"];
const NOBODY = "No one here is called that: check who is online";

Deno.test("a name that the hub did not know is asked about before it gets the text", async () => {
  for (const name of NAMES) {
    // In none of the user's rooms: nothing tells that they left.
    await using scene = await ChatHarness.joined({ others: [], columns: 200 });
    const { chat, connection, screen } = scene;
    chat.line(`/msg "${name}" hello`);
    chat.line(`/msg "${name}"`);
    connection.refuseDirect = NOBODY;
    chat.line("the secret");
    await screen.has("! Not sent: No one here");
    assertEquals(screen.draft, "the secret");
    connection.requests.splice(0);
    for (const line of ["the secret", `/msg "${name}" the secret`]) {
      screen.draft = "";
      chat.line(line);
      assertStringIncludes(screen.lines.at(-1) ?? "", `! Not sent: ${name} may be another person`);
      assertEquals([connection.requests.length, screen.draft], [0, line]);
      screen.draft = "";
      connection.refuseDirect = NOBODY;
      chat.line(line);
      assertEquals(connection.requests.splice(0), [`direct ${name} the secret`]);
      await until("the refusal", () => screen.draft === "the secret");
    }
    // Somebody of the name writes.
    connection.emit({
      type: "direct",
      sender: name,
      to: "Alice",
      timestamp: TIMESTAMP,
      message: "hi",
    });
    await screen.has(`* Someone called ${name} is here. It may be another person than before.`);
  }
});

Deno.test("a refusal for another reason asks nothing", async () => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  await using alice = await ChatUser.at(hub.url, "Alice");
  await using bob = await ChatUser.at(hub.url, "Bob");
  alice.says("/msg Bob");
  alice.says("x".repeat(3000));
  await alice.screen.has("! Not sent: it is");
  alice.screen.draft = "";
  alice.says("shorter");
  await bob.screen.has("Alice @you: shorter");
});

Deno.test("who is not there after an outage, and comes late, is asked about", async () => {
  for (const [wait, asks] of [[29_000, false], [31_000, true]] as const) {
    await using scene = await ChatHarness.joined({ others: ["Zoë J."], columns: 200 });
    const { chat, connection, screen, clock } = scene;
    chat.line('/msg "Zoë J."');
    await lostAndBack(scene, ["Alice"]);
    clock.advance(wait);
    connection.emit({ type: "presence", room: "lobby", online: 2, joined: ["Zoë J."] });
    await scene.settle();
    const told = "* Someone called Zoë J. is here. It may be another person than before.";
    assertEquals(screen.lines.includes(told), asks, screen.text);
    connection.requests.splice(0);
    chat.line("the secret");
    assertEquals(connection.requests, asks ? [] : ["direct Zoë J. the secret"]);
  }
});

Deno.test("who left, and is in a room that is entered later, is asked about", async () => {
  for (const how of ["joined", "after an outage"]) {
    await using scene = await ChatHarness.joined({ others: ["Bob"], columns: 200 });
    const { chat, connection, screen } = scene;
    chat.line("/msg Bob");
    connection.emit({ type: "presence", room: "lobby", online: 1, left: ["Bob"] });
    await screen.has("* Bob left lobby");
    if (how === "joined") scene.joinRoom("ops", ["Alice", "bob"]);
    else await lostAndBack(scene, ["Alice", "bob"]);
    await screen.has("* Someone called Bob is here. It may be another person than before.");
    connection.requests.splice(0);
    chat.line("the secret");
    assertStringIncludes(screen.lines.at(-1) ?? "", "! Not sent: Bob may be another person");
    assertEquals(connection.requests, []);
  }
});

Deno.test("an outage alone asks nothing", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob"], columns: 200 });
  const { chat, connection, screen } = scene;
  chat.line("/msg Bob");
  await lostAndBack(scene, ["Alice", "Bob"]);
  await scene.settle();
  chat.line("hi");
  assertEquals(connection.requests.at(-1), "direct Bob hi");
  assert(!screen.text.includes("another person"), screen.text);
});

Deno.test("a private talk tells that the other person has another name", async () => {
  await using hub = await startTestHub();
  await using alice = await ChatUser.at(hub.url, "Alice");
  await using bob = await ChatUser.at(hub.url, "Bob", {
    rooms: [{ room: "lobby" }, { room: "ops" }],
  });
  await alice.screen.tells("Bob joined (2 online)");
  alice.says("/join ops");
  await alice.screen.has("in ops:");
  alice.says("/msg Bob hi");
  await bob.screen.has("Alice @you: hi");
  alice.says("/msg Bob");
  bob.says("/nick 太郎");
  await alice.screen.has("* Bob is now 太郎");
  await until("the prompt", () => alice.screen.prompt.startsWith("[@太郎]"));
  alice.says("still you?");
  await bob.screen.has("Alice @you: still you?");
  // Both share two rooms.
  assertEquals(alice.screen.lines.filter((line) => line.includes("is now 太郎")).length, 1);
});

/** The connection breaks, and comes back to a room with these in it. */
async function lostAndBack(scene: ChatHarness, members: readonly string[]): Promise<void> {
  const { connection } = scene;
  connection.emit({ type: "offline", code: 1006, reason: "", retryIn: 1000 });
  for (const event of connectedEvents("Alice", members)) {
    if (event.type === "online") connection.emit({ ...event, reconnected: true });
    else if (event.type === "joined") {
      connection.emit({ ...event, rejoined: true, recovered: true });
    }
  }
  await scene.settle();
}

Deno.test("a room that stops naming its members is counted, and leaves no doubt about people", async () => {
  await using scene = await ChatHarness.joined({ others: ["Bob"] });
  const { chat, connection, screen } = scene;
  const presence = { type: "presence", room: "lobby" } as const;
  chat.line("/msg Bob");
  connection.emit({ ...presence, online: 101 });
  await scene.settle();
  chat.line("/rooms");
  await screen.has("1 lobby (101 online)");
  chat.line("/window 1");
  assertEquals(chat.complete("Bo"), [[], "Bo"]);
  // Speakers are known all the same.
  scene.receive("Carol", "hi");
  await scene.settle();
  assertEquals(chat.complete("Ca"), [["Carol: "], "Ca"]);
  // They are named again, with what changed since the last list that was known.
  connection.emit({ ...presence, online: 3, members: ["Alice", "Bob", "Carol"] });
  connection.emit({ ...presence, online: 2, members: ["Alice", "Dan"] });
  await screen.has("* Bob left (2 online)");
  await screen.has("* Carol left (2 online)");
  await screen.has("* Dan joined (2 online)");
  assert(!screen.text.includes("another person"), screen.text);
  assertEquals(chat.complete("Da"), [["Dan: "], "Da"]);
});

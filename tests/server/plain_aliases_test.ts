import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { type Fields, normalizeName, parseClientFrame, plainFields } from "../../protocol.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";

const said = ({ sender, message }: ReceivedFrame): unknown[] => [sender, message];

/** The output of a client that knows `system` and treats all other frames as messages. */
function print(frame: ReceivedFrame): string {
  const text = frame["message"];
  if (typeof text !== "string") throw new TypeError(`no message in ${JSON.stringify(frame)}`);
  if (Number.isNaN(Date.parse(String(frame["timestamp"])))) throw new TypeError("no timestamp");
  return frame.type === "system" ? `* ${text}` : `${frame["sender"]}: ${text}`;
}

Deno.test("every frame for a plain client has a `message` to print", async () => {
  await using hub = await startTestHub();
  await using old = await TestSocket.open(`${hub.url}?username=Old`);
  const [modern] = await TestSocket.v1(hub.url, { sender: "New", rooms: [{ room: "lobby" }] });
  await using _modern = modern;
  modern.send({ type: "typing", room: "lobby", active: true });
  modern.send({ type: "message", room: "lobby", message: "hi", ref: "1" });
  modern.send({ type: "typing", room: "lobby", active: false });
  modern.send({ type: "direct", to: "Old", message: "psst" });
  await old.next("direct");
  const printed = old.frames.map((frame) => print(JSON.parse(frame)));
  assertEquals(printed[0], "Old: Welcome! 1 online");
  for (const line of ["New: New is typing", "New: hi", "New: New stopped typing", "New: psst"]) {
    assertEquals(printed.filter((each) => each === line).length, 1, line);
  }
});

Deno.test("the welcome of a plain client counts the members of each room", async () => {
  await using hub = await startTestHub();
  await using _bob = await TestSocket.plain(hub.url, "Bob");
  await using alice = await TestSocket.open(`${hub.url}?room=lobby&room=dev`);
  assertEquals(
    (await alice.next("welcome"))["message"],
    "Welcome! 2 online in lobby, 1 online in dev",
  );
});

Deno.test("names of types and fields from other chat servers are understood", async () => {
  await using hub = await startTestHub();
  await using reader = await TestSocket.plain(hub.url, "Reader");
  await using old = await TestSocket.open(hub.url);
  const frames: readonly Fields[] = [
    { type: "chat", content: "one", username: "Old" },
    { message: "two", sender: "Old" },
    { text: "three", user: "Old" },
    { type: null, content: "four" },
    { type: "message", message: "five", content: "not this", text: "nor this" },
    { data: [6] },
  ];
  const seen: unknown[] = [];
  for (const frame of frames) {
    old.send(frame);
    seen.push(said(await reader.next("message")));
  }
  assertEquals(seen, [
    ...["one", "two", "three", "four", "five"].map((text) => ["Old", text]),
    ["Old", undefined],
  ]);
  old.send({ type: "typing", typing: true });
  assertEquals((await reader.next("typing"))["room"], "lobby");
  old.send({ type: "who" });
  assertEquals((await old.next("members"))["members"], ["Reader", "Old"]);
  old.send({ type: "history", limit: 1 });
  assertEquals((await old.next("history"))["messages"], reader.all("message").slice(-1));
  old.send({ content: 5 });
  assertMatch(String((await old.next("error"))["message"]), /^"type" is missing: send one of /);
});

for (const parameter of ["sender", "name", "username"]) {
  Deno.test(`?${parameter}= names a client without a subprotocol`, async () => {
    await using hub = await startTestHub();
    await using old = await TestSocket.open(`${hub.url}?${parameter}=jean-luc`);
    assertEquals((await old.next("welcome"))["sender"], "jean-luc");
    await using lines = await TestSocket.open(`${hub.url}?format=text&${parameter}=zoë`);
    await lines.line(/^\* You are zoë\./);
  });
}

Deno.test("a changed sender renames the client; a taken name is refused", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await alice.next("system", ({ message }) => /Bob joined/.test(String(message)));
  bob.send({ message: "hi", sender: "Robert" });
  assertEquals(said(await alice.next("message")), ["Robert", "hi"]);
  await alice.next("system", ({ message }) => message === "Bob is now Robert");
  bob.send({ message: "lost?", sender: "ALICE", ref: 7 });
  const refused = await bob.next("error");
  assertEquals([refused["code"], refused["ref"]], ["name_taken", 7]);
  bob.send({ message: "again", sender: "Robert" });
  assertEquals(said(await alice.next("message")), ["Robert", "again"]);
});

Deno.test("a client that got a similar name may keep signing with the name it asked for", async () => {
  await using hub = await startTestHub();
  await using first = await TestSocket.plain(hub.url, "Alice");
  await using second = await TestSocket.open(hub.url);
  for (const message of ["one", "two"]) {
    second.send({ type: "message", message, sender: "alice" });
    assertEquals(said(await first.next("message")), ["alice-2", message]);
  }
});

Deno.test("a client with a token's name cannot sign with another", async () => {
  await using hub = await startTestHub({ authorizer: tokenIsName });
  await using alice = await TestSocket.open(`${hub.url}?token=Alice`);
  alice.send({ message: "hi", sender: "Bob" });
  assertEquals((await alice.next("error"))["code"], "forbidden");
  alice.send({ message: "hi", sender: "Alice" });
  assertEquals(said(await alice.next("message")), ["Alice", "hi"]);
});

Deno.test("`plainFields()` leaves frames of this protocol unchanged", () => {
  const name = fc.string({ unit: "grapheme" }).filter((text) => normalizeName(text) !== undefined);
  const message = fc.record({
    type: fc.constant("message"),
    message: fc.string({ unit: "grapheme", minLength: 1 }),
    sender: name,
    room: fc.constant("a"),
  });
  fc.assert(fc.property(message, (frame) => {
    const text = JSON.stringify(frame);
    assertEquals(
      parseClientFrame(text, undefined, (fields) => plainFields(fields, "b")),
      parseClientFrame(text),
    );
  }));
});

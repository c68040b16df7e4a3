import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { ChatUser } from "../kit/chat_user.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

Deno.test("two people talk in rooms and in private through a real hub", async () => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  await using alice = await ChatUser.at(hub.url, "Alice");
  await using bob = await ChatUser.at(hub.url, "Bob");
  await alice.screen.tells("Bob joined (2 online)");
  bob.says("hello");
  await alice.screen.has("Bob: hello");
  assertEquals(alice.screen.lines.at(-2), "* Bob joined (2 online)");

  bob.chat.edited("I am");
  await alice.screen.tells("Bob is typing…");
  bob.says("I am here");
  await until("no typing", () => alice.screen.status.every((row) => !row.includes("typing")));

  alice.says("/join ops");
  await alice.screen.has("1 in ops: Alice");
  bob.says("@alice, where are you?");
  await alice.screen.tells("1:lobby 1 mention");
  assertEquals(alice.screen.rings, 1);
  alice.says("/msg Bob in ops");
  await alice.screen.has("you @Bob: in ops");
  await bob.screen.has("Alice @you: in ops");
  bob.says("/reply coming");
  await alice.screen.has("Bob @you: coming");
  bob.says("/join ops");
  // With whom one talks in private is no stranger: a line of its own.
  await alice.screen.has("* Bob joined (2 online)");
  bob.says("/nick Rob");
  await bob.screen.has("You are now Rob");
  await until("the new name", () => alice.chat.complete("/msg R")[0].includes("Rob "));
  alice.says("/msg Rob still you?");
  await bob.screen.has("Alice @you: still you?");
  alice.says("/rooms");
  assertEquals(alice.screen.lines.slice(-3), [
    "* 1 lobby (2 online, 1 unread, 1 mention)",
    "  2 ops (2 online, you are here)",
    // Read in one line, and answered.
    "  3 @Rob",
  ]);

  alice.says("/msg Nobody hi");
  await alice.screen.has("! Not sent: ");
  assertEquals(alice.screen.draft, "/msg Nobody hi");
  alice.says("x".repeat(3000));
  assertStringIncludes(alice.screen.text, "bytes too long, 2,048 are allowed");
  alice.says("/status");
  await alice.screen.has("private conversation");
  alice.says("/quit");
  assertEquals(await alice.ended, 0);
});

Deno.test("what is counted while typing is what a real hub takes", async () => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  await using alice = await ChatUser.at(hub.url, "Alice");
  alice.screen.draft = "y".repeat(1900);
  alice.chat.edited(alice.screen.draft);
  const [, bytes = ""] = /([\d,]+) of 2,048 bytes/.exec(alice.screen.status.join()) ?? [];
  const room = 2048 - Number(bytes.replace(",", ""));
  alice.screen.draft = "";
  alice.says("y".repeat(1900 + room));
  await alice.screen.has("Alice: yyy");
  alice.says("z".repeat(1901 + room));
  assertStringIncludes(alice.screen.text, "! Not sent: it is 1 byte too long, 2,048 are allowed");
});

Deno.test("a hub that goes and comes back loses nothing of what was said", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  let hub = await startTestHub({ path });
  const { url, port } = hub;
  try {
    await using alice = await ChatUser.at(url, "Alice");
    await using bob = await ChatUser.at(url, "Bob");
    alice.says("before");
    await bob.screen.has("Alice: before");
    await hub.stop();
    await alice.screen.tells("Reconnecting");
    await until("the prompt", () => alice.screen.prompt === "[lobby] Alice (offline)> ");
    alice.says("meanwhile");
    assertStringIncludes(alice.screen.status.join("\n"), "… meanwhile (waiting for the hub)");
    hub = await startTestHub({ path, port });
    await bob.screen.has("Alice: meanwhile");
    await alice.screen.has("Alice: meanwhile");
    await until("no status", () => alice.screen.prompt === "[lobby] Alice> ");
    const talk = alice.screen.lines.filter((line) => /Alice: (?:before|meanwhile)/.test(line));
    assertEquals(talk.length, 2);
    assert(alice.screen.lines.some((line) => line.startsWith("* Connected again after ")));
    alice.says("/search MEAN*");
    await alice.screen.has('* 1 message with "MEAN*" in lobby:');
    alice.says(`/export ${folder.path}/talk.md`);
    await alice.screen.has("Wrote 2 messages of lobby");
    const text = await Deno.readTextFile(`${folder.path}/talk.md`);
    assert(
      /^# \\#lobby\n\n## [\d-]+\n\n- [\d:]+ \*\*Alice:\*\* before\n- .* meanwhile\n$/.test(text),
      text,
    );
  } finally {
    await hub.stop();
  }
});

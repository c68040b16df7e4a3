import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { connect } from "../../client.ts";
import { assertFixture, timeless } from "../kit/fixture.ts";
import { errorFrame } from "../kit/fake_connection.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { startHubProcess } from "../kit/process.ts";
import { joined, message, ScriptedHub } from "../kit/scripted_hub.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { TmuxChat } from "../kit/tmux_chat.ts";
import { tmuxIsMissing } from "../kit/tmux.ts";
import { until } from "../kit/wait.ts";

const ignore = tmuxIsMissing();
const LARGE = { columns: 80, rows: 24 };
const SMALL = { columns: 40, rows: 12 };

Deno.test({
  name: "a scene: rooms with unread messages and a private talk, by Alt-1, Alt-2 and Alt-a",
  ignore,
  fn: async () => {
    await using hub = await startTestHub();
    const { url } = hub;
    const rooms = [{ room: "lobby" }, { room: "ops" }];
    const args = ["--room", "lobby", "--room", "ops"];
    await using bob = connect({ url, sender: "Bob", rooms, echo: false });
    await until("Bob", () => bob.state === "online");
    await using carol = connect({ url, sender: "Carol", rooms, echo: false });
    await until("Carol", () => carol.state === "online");
    await using scene = await TmuxChat.open({ ...LARGE, url, args });
    const { terminal } = scene;
    await bob.send({ room: "lobby", message: "good morning, Alice" });
    await carol.send({ room: "lobby", kind: "action", message: "waves" });
    await scene.say("good morning");
    await terminal.shows(/Alice: good morning\n\[lobby\] Alice>$/);
    await terminal.type("not yet said here");
    for (const text of ["deploying 1.4", "it takes a minute", "done"]) {
      await bob.send({ room: "ops", message: text });
    }
    await terminal.shows(/^2:ops 3 unread\n\[lobby\] Alice> not yet said here$/m);
    await carol.direct("Alice", { message: "lunch?" });
    await terminal.shows(/^2:ops 3 unread, 3:@Carol 1 private\n.* not yet said here$/m);

    // What is for her alone comes first.
    await terminal.press("M-a");
    await terminal.shows(
      /── 1 unread line ─+\n.* Carol: lunch\?\n2:ops 3 unread\n\[@Carol\] Alice>$/,
    );
    await scene.say("at noon");
    await terminal.shows(/Alice: at noon\n2:ops 3 unread\n\[@Carol\] Alice>$/);
    await terminal.press("M-a");
    await terminal.shows(/── 3 unread lines ─[^]*Bob: done\n\[ops\] Alice>$/);
    await bob.send({ room: "lobby", message: "@Alice, have you seen it?" });
    const screen = await terminal.shows(/^1:lobby 1 mention\n\[ops\] Alice>$/m);
    await assertFixture("rooms", timeless(screen));

    await terminal.press("M-1");
    const lobby = await terminal.shows(/have you seen it\?\n\[lobby\] Alice> not yet said here$/);
    assert(!/deploying|noon/.test(lobby), lobby);
    await assertFixture("lobby", timeless(lobby));
    await terminal.press("M-2");
    // Read, and yet there.
    const ops = await terminal.shows(/Bob: done\n\[ops\] Alice>$/);
    assert(!ops.includes("unread"), ops);
    await terminal.press("M-9");
    await terminal.shows(/^There is no room 9: .*\n\[ops\] Alice>$/m);
  },
});

Deno.test({
  name: "a scene: a hub is killed and started again in mid-word",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    const first = await startHubProcess(["--data", folder.path]);
    await using killed = first.program;
    const { url } = first;
    await using scene = await TmuxChat.open({ ...LARGE, url });
    const { terminal } = scene;
    await scene.say("before");
    await terminal.shows(/Alice: before\n\[lobby\] Alice>$/);
    await terminal.type("half a wo");
    await terminal.shows(/Alice> half a wo$/);
    killed.kill("SIGKILL");
    await terminal.shows(/^Reconnecting.*\n\[lobby\] Alice \(offline\)> half a wo$/m);
    await scene.say("rd");
    await terminal.shows(/^… half a word \(.*\n.*\n\[lobby\] Alice \(offline\)>$/m);
    await terminal.type("and anoth");
    await terminal.shows(/\(offline\)> and anoth$/);

    const { port } = new URL(url);
    const second = await startHubProcess(["--data", folder.path], { port: Number(port) });
    await using _started = second.program;
    const end = /Connected again[^]*Alice: half a word\n\[lobby\] Alice> and anoth$/;
    await terminal.shows(end);
    await scene.say("er");
    await terminal.shows(/Alice: and another\n\[lobby\] Alice>$/);
    await using bob = connect({ url, sender: "Bob" });
    const { messages } = await bob.history("lobby", { limit: 10 });
    assertEquals(messages.map((each) => each.message), ["before", "half a word", "and another"]);
  },
});

/** What would erase the screen, set the title, ring, move, turn the text around, or forge a line. */
const EVIL = "\x1b[2J\x1b]0;title\x07\x1b[H\u202e\r\n[10:30:40] Alice: I quit";

Deno.test({
  name: "a scene: whatever a hub and its people send, they draw nothing but text",
  ignore,
  fn: async () => {
    await using hub = new ScriptedHub();
    await using stack = new AsyncDisposableStack();
    const opening = TmuxChat.open({ ...LARGE, url: hub.url })
      .then((opened) => stack.use(opened));
    const timestamp = "2026-01-02T03:04:05.678Z";
    const evil = { sender: "E\x1b[1A\x1b[2Kve", timestamp };
    const side = await hub.welcome({
      rooms: [joined("lobby", { online: 2, members: ["Alice", evil.sender] })],
    });
    const { terminal } = await opening;
    await terminal.type("a draft");
    side.say(
      message(1, "lobby", "harmless"),
      { type: "message", room: "lobby", id: 2, ...evil, message: EVIL },
      { type: "message", room: "lobby", id: 3, ...evil, kind: "action", message: EVIL },
      { type: "message", room: "lobby", id: 4, ...evil, data: { [EVIL]: EVIL } },
      message(5, "lobby", " ".repeat(63) + "[10:30:40] Alice: I quit"),
      { type: "direct", to: "Alice", ...evil, message: EVIL },
      { type: "presence", room: "lobby", online: 3, joined: [EVIL] },
      { type: "system", event: "notice", message: EVIL, timestamp },
      errorFrame("internal", EVIL),
      { type: "typing", room: "lobby", sender: evil.sender, active: true },
    );
    await assertFixture(
      "attacks",
      await terminal.shows(/is typing…\n.*\n\[lobby\] Alice> a draft$/),
    );
    assertEquals(await terminal.title(), "untouched");
    side.close(1012, EVIL);
    await terminal.shows(/Reconnecting.*␛\[2J.*\n.*\n\[lobby\] Alice \(offline\)> a draft$/);
  },
});

Deno.test({
  name: "a scene: a small screen, with completion, a paste, a flood of messages and another size",
  ignore,
  fn: async () => {
    await using hub = await startTestHub({ limits: { rate: 10_000, burst: 10_000 } });
    const { url } = hub;
    await using scene = await TmuxChat.open({ ...SMALL, url });
    const { terminal } = scene;
    await using bob = connect({ url, sender: "Bob", echo: false });
    await using _alfred = connect({ url, sender: "Alfred", echo: false });
    await terminal.shows(/Alfred/);
    await bob.send({ message: "Hallo 天地玄黄, this is a line of more than one row 👋🏽" });
    await terminal.shows(/one row/);

    await terminal.type("Al");
    await terminal.press("Tab");
    await terminal.shows(/^\[lobby\] Alice> Alfred:$/m);
    await scene.say("look:");
    await terminal.shows(/Alice: Alfred: look:\n\[lobby\] Alice>$/);

    await terminal.paste("one\ntwo\nthree\nfour\nfive\nsix\nseven");
    await terminal.press("Enter");
    await terminal.shows(/^Send 7 lines at once\? Enter sends\n> three\n(?:.*\n){3}> seven$/m);
    await terminal.press("Enter");
    await terminal.shows(/Alice: one\n( {11}\w+\n){6}\[lobby\] Alice>$/);
    const { messages: [last] } = await bob.history("lobby", { limit: 1 });
    assertEquals(last?.message, "one\ntwo\nthree\nfour\nfive\nsix\nseven");

    const words = Array.from({ length: 20 }, (_, n) => `w${n} `);
    let sent = 0;
    for (const word of words) {
      // More than 200 a second: a word takes some milliseconds.
      await Promise.all([
        terminal.type(word),
        ...Array.from({ length: 10 }, () => bob.send({ message: `flood ${sent++}` })),
      ]);
    }
    await terminal.shows(/flood 199\n\[lobby\] Alice> w0 (?:.*\n){2}.* w19$/);
    await assertFixture("small", timeless(await terminal.screen()));
    const all = await terminal.everything();
    const floods = Array.from(all.matchAll(/Bob: flood (\d+)$/gm), ([, number]) => Number(number));
    assertEquals(floods, Array.from({ length: 200 }, (_, n) => n));

    await terminal.resize(80, 24);
    const large = await terminal.shows(/flood 199\n\[lobby\] Alice> w0 .*\n w19$/);
    assertStringIncludes(large, "flood 181");
    await terminal.press("Enter");
    await until("the draft", async () => {
      const { messages: [said] } = await bob.history("lobby", { limit: 1 });
      return said?.message === words.join("").trimEnd();
    });
  },
});

Deno.test({
  name: "a scene: a moderator closes a room, and then sends away, who is typing in it",
  ignore,
  fn: async () => {
    const authorizer = combineAuthorizers(
      [new SecretAuthorizer(["a-moderator"], { admin: true })],
      {
        open: true,
      },
    );
    await using hub = await startTestHub({ authorizer });
    const { url } = hub;
    const order = async (what: string, body: object): Promise<void> => {
      const response = await fetch(`http://127.0.0.1:${hub.port}/api/admin/${what}`, {
        method: "POST",
        headers: { authorization: "Bearer a-moderator" },
        body: JSON.stringify(body),
      });
      assertEquals(response.status, 200, await response.text());
    };
    const rooms = [{ room: "lobby" }, { room: "doomed" }];
    await using bob = connect({ url, sender: "Bob", rooms });
    await until("Bob", () => bob.state === "online");
    const args = ["--room", "lobby", "--room", "doomed"];
    await using scene = await TmuxChat.open({ ...LARGE, url, args });
    const { terminal } = scene;
    await bob.direct("Alice", { message: "psst" });
    await terminal.press("M-2");
    await terminal.shows(/^\[doomed\] Alice>$/m);
    await terminal.type("secret half typed");
    await order("close-room", { room: "doomed", reason: "tidy" });
    await terminal.shows(
      /^! You are no longer in doomed: Room doomed is closed: tidy[^]*^\[doomed\] Alice \(closed\)> secret half typed$/m,
    );
    await scene.say(" rest");
    await terminal.shows(
      /^! Not sent: you are not in doomed: Room doomed is closed: tidy[^]*> secret half typed rest$/m,
    );
    await order("kick", { name: "Alice", reason: "spam" });
    await terminal.shows(/^! The hub [^]*kicked\s+you:\s+spam[^]*> secret half typed rest$/m);
    // Not to the shell, either.
    await scene.say("; echo $((6*7))");
    await terminal.shows(/^! Not sent[^]*> secret half typed rest; echo \$\(\(6\*7\)\)$/m);
    const { messages } = await bob.history("lobby");
    assertEquals(messages, []);
    await scene.say("");
    await terminal.press("C-u");
    await scene.say("/quit");
    await terminal.shows(/^READY$/m);
    const all = await terminal.everything();
    assertMatch(all, /kicked\s+you:\s+spam/);
    assert(!/^42$/m.test(all), all);
  },
});

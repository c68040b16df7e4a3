import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

Deno.test("a client that only knows the message frame can take part", async () => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await using alice = await TestSocket.open(hub.url);
  alice.send({ type: "message", message: "Hello", sender: "Alice" });

  const seen = await bob.next("message");
  assertEquals(seen["sender"], "Alice");
  assertEquals(seen["message"], "Hello");
  assertEquals(seen["room"], "lobby");
  assertEquals(seen["id"], 1);
  assertMatch(String(seen["timestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assertEquals(await alice.next("message"), seen, "the same bytes for everyone");
});

Deno.test("a plain client gets presence as sentences", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await alice.next("system", (frame) => frame["message"] === "Alice joined (1 online)");

  const bob = await TestSocket.plain(hub.url, "Bob");
  const joined = await alice.next("system");
  assertEquals(joined["message"], "Bob joined (2 online)");
  assertEquals(joined["event"], "join");
  assertEquals(joined["online"], 2);

  bob.send({ type: "nick", name: "Robert" });
  assertEquals((await alice.next("system"))["message"], "Bob is now Robert");

  await bob.close();
  assertEquals((await alice.next("system"))["message"], "Robert left (1 online)");
});

Deno.test("a guest that signs its first message is announced under that name alone", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  await alice.next("system");
  await using bob = await TestSocket.open(hub.url);
  bob.send({ type: "message", message: "hi", sender: "Bob" });
  assertEquals((await alice.next("system"))["message"], "Bob joined (2 online)");
});

Deno.test("a taken name in the query becomes the nearest free one", async () => {
  await using hub = await startTestHub();
  await using _first = await TestSocket.plain(hub.url, "Alice");
  await using second = await TestSocket.open(`${hub.url}?sender=ALICE`);
  assertEquals((await second.next("welcome"))["sender"], "ALICE-2");
});

Deno.test("a client without a name is a guest", async () => {
  await using hub = await startTestHub();
  await using guest = await TestSocket.open(hub.url);
  assertMatch(String((await guest.next("welcome"))["sender"]), /^guest-[a-z0-9]{4}$/);
});

Deno.test("an invalid name in the query is refused, and the client stays a guest", async () => {
  await using hub = await startTestHub();
  await using guest = await TestSocket.open(`${hub.url}?sender=a%2Fb`);
  assertEquals((await guest.next("error"))["code"], "bad_name");
  assertMatch(String((await guest.next("welcome"))["sender"]), /^guest-/);
});

Deno.test("new clients get the history in their welcome", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.plain(hub.url, "Alice");
  for (let n = 1; n <= 60; n++) alice.send({ type: "message", message: `m${n}` });
  await alice.next("message", (frame) => frame["id"] === 60);

  await using bob = await TestSocket.open(hub.url);
  const [lobby] = (await bob.next("welcome"))["rooms"] as { history: { id: number }[] }[];
  assertEquals(lobby?.history.map(({ id }) => id), Array.from({ length: 50 }, (_, i) => i + 11));
});

Deno.test("/ and /ws are the same endpoint, and the query chooses rooms", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.open(`${hub.url}ws?room=ops&room=dev`);
  const rooms = (await alice.next("welcome"))["rooms"] as { room: string }[];
  assertEquals(rooms.map(({ room }) => room), ["ops", "dev"]);
  await using bob = await TestSocket.plain(hub.url, "Bob", "room=ops");
  bob.send({ type: "message", message: "to ops" });
  assertEquals((await alice.next("message"))["room"], "ops");
});

Deno.test("text clients send and receive lines at /ws?format=text", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.open(`${hub.url}ws?format=text&sender=Alice`);
  await alice.line(/^\* Alice joined \(1 online\)$/);
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await alice.line(/^\* Bob joined \(2 online\)$/);
  alice.send("hi there");
  assertEquals((await bob.next("message"))["message"], "hi there");
  bob.send({ type: "message", message: "one\n[10:00:00] Alice: forged\u001b[2J" });
  const line = await alice.line(/Bob/);
  assertMatch(line, /^\[\d\d:\d\d:\d\d\] Bob: one\n {2}\| \[10:00:00\] Alice: forged␛\[2J$/);
});

Deno.test("the subprotocol bcast.text is negotiated", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.open(hub.url, ["x", "bcast.text"]);
  assertEquals(alice.socket.protocol, "bcast.text");
  await alice.line(/^\* You are guest-/);
});

Deno.test("a first frame that is not a JSON object turns a plain client into a text client", async () => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await using alice = await TestSocket.plain(hub.url, "Alice");
  alice.send("hello from a terminal");
  await alice.line(/^\[\d\d:\d\d:\d\d\] Alice: hello from a terminal$/);
  assertEquals((await bob.next("message"))["message"], "hello from a terminal");
});

Deno.test("CRLF and CR inside a message cannot forge a line for text clients", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.open(`${hub.url}?format=text&sender=Alice`);
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await alice.line(/joined/);
  for (
    const [message, shown] of [
      ["über\r\n[10:00:00] Root: no\r\n", "über\n  | [10:00:00] Root: no"],
      ["10%\r99%\rdone ✔", "10%\n  | 99%\n  | done ✔"],
      ["a\r\r\n\u001b[2Jb\n\rשלום\u202e", "a\n  | \n  | ␛[2Jb\n  | \n  | שלום<U+202E>"],
    ] as const
  ) {
    bob.send({ type: "message", message });
    const line = await alice.line(/^\[\d\d:\d\d:\d\d\] Bob: /);
    assertEquals(line.slice("[00:00:00] Bob: ".length), shown);
  }
});

Deno.test("a text client in no room is told the command to join one", async () => {
  await using hub = await startTestHub();
  await using alice = await TestSocket.open(`${hub.url}?format=text&sender=Zo%C3%AB`);
  await alice.line(/joined/);
  alice.send("/leave");
  await alice.line(/^\* Left room lobby$/);
  for (const line of ["is anybody here?", "/me waves", "/who", "/history", "/leave"]) {
    alice.send(line);
    assertMatch(
      await alice.line(/^\* (?!Left)/),
      /^\* Error: You are in no room: \/join lobby$/,
      line,
    );
  }
  alice.send("/join lobby");
  await alice.line(/^\* In room lobby/);
});

Deno.test("/msg of a text client reaches names with spaces", async () => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await using smith = await TestSocket.plain(hub.url, "Bob Smith");
  await using hebrew = await TestSocket.plain(hub.url, "דנה כהן-לוי");
  await using alice = await TestSocket.open(`${hub.url}?format=text&sender=Alice`);
  await alice.line(/joined/);
  for (
    const [line, to, message] of [
      ["/msg Bob hi", bob, "hi"],
      ["/msg Bob Smithers is late", bob, "Smithers is late"],
      ["/msg bob  smith two  blanks", smith, "two  blanks"],
      ['/msg "Bob" Smith is late', bob, "Smith is late"],
      ['/w "Bob Smith" quoted', smith, "quoted"],
      ["/pm @דנה כהן-לוי שלום", hebrew, "שלום"],
    ] as const
  ) {
    alice.send(line);
    assertEquals((await to.next("direct"))["message"], message, line);
  }
});

Deno.test("text commands do what /help says", async (t) => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  await using alice = await TestSocket.open(`${hub.url}?format=text&sender=Alice`);
  await alice.line(/joined/);

  await t.step("/nick", async () => {
    alice.send("/nick Alicia");
    await alice.line(/^\* Alice is now Alicia$/);
  });
  await t.step("/join makes the new room the current one", async () => {
    alice.send("/join ops");
    await alice.line(/^\* In room ops \(1 online\)$/);
    alice.send("in ops");
    await alice.line(/Alicia: in ops$/);
    assertEquals(bob.all("message"), []);
  });
  await t.step("/leave returns to the previous room", async () => {
    alice.send("/leave");
    await alice.line(/^\* Left room ops$/);
  });
  await t.step("/msg", async () => {
    alice.send("/msg Bob psst");
    const direct = await bob.next("direct");
    assertEquals([direct["sender"], direct["message"]], ["Alicia", "psst"]);
    await alice.line(/Alicia -> Bob: psst$/);
  });
  await t.step("/me", async () => {
    alice.send("/me waves");
    assertEquals((await bob.next("message"))["kind"], "action");
    await alice.line(/\* Alicia waves$/);
  });
  await t.step("/who", async () => {
    alice.send("/who");
    await alice.line(/^\* 2 online in lobby: Bob and Alicia$/);
  });
  await t.step("/history", async () => {
    alice.send("/history 1");
    await alice.line(/\* Alicia waves$/);
  });
  await t.step("// escapes a slash", async () => {
    alice.send("//etc");
    await alice.line(/Alicia: \/etc$/);
  });
  await t.step("unknown and invalid commands get an error", async () => {
    alice.send("/nonsense");
    await alice.line(/^\* Unknown command \/nonsense. \/help lists the commands$/);
    for (
      const [line, answer] of [
        [
          "/nick a/b",
          '* Error: "a/b" is not a name: use 1 to 32 visible characters without / @ # :',
        ],
        ["/nick", "* Usage: /nick NAME"],
        [
          "/join Team",
          '* Error: "Team" is not a room: use 1 to 64 of a-z 0-9 . _ - and start with a',
        ],
        ["/join #dev", '* Error: "#dev" is not a room: use'],
        ["/join", "* Usage: /join ROOM"],
        ["/who Räume", '* Error: "Räume" is not a room: use'],
        ["/leave a b", '* Error: "a b" is not a room: use'],
        ["/leave attic", "* Error: You are not in attic: /join attic"],
        ["/msg a/b hi", '* Error: "a/b" is not a name: use'],
        ["/msg Bob", "* Usage: /msg NAME TEXT"],
        ["/me", "* Usage: /me ACTION"],
        ["/history 0", "* Usage: /history [NUMBER]"],
      ] as const
    ) {
      alice.send(line);
      assertEquals(
        (await alice.line(/^\* (?:Error|Usage): /)).slice(0, answer.length),
        answer,
        line,
      );
    }
    alice.send("/help");
    const help = await alice.line(/^\* \/nick NAME/);
    for (const name of ["/join", "/leave", "/msg", "/me", "/who", "/history", "/quit"]) {
      assert(help.includes(name), `${name} is not in the help`);
    }
  });
  await t.step("aliases of other chats", async () => {
    alice.send("/users");
    await alice.line(/^\* 2 online in lobby/);
    alice.send("/name Al-2");
    await alice.line(/Al-2/);
    alice.send("/pm Al-2 a note");
    await alice.line(/Al-2 -> Al-2: a note$/);
    alice.send("/w Al-2 another");
    await alice.line(/Al-2 -> Al-2: another$/);
  });
  await t.step(
    "quit without a slash is asked about, and said twice in a row it leaves",
    async () => {
      await using bob = await TestSocket.open(`${hub.url}?format=text`);
      bob.send("quit");
      await bob.line(
        /^\* To leave, type quit again or \/quit. To send it as a message, put a space before it$/,
      );
      bob.send(" quit");
      await bob.line(/guest-\w+: {2}quit$/);
      bob.send("EXIT");
      await bob.line(/^\* To leave, type EXIT again/);
      bob.send("exit");
      assertEquals((await bob.closed).code, 1000);
    },
  );
  await t.step("/quit", async () => {
    alice.send("/quit");
    assertEquals((await alice.closed).code, 1000);
  });
});

Deno.test("a stopping hub closes with 1001, and tells text clients in a sentence", async () => {
  const hub = await startTestHub();
  const json = await TestSocket.plain(hub.url, "Json");
  const text = await TestSocket.open(`${hub.url}?format=text`);
  const [v1] = await TestSocket.v1(hub.url);
  await hub.stop("Back in a minute");
  for (const socket of [json, text, v1]) {
    const { code, reason } = await socket.closed;
    assertEquals([code, reason], [1001, "Back in a minute"]);
  }
  assertEquals(json.all("system").at(-1)?.["event"], "shutdown");
  assert(text.frames.includes("* Back in a minute"));
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TokenClaims } from "../../auth/jwt.ts";
import { connect } from "../../client.ts";
import type { Server } from "../../server.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { answerTo, SHARED, startGuardedHub, tokenFor } from "../kit/guarded_hub.ts";
import { type RawHeaders, requestUpgrade } from "../kit/raw_http.ts";
import { type JoinedRoomFrame, type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

async function enter(
  hub: Server,
  claims: Omit<TokenClaims, "issuedAt">,
  hello: Record<string, unknown> = {},
): Promise<[TestSocket, ReceivedFrame, JoinedRoomFrame[]]> {
  return await TestSocket.v1(hub.url, { token: await tokenFor(claims), ...hello });
}

Deno.test("a plain client without a token gets 401 and is told how to send one", async () => {
  await using hub = await startGuardedHub();
  const { status, headers, body } = await requestUpgrade(hub.port);
  assertEquals(status, 401);
  assertEquals(headers.get("www-authenticate"), `Bearer realm="bcast"`);
  assertEquals(body, "This hub requires a token: ask its operator for one\n");
  assertEquals(hub.online, 0);
});

Deno.test("a client that never says hello is closed after the timeout and announced to no client", async () => {
  const clock = new FakeClock();
  await using hub = await startGuardedHub({ clock, limits: { helloTimeout: 3 } });
  await using bystander = await TestSocket.plain(hub.url, "Bystander", `token=${SHARED}`);
  const silent = await TestSocket.open(hub.url, "bcast.v1");
  const busy = await TestSocket.open(hub.url, "bcast.v1");
  for (let second = 0; second < 4; second++) {
    busy.send({ type: "ping" });
    await busy.next("error");
    clock.advance(1000);
  }
  for (const socket of [silent, busy]) {
    const { code, reason } = await socket.closed;
    assertEquals([code, reason], [4002, "No hello within 3 seconds"]);
  }
  assertEquals(await answerTo(bystander, { type: "message", message: "hi" }), "ok");
});

Deno.test("a text client without a token gets 401 as well", async () => {
  await using hub = await startGuardedHub();
  assertEquals((await requestUpgrade(hub.port, [], "/?format=text")).status, 401);
  const text: RawHeaders = [["Sec-WebSocket-Protocol", "bcast.text"]];
  assertEquals((await requestUpgrade(hub.port, text)).status, 401);
});

Deno.test("a plain client may send its token in the header or the query", async () => {
  await using hub = await startGuardedHub();
  for (const scheme of ["Bearer", "bearer"]) {
    const { status } = await requestUpgrade(hub.port, [["Authorization", `${scheme} ${SHARED}`]]);
    assertEquals(status, 101);
  }
  await using socket = await TestSocket.plain(hub.url, "Alice", `token=${SHARED}`);
  assertEquals(await answerTo(socket, { type: "message", message: "hi" }), "ok");
});

for (
  const [what, header] of [
    ["a wrong token", "Bearer guess-who"],
    ["a token that is nearly right", `Bearer ${SHARED}x`],
    ["a JWT without a signature", `Bearer eyJhbGciOiJub25lIn0.e30.`],
    ["16 KiB of token", `Bearer ${"x".repeat(16 * 1024)}`],
  ] as const
) {
  Deno.test(`${what} gets 401, and a bystander loses nothing`, async () => {
    await using hub = await startGuardedHub();
    await using bystander = await TestSocket.plain(hub.url, "Bystander", `token=${SHARED}`);
    const { status, headers, body } = await requestUpgrade(hub.port, [["Authorization", header]]);
    assertEquals(status, 401);
    assertEquals(headers.get("www-authenticate"), `Bearer realm="bcast", error="invalid_token"`);
    assertStringIncludes(body, "token");
    assert(!body.includes(header.slice(7)));
    assertEquals(await answerTo(bystander, { type: "message", message: "hi" }), "ok");
  });
}

Deno.test("a `bcast.v1` client learns from the close reason what is wrong with its token", async () => {
  await using hub = await startGuardedHub();
  const expired = await tokenFor({ expiresAt: Date.now() - 180_000 });
  for (
    const [token, words] of [
      [undefined, "requires a token"],
      ["wrong", "The token is wrong"],
      [expired, "The token expired 3 minutes ago"],
    ] as const
  ) {
    const socket = await TestSocket.open(hub.url, "bcast.v1");
    socket.send({ type: "hello", ...(token === undefined ? {} : { token }) });
    const { code, reason } = await socket.closed;
    assertEquals(code, 4501);
    assertStringIncludes(reason, words);
    assertEquals(socket.frames.map((frame) => JSON.parse(frame)), [
      { type: "bye", code, reconnect: false, message: reason },
    ]);
  }
});

Deno.test("a `bcast.v1` client may send its token with the upgrade request", async () => {
  await using hub = await startGuardedHub();
  await using socket = await TestSocket.open(`${hub.url}?token=${SHARED}`, "bcast.v1");
  socket.send({ type: "hello", sender: "Alice" });
  assertEquals((await socket.next("welcome"))["sender"], "Alice");
});

Deno.test("only `hello` is answered before the token is checked", async () => {
  await using hub = await startGuardedHub();
  await using bystander = await TestSocket.plain(hub.url, "Bystander", `token=${SHARED}`);
  await using socket = await TestSocket.open(hub.url, "bcast.v1");
  for (
    const frame of [
      { type: "message", room: "lobby", message: "x" },
      { type: "direct", to: "Bystander", message: "x" },
      { type: "join", room: "lobby" },
      { type: "history", room: "lobby" },
      { type: "members", room: "lobby" },
      { type: "nick", name: "Eve" },
      { type: "ping" },
    ]
  ) {
    socket.send(frame);
    assertEquals((await socket.next("error"))["code"], "unauthorized");
  }
  assertEquals(await answerTo(bystander, { type: "message", message: "first" }), "ok");
  assertEquals(bystander.all("message").map(({ id }) => id), [1]);
});

Deno.test("a token's name is assigned, fixed and reserved", async () => {
  await using hub = await startGuardedHub();
  // A client without the token had the name first.
  await using squatter = await TestSocket.plain(hub.url, "alice", `token=${SHARED}`);
  const [alice, welcome] = await enter(hub, { sub: "Alice" }, { sender: "Bob" });
  await using _alice = alice;
  assertEquals(welcome["sender"], "Alice");
  const said = await squatter.next("system", (frame) => frame["event"] === "rename");
  assertEquals(said["message"], "alice is now alice-2");
  assertEquals(
    await answerTo(alice, { type: "nick", name: "Root" }),
    "forbidden: Your token says that you are Alice: the name cannot be changed",
  );
  await alice.close();
  await until("Alice is gone", () => hub.online === 1);
  // Nor while she is disconnected.
  assertStringIncludes(await answerTo(squatter, { type: "nick", name: "ALICE" }), "name_taken");
  await using again = await TestSocket.plain(hub.url, undefined, `sender=Alice&token=${SHARED}`);
  assertEquals(await answerTo(again, { type: "message", message: "x" }), "ok");
  const { sender } = await squatter.next("message");
  assertEquals(sender, "Alice-3");
});

Deno.test("a token cannot use a name that differs from an owned one only in case", async () => {
  await using hub = await startGuardedHub();
  const [alice] = await enter(hub, { sub: "Alice" });
  await using _alice = alice;
  const socket = await TestSocket.open(hub.url, "bcast.v1");
  socket.send({ type: "hello", token: await tokenFor({ sub: "ALICE" }) });
  const { code, reason } = await socket.closed;
  assertEquals([code, reason], [
    4501,
    "A token that spells ALICE differently has the name: ask for another",
  ]);
});

Deno.test("two sessions with one token name share it, count once, and both get private messages", async () => {
  await using hub = await startGuardedHub();
  await using bob = await TestSocket.plain(hub.url, "Bob", `token=${SHARED}`);
  const [phone] = await enter(hub, { sub: "Alice" });
  await bob.next("system", (frame) => frame["event"] === "join");
  const [laptop, welcome, [room]] = await enter(hub, { sub: "Alice" });
  await using _laptop = laptop;
  assertEquals([welcome["sender"], room?.["online"]], ["Alice", 2]);
  assertEquals(room?.["members"], ["Bob", "Alice"]);
  bob.send({ type: "direct", to: "alice", message: "psst" });
  assertEquals((await phone.next("direct"))["message"], "psst");
  assertEquals((await laptop.next("direct"))["message"], "psst");
  await phone.close();
  await until("the phone is gone", () => hub.online === 2);
  bob.send({ type: "direct", to: "Alice", message: "still there?" });
  assertEquals((await laptop.next("direct"))["message"], "still there?");
  bob.send({ type: "members", room: "lobby" });
  assertEquals((await bob.next("members"))["members"], ["Bob", "Alice"]);
  await laptop.close();
  const left = await bob.next("system", (frame) => frame["event"] === "leave");
  assertEquals([left["message"], left["online"]], ["Alice left (1 online)", 1]);
  // Neither the join of the second session nor the end of the first is announced.
  assertEquals(bob.all("system").filter(({ event }) => event === "join").length, 1);
});

Deno.test("a session resumes only with a token for the same name", async () => {
  await using hub = await startGuardedHub();
  const [alice, welcome] = await enter(hub, { sub: "Alice" });
  await using _alice = alice;
  const { session } = welcome;
  for (const claims of [{ sub: "Mallory" }, {}]) {
    const [thief, given] = await enter(hub, claims, { session });
    assert(given["sender"] !== "Alice" && given["session"] !== session);
    await thief.close();
  }
  assertEquals(await answerTo(alice, { type: "message", message: "still me" }), "ok");
  const [back, same] = await enter(hub, { sub: "Alice" }, { session });
  await using _back = back;
  assertEquals([same["session"], same["sender"]], [session, "Alice"]);
});

const LIMITED = { sub: "Eve", rooms: { lobby: "read", "dev-*": "read-write" } } as const;

Deno.test("a token's rights apply everywhere, and forbidden rooms do not reveal whether they exist", async (t) => {
  await using hub = await startGuardedHub();
  const [member] = await enter(hub, { sub: "Member" }, { rooms: [{ room: "secret" }] });
  await using _member = member;
  assertEquals(await answerTo(member, { type: "message", message: "hush", room: "secret" }), "ok");
  await using colleague = await TestSocket.plain(hub.url, "Dev", `token=${SHARED}&room=dev-web`);
  await using reader = await TestSocket.plain(hub.url, "Reader", `token=${SHARED}`);
  const [eve, welcome] = await enter(hub, LIMITED, {
    rooms: [{ room: "secret" }, { room: "nowhere" }, { room: "lobby" }, { room: "dev-web" }],
  });
  await using _eve = eve;

  await t.step("`hello` joins permitted rooms and names forbidden ones", () => {
    assertEquals(welcome["rooms"], ["lobby", "dev-web"]);
    assertEquals(eve.all("error").map(({ code, re, room }) => [code, re, room]), [
      ["forbidden", "join", "secret"],
      ["forbidden", "join", "nowhere"],
    ]);
  });
  for (const type of ["join", "history", "members"]) {
    await t.step(
      `${type} says the same of a room that exists and of one that does not`,
      async () => {
        const answers = [];
        for (const room of ["secret", "nowhere"]) {
          const answer = await answerTo(eve, { type, room, ref: 1 });
          assert(answer.startsWith("forbidden: "), answer);
          answers.push(answer.replace(room, "ROOM"));
        }
        assertEquals(answers[0], answers[1]);
      },
    );
  }
  await t.step("a search requires the right to read", async () => {
    const answer = await answerTo(eve, { type: "history", room: "secret", query: "hush" });
    assert(answer.startsWith("forbidden"), answer);
  });
  await t.step("the right to read does not include writing", async () => {
    for (const type of ["message", "typing"]) {
      const answer = await answerTo(eve, { type, room: "lobby", message: "x", active: true });
      assert(answer.startsWith("forbidden: Your token lets you read lobby"), answer);
    }
    assertEquals(await answerTo(eve, { type: "history", room: "lobby" }), "ok");
    assertEquals(await answerTo(eve, { type: "message", room: "dev-web", message: "hi" }), "ok");
  });
  await t.step("private messages require a common room with the right to write", async () => {
    assertEquals(await answerTo(eve, { type: "direct", to: "Dev", message: "x" }), "ok");
    const reading = await answerTo(eve, { type: "direct", to: "Reader", message: "x" });
    assert(reading.startsWith("forbidden"), reading);
    const hidden = await answerTo(eve, { type: "direct", to: "Member", message: "x" });
    const absent = await answerTo(eve, { type: "direct", to: "Zed", message: "x" });
    assertEquals(hidden.replace("Member", "X"), absent.replace("Zed", "X"));
    assert(hidden.startsWith("no_such_user"), hidden);
  });
  await t.step(
    "lines of text do not show who is in closed rooms, by whole names either",
    async () => {
      const [ann] = await enter(hub, { sub: "Ann Lee" }, { rooms: [{ room: "secret" }] });
      await using _ann = ann;
      const token = await tokenFor({ ...LIMITED, sub: "Mallory" });
      await using lines = await TestSocket.open(`${hub.url}?format=text&token=${token}`);
      const answers = [];
      for (const name of ["Ann Lee", "Ann Low"]) {
        lines.send(`/msg ${name} x`);
        answers.push(await lines.line(/No one here is called/));
      }
      assertEquals(answers[0], answers[1]);
    },
  );
  await t.step("members of the forbidden room receive nothing", async () => {
    assertEquals(await answerTo(member, { type: "message", message: "2", room: "secret" }), "ok");
    assertEquals(member.all("message").map(({ id }) => id), [1, 2]);
    member.send({ type: "members", room: "secret" });
    assertEquals((await member.next("members"))["members"], ["Member"]);
    assertEquals([colleague.all("direct").length, reader.all("direct").length], [1, 0]);
  });
});

Deno.test("a client that names no room joins the default rooms it may read, else its token's rooms", async () => {
  await using hub = await startGuardedHub({ rooms: ["lobby", "news"] });
  const rooms = async (claims: Omit<TokenClaims, "issuedAt">): Promise<unknown> => {
    const [socket, welcome] = await enter(hub, claims);
    await socket.close();
    assertEquals(socket.all("error"), []);
    return welcome["rooms"];
  };
  assertEquals(await rooms({}), ["lobby", "news"]);
  assertEquals(await rooms({ rooms: { "n*": "read" } }), ["news"]);
  assertEquals(await rooms({ rooms: { "ops": "read", "x-*": "read", "no": "none" } }), ["ops"]);
  assertEquals(await rooms({ rooms: {} }), []);
});

Deno.test("an expired token is reported immediately, may be renewed, and otherwise closes the connection", async () => {
  const clock = new FakeClock();
  await using hub = await startGuardedHub({ clock });
  const issued = { issuedAt: clock.now(), expiresAt: clock.now() + 60_000 };
  const [alice, welcome] = await enter(hub, { ...issued, sub: "Alice" });
  await using _alice = alice;
  const [lazy] = await enter(hub, { ...issued, sub: "Lazy" });
  await using bystander = await TestSocket.plain(hub.url, "Bystander", `token=${SHARED}`);

  clock.advance(59_000);
  assertEquals(await answerTo(alice, { type: "message", message: "in time" }), "ok");
  clock.advance(1000);
  const error = await alice.next("error");
  assertEquals(error["code"], "unauthorized");
  assertStringIncludes(
    String(error["message"]),
    "expired: renew it within 30",
  );
  assertEquals((await lazy.next("error"))["code"], "unauthorized");
  clock.advance(5000);
  assertEquals(alice.all("error").length, 1);

  const other = await tokenFor({ sub: "Mallory" });
  assertStringIncludes(await answerTo(alice, { type: "hello", token: other }), "another person's");
  const late = await tokenFor({ sub: "Alice", issuedAt: 0, expiresAt: clock.now() - 20_000 });
  assertStringIncludes(await answerTo(alice, { type: "hello", token: late }), "expired 20 seconds");
  const fresh = await tokenFor({ sub: "Alice", expiresAt: clock.now() + 600_000 });
  alice.send({ type: "hello", token: fresh });
  const renewed = await alice.next("welcome");
  assertEquals([renewed["sender"], renewed["session"]], ["Alice", welcome["session"]]);
  assertEquals([renewed["resumed"], renewed["rooms"]], [true, ["lobby"]]);
  alice.send({ type: "token", token: late, ref: 1 });
  const rejected = await alice.next("error");
  assertEquals([rejected["code"], rejected["re"], rejected["ref"]], ["unauthorized", "token", 1]);
  alice.send({ type: "token", token: fresh, ref: 2 });
  assertEquals(await alice.next("ok"), {
    type: "ok",
    re: "token",
    ref: 2,
    expires: new Date(clock.now() + 600_000).toISOString(),
  });

  clock.advance(25_000);
  const { code, reason } = await lazy.closed;
  assertEquals([code, reason], [
    4501,
    "The token expired 30 seconds ago: reconnect with a new one",
  ]);
  assertEquals(await answerTo(alice, { type: "message", message: "renewed" }), "ok");
  assertEquals(alice.all("message").map(({ id }) => id), [1, 2]);
  assertEquals(bystander.all("message").map(({ id }) => id), [1, 2]);
});

Deno.test("a session does not outlive its token: resuming checks the token again", async () => {
  const clock = new FakeClock();
  await using hub = await startGuardedHub({ clock });
  const token = await tokenFor({ sub: "Alice", issuedAt: 0, expiresAt: clock.now() + 60_000 });
  const [first, { session }] = await TestSocket.v1(hub.url, { token });
  first.socket.close(4000);
  await first.closed;
  clock.advance(66_000);
  const late = await TestSocket.open(hub.url, "bcast.v1");
  late.send({ type: "hello", token, session });
  assertEquals((await late.closed).code, 4501);
});

Deno.test("a new token with fewer rights removes the session from rooms it forbids", async () => {
  await using hub = await startGuardedHub();
  const [eve] = await enter(hub, { sub: "Eve" }, {
    rooms: [{ room: "secret" }, { room: "lobby" }],
  });
  await using _eve = eve;
  eve.send({ type: "hello", token: await tokenFor(LIMITED) });
  assertEquals((await eve.next("left"))["room"], "secret");
  const welcome = await eve.next("welcome");
  assertEquals(welcome["rooms"], ["lobby"]);
  assertStringIncludes(await answerTo(eve, { type: "message", message: "x" }), "forbidden");
});

Deno.test("`connect()` sends a new token when the old one expires, without a reconnect", async () => {
  const clock = new FakeClock();
  await using hub = await startGuardedHub({ clock });
  let made = 0;
  await using conversation = connect({
    url: hub.url,
    token: async () => {
      const token = await tokenFor({
        sub: "Alice",
        issuedAt: clock.now(),
        expiresAt: clock.now() + 60_000,
        issuer: String(made),
      });
      made++;
      return token;
    },
  });
  await conversation.send({ message: "one" });
  clock.advance(60_000);
  await until("the second token", () => made === 2);
  // It is on its way by now, and later requests are answered after it.
  await conversation.ping();
  clock.advance(40_000);
  await conversation.send({ message: "two" });
  await conversation.close();
  const seen: string[] = [];
  for await (const event of conversation) seen.push(event.type);
  assertEquals(seen.filter((type) => type === "error" || type === "offline"), []);
  assertEquals(seen.filter((type) => type === "message").length, 2);
});

Deno.test("`connect()` fails as refused when the token is wrong or has expired", async () => {
  await using hub = await startGuardedHub();
  await using wrong = connect({ url: hub.url, token: "wrong" });
  const failure = await wrong.send({ message: "x" }).catch((error: unknown) => error);
  assert(failure instanceof Error && "failure" in failure, String(failure));
  assertEquals(failure.failure, "rejected");
  assertStringIncludes(failure.message, "The token is wrong");
});

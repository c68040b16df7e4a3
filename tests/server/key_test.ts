import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { DEDUPE_MINUTES } from "../../protocol.ts";
import type { Server } from "../../server.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import fc from "../kit/fast_check.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { fetchJson, post } from "../kit/http.ts";
import {
  type Attempt,
  HttpSender,
  type MessageSender,
  SocketSender,
} from "../kit/message_senders.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";
import { TestSocket } from "../kit/test_socket.ts";

const ROOMS = ["lobby", "attic"];

/** A person's way to the hub; `session` is the secret of an earlier connection. */
type Connect = (hub: Server, name: string, session?: string) => Promise<MessageSender>;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

const v1 = (token: boolean): Connect => async (hub, name, session) => {
  const rooms = ROOMS.map((room) => ({ room }));
  const who = token ? { token: name } : { sender: name };
  const [socket, welcome] = await TestSocket.v1(hub.url, {
    ...who,
    rooms,
    ...(session === undefined ? {} : { session }),
  });
  return new SocketSender(socket, String(welcome["session"]));
};

const plain = (token: boolean): Connect => async (hub, name) => {
  const rooms = ROOMS.map((room) => `room=${room}`).join("&");
  const who = `${token ? "token" : "sender"}=${name}`;
  const socket = await TestSocket.open(`${hub.url}?${who}&${rooms}`);
  const welcome = await socket.next("welcome");
  return new SocketSender(socket, String(welcome["session"]));
};

const http = (token: boolean): Connect => (hub, name) =>
  Promise.resolve(new HttpSender(hub, name, token ? bearer(name) : {}));

const httpOfSession: Connect = (hub, name, session) =>
  Promise.resolve(new HttpSender(hub, name, session ? { "bcast-session": session } : {}));

/** How the first attempt and the repeat are sent. */
interface Way {
  readonly first: Connect;
  readonly second: Connect;
  /** While the hub runs, the second attempt comes from the first connection. */
  readonly keepsConnection?: boolean;
  /** The first connection ends before the second attempt, which frees its name. */
  readonly leaves?: boolean;
}

const WAYS: Readonly<Record<string, Way>> = {
  "v1, guest": { first: v1(false), second: v1(false) },
  "plain, guest": { first: plain(false), second: plain(false), keepsConnection: true },
  "HTTP, guest": { first: http(false), second: http(false) },
  "v1, account": { first: v1(true), second: v1(true) },
  "plain, account": { first: plain(true), second: plain(true) },
  "HTTP, account": { first: http(true), second: http(true) },
  "v1, then HTTP, account": { first: v1(true), second: http(true) },
  "HTTP, then v1, account": { first: http(true), second: v1(true) },
  "v1, then HTTP with the session, guest": { first: v1(false), second: httpOfSession },
  "v1, then HTTP without it, guest": { first: v1(false), second: http(false), leaves: true },
};

/** The first attempt, and what is different the second time. */
interface Case {
  readonly first: Omit<Attempt, "room" | "message">;
  readonly second?: Partial<Attempt>;
  /** Whether another sender sends it. */
  readonly other?: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  "no `ref`, no `key`": { first: {} },
  "same `ref`": { first: { ref: "1" } },
  "same `ref`, other text": { first: { ref: "1" }, second: { message: "other" } },
  "same `key`": { first: { key: "k" } },
  "same `key` and `ref`": { first: { key: "k", ref: "1" } },
  "same `key`, other `ref`": { first: { key: "k", ref: "1" }, second: { ref: "2" } },
  "same `key`, other text": { first: { key: "k" }, second: { message: "other" } },
  "same `key`, other room": { first: { key: "k" }, second: { room: "attic" } },
  "same `key`, other sender": { first: { key: "k" }, other: true },
};

/** What becomes of the second attempt: a message of its own, a duplicate, or an error. */
async function fateOfSecond(way: Way, one: Case, restarts: boolean): Promise<string> {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  const options = { path, rooms: ROOMS, authorizer: tokenIsName, limits: { recent: 0 } };
  let hub = await startTestHub(options);
  try {
    const attempt: Attempt = { room: "lobby", message: "text", ...one.first };
    await using sender = await way.first(hub, "Al");
    const session = sender instanceof SocketSender ? sender.session : undefined;
    const first = await sender.send(attempt);
    assertEquals(first, { kind: "stored", id: 1 });
    if (restarts || way.leaves === true) await sender[Symbol.asyncDispose]();
    if (restarts) {
      await hub[Symbol.asyncDispose]();
      hub = await startTestHub(options);
    }
    const stays = way.keepsConnection === true && !restarts && one.other !== true;
    await using sender2 = stays
      ? sender
      : await (one.other === true ? way.second(hub, "Bo") : way.second(hub, "Al", session));
    const second = await sender2.send({ ...attempt, ...one.second });
    const { room = "lobby" } = one.second ?? {};
    const { body } = await fetchJson(hub, `/api/rooms/${room}/messages`);
    const isNew = second.kind === "stored";
    assertEquals(body.messages.length, isNew && room === "lobby" ? 2 : 1);
    if (second.kind === "duplicate") assertEquals(second.id, 1);
    return second.kind;
  } finally {
    await hub[Symbol.asyncDispose]();
  }
}

/** By case: what becomes of the second attempt, however it is sent, before and after a restart. */
const FATES: Readonly<Record<string, string>> = {
  "no `ref`, no `key`": "stored",
  "same `ref`": "stored",
  "same `ref`, other text": "stored",
  "same `key`": "duplicate",
  "same `key` and `ref`": "duplicate",
  "same `key`, other `ref`": "duplicate",
  "same `key`, other text": "key_reused",
  "same `key`, other room": "stored",
  "same `key`, other sender": "stored",
};

/** Where the second attempt comes from another sender, so that every one is stored. */
const OTHER_SENDERS: readonly (readonly [way: string, restarts: boolean])[] = [
  ["plain, guest", true],
  ["v1, then HTTP without it, guest", false],
  ["v1, then HTTP without it, guest", true],
];

for (const [wayName, way] of Object.entries(WAYS)) {
  for (const restarts of [false, true]) {
    const when = restarts ? "after a restart of the hub" : "while the hub runs";
    Deno.test(`the fate of a message sent twice: ${wayName}, ${when}`, async () => {
      const isOther = OTHER_SENDERS.some(([name, after]) => name === wayName && after === restarts);
      const fates: Record<string, string> = {};
      for (const [name, one] of Object.entries(CASES)) {
        fates[name] = await fateOfSecond(way, one, restarts);
      }
      const expected = Object.entries(FATES).map((
        [name, fate],
      ) => [name, isOther ? "stored" : fate]);
      assertEquals(Object.entries(fates), expected);
    });
  }
}

Deno.test("keys agree with a model for any attempts over sockets and HTTP", async () => {
  await using hub = await startTestHub({
    rooms: ROOMS,
    authorizer: tokenIsName,
    limits: { rate: 0 },
  });
  const session = "0123456789abcdefABCDEF";
  const senders: readonly (readonly [scope: string, sender: MessageSender])[] = [
    ["Al", await v1(true)(hub, "Al")],
    ["Al", await plain(true)(hub, "Al")],
    ["Al", await http(true)(hub, "Al")],
    ["Bo", await http(true)(hub, "Bo")],
    ["session", await v1(false)(hub, "Cy", session)],
    ["session", await httpOfSession(hub, "Cy", session)],
    ["Di at an address", await http(false)(hub, "Di")],
    ["Ed at an address", await http(false)(hub, "Ed")],
  ];
  await using resources = new AsyncDisposableStack();
  for (const [, sender] of senders) resources.use(sender);
  const attempt = fc.record({
    by: fc.constantFrom(...senders),
    room: fc.constantFrom(...ROOMS),
    key: fc.option(
      fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom("!", "~", "a") }),
      {
        nil: undefined,
      },
    ),
    message: fc.constantFrom("one", "two"),
    ref: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
  });
  const known = new Map<string, { readonly id: number; readonly message: string }>();
  const last = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { maxLength: 20 }), async (attempts) => {
      for (const { by: [scope, sender], room, key, message, ref } of attempts) {
        const found = key === undefined ? undefined : known.get(`${scope} ${room} ${key}`);
        const id = (last.get(room) ?? 0) + 1;
        if (found === undefined) {
          last.set(room, id);
          if (key !== undefined) known.set(`${scope} ${room} ${key}`, { id, message });
        }
        const fate = await sender.send({
          room,
          message,
          ...(key === undefined ? {} : { key }),
          ...(ref === undefined ? {} : { ref }),
        });
        assertEquals(
          fate,
          found === undefined
            ? { kind: "stored", id }
            : found.message === message
            ? { kind: "duplicate", id: found.id }
            : { kind: "key_reused" },
        );
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("an ack has the epoch and comes before the echo, and only with a `ref` or a `key`", async () => {
  await using hub = await startTestHub();
  for (const protocol of ["v1", "plain"] as const) {
    const socket = protocol === "v1"
      ? (await TestSocket.v1(hub.url, { sender: "Al", rooms: [{ room: "lobby" }] }))[0]
      : await TestSocket.plain(hub.url, "Bo");
    await using _ = socket;
    for (
      const marks of [{}, { ref: 1 }, { key: `${protocol}1` }, { ref: "r", key: `${protocol}2` }]
    ) {
      const start = socket.frames.length;
      const text = JSON.stringify(marks);
      socket.send({ type: "message", room: "lobby", message: text, ...marks });
      const message = await socket.next("message", (frame) => frame["message"] === text);
      const before = socket.frames.slice(start).map((frame) => JSON.parse(frame))
        .filter(({ type }) => type === "ack" || type === "message");
      const { epoch } = (await fetchJson(hub, "/api/rooms/lobby/messages?limit=1")).body;
      const { id, timestamp } = message;
      const ref = "ref" in marks ? { ref: marks.ref } : {};
      const ack = { type: "ack", ...ref, room: "lobby", id, epoch, timestamp };
      assertEquals(before, Object.keys(marks).length === 0 ? [message] : [ack, message]);
      assert(!("key" in message) && !("ref" in message));
    }
  }
});

Deno.test("a repeat gets the first position; another content with its key gets `key_reused`", async () => {
  await using hub = await startTestHub();
  const [al] = await TestSocket.v1(hub.url, { sender: "Al", rooms: [{ room: "lobby" }] });
  await using _ = al;
  const message = { type: "message", room: "lobby", message: "m", "x-acme-job": { a: 1, b: [2] } };
  al.send({ ...message, key: "k", ref: 1 });
  const first = await al.next("ack");
  // Equal, in another order.
  al.send({ key: "k", ref: 2, ...message, "x-acme-job": { b: [2], a: 1 } });
  assertEquals(await al.next("ack"), { ...first, ref: 2, duplicate: true });
  const others = [
    { message: "n" },
    { data: 1 },
    { kind: "action" },
    { format: "markdown" },
    { via: ["p"] },
    { "x-acme-job": 1 },
    { "x-acme-other": 1 },
  ];
  for (const [ref, other] of others.entries()) {
    al.send({ ...message, key: "k", ref, ...other });
    assertEquals(await al.next("error"), {
      type: "error",
      code: "key_reused",
      message:
        "The key was used for another message (id 1 of lobby): use a new key for each message",
      re: "message",
      room: "lobby",
      ref,
      final: true,
    });
  }
  const told = await post(hub, "lobby", "one", { "idempotency-key": "k" });
  assertEquals(told.status, 201);
  const refused = await post(hub, "lobby", "two", { "idempotency-key": "k" });
  assertEquals([refused.status, refused.body], [422, {
    error: {
      code: "key_reused",
      message:
        "The key was used for another message (id 2 of lobby): use a new key for each message",
    },
  }]);
});

Deno.test(`a key can be used again after ${DEDUPE_MINUTES} minutes`, async () => {
  const clock = new FakeClock();
  const broker = await openSqliteBroker({ path: ":memory:", now: () => clock.now() });
  await using hub = await startTestHub({ broker, clock });
  await using al = await plain(false)(hub, "Al");
  const ids = [];
  for (const minutes of [0, DEDUPE_MINUTES - 1, 1]) {
    clock.advance(minutes * 60_000);
    const fate = await al.send({ room: "lobby", message: "m", key: "k" });
    ids.push("id" in fate && fate.id);
  }
  assertEquals(ids, [1, 1, 2]);
});

Deno.test("`Bcast-Session` gives a guest's request the name of its session, while that lives", async () => {
  await using hub = await startTestHub({ authorizer: tokenIsName });
  const [al, { session }] = await TestSocket.v1(hub.url, { sender: "Al" });
  const of = { "bcast-session": String(session) };
  const send = (headers: Record<string, string>) =>
    post(hub, "lobby", { message: "m", sender: "Al" }, headers);
  assertEquals((await send({})).status, 409);
  const published = await send(of);
  assertEquals([published.status, published.body.sender], [201, "Al"]);
  // The session's name counts, as a token's does.
  const other = await post(hub, "lobby", { message: "m", sender: "Bo" }, of);
  assertEquals([other.status, other.body.sender], [201, "Al"]);
  // A token is stronger.
  const token = await post(hub, "lobby", "m", { ...of, ...bearer("Cy") });
  assertEquals([token.status, token.body.sender], [201, "Cy"]);
  await al.close();
  const gone = await post(hub, "lobby", { message: "m", sender: "Bo" }, of);
  assertEquals([gone.status, gone.body.sender], [201, "Bo"]);
  // The session of an account is nothing without its token.
  const [di, { session: secret }] = await TestSocket.v1(hub.url, { token: "Di" });
  await using _ = di;
  const borrowed = await post(hub, "lobby", "m", { "bcast-session": String(secret) });
  assertEquals([borrowed.status, borrowed.body.sender], [201, "guest"]);
  const { status, body } = await post(hub, "lobby", "m", { "bcast-session": "secret" });
  assertEquals([status, body.error.code], [400, "bad_frame"]);
});

Deno.test("the log reveals no secret of a session", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  let secret: string;
  {
    await using hub = await startTestHub({ path });
    await using al = await plain(false)(hub, "Al");
    assert(al instanceof SocketSender);
    secret = al.session;
    await al.send({ room: "lobby", message: "m", key: "a-key-of-al" });
  }
  const file = new TextDecoder("latin1").decode(await Deno.readFile(path));
  assert(file.includes("a-key-of-al"));
  assertNotEquals(secret, "");
  assert(!file.includes(secret));
});

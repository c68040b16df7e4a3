import { assertEquals, assertMatch } from "@std/assert";
import { nameKey, normalizeName } from "../../../protocol.ts";
import { CLIENT_KINDS, type ClientKind, InProcessHub } from "../../kit/client_kinds.ts";
import { until } from "../../kit/wait.ts";

/** Names of all kinds that are allowed. */
const NAMES = [
  "jean-luc",
  "Zoë 世界",
  "Ｅve",
  "👩‍🚀 Ada",
  "علي",
  "می‌خواهم",
  "~!$%^&*()_+",
  `<b>'";--`,
  "Eve-2",
  "e\u0301",
];
const FROM = "192.0.2.7";
const REASON = "because [of] this";
const BY = { name: "Root", address: "198.51.100.1" };

interface ActionCase {
  /** Requests the action, and those that must precede it; resolves with its response. */
  run(world: InProcessHub, name: string): Promise<{ status: number; body: { affected?: number } }>;
  /** The notice that affected clients receive. */
  readonly notice: RegExp;
}

function actionCase(what: string, fields: (name: string) => object, notice: RegExp): ActionCase {
  return { run: (world, name) => world.moderate(what, fields(name)), notice };
}

/** An action that reverts another. */
function reverting(before: ActionCase, after: ActionCase): ActionCase {
  return {
    notice: after.notice,
    run: async (world, name) => {
      await before.run(world, name);
      return await after.run(world, name);
    },
  };
}

/** Another spelling of the name. */
function respell(name: string): string {
  const written = `\u200D${name.toUpperCase()}`;
  return nameKey(written) === nameKey(name) ? written : `${name}\u200D`;
}

const byName = (name: string) => ({ name: respell(name), reason: REASON });
const byAddress = () => ({ address: FROM, reason: REASON });
const ban = actionCase("ban", byName, /is banned: because \[of\] this/);
const banAddress = actionCase("ban", byAddress, /Your address is banned: because \[of\] this/);
const mute = actionCase("mute", byName, /a moderator muted you: because \[of\] this/);
const muteAddress = actionCase("mute", byAddress, /a moderator muted you: because \[of\] this/);
const close = actionCase(
  "close-room",
  () => ({ room: "lobby", reason: REASON }),
  /lobby is closed: bec/,
);

const ACTIONS = {
  kick: actionCase("kick", byName, /A moderator kicked you: because \[of\] this/),
  ban,
  banAddress,
  unban: reverting(ban, actionCase("unban", (name) => ({ name }), /never said/)),
  unbanAddress: reverting(banAddress, actionCase("unban", () => ({ address: FROM }), /never said/)),
  mute,
  muteAddress,
  unmute: reverting(mute, actionCase("unmute", (name) => ({ name }), /You may write again/)),
  unmuteAddress: reverting(
    muteAddress,
    actionCase("unmute", () => ({ address: FROM }), /You may write aga/),
  ),
  close,
  open: reverting(close, actionCase("open-room", () => ({ room: "lobby" }), /never said/)),
  announce: actionCase("announce", () => ({ message: "Dinner is ready" }), /Dinner is ready/),
  announceRoom: actionCase(
    "announce",
    () => ({ message: "Dinner is ready", room: "lobby" }),
    /Dinner is ready/,
  ),
} satisfies Record<string, ActionCase>;

type ExpectedEffects = Readonly<Record<keyof typeof ACTIONS, string>>;

// The effect of an action: the number affected (without the bystander), what the client notices
// (`told` the reason, `ended`) and whether others see it `leave`. Then, what it can still do: receive
// messages (`live`), `say` something, come `back`.

/** A connected client that others see. */
const MEMBER: ExpectedEffects = {
  kick: "1 told ended leave | back",
  ban: "1 told ended leave |",
  banAddress: "1 told ended leave |",
  unban: "1 ended leave | back",
  unbanAddress: "1 ended leave | back",
  mute: "1 told | live back",
  muteAddress: "1 told | live back",
  unmute: "1 told | live say back",
  unmuteAddress: "1 told | live say back",
  // The bystander has to leave, too.
  close: "1 told | back",
  open: "1 | back",
  announce: "1 told | live say back",
  announceRoom: "1 told | live say back",
};

/** A disconnected session: notified only after it reconnects. */
const AWAY: ExpectedEffects = {
  kick: "1 leave | say back",
  ban: "1 leave |",
  banAddress: "1 leave |",
  unban: "1 leave | say back",
  unbanAddress: "1 leave | say back",
  mute: "1 | back",
  muteAddress: "1 | back",
  unmute: "1 | say back",
  unmuteAddress: "1 | say back",
  close: "1 | back",
  open: "1 | say back",
  announce: "0 | say back",
  announceRoom: "0 | say back",
};

/** A stream cannot write, and others do not see it. */
const STREAM: ExpectedEffects = {
  kick: "1 told ended | back",
  ban: "1 told ended |",
  banAddress: "1 told ended |",
  unban: "1 ended | back",
  unbanAddress: "1 ended | back",
  mute: "0 | live back",
  muteAddress: "0 | live back",
  unmute: "1 | live back",
  unmuteAddress: "1 | live back",
  close: "1 told ended |",
  open: "1 ended | back",
  announce: "1 told | live back",
  announceRoom: "1 told | live back",
};

/** Single requests are rejected from then on. */
const REQUESTS: ExpectedEffects = {
  kick: "404 | say back",
  ban: "0 |",
  banAddress: "0 |",
  unban: "1 | say back",
  unbanAddress: "1 | say back",
  mute: "0 | back",
  muteAddress: "0 | back",
  unmute: "1 | say back",
  unmuteAddress: "1 | say back",
  close: "0 | back",
  open: "1 | say back",
  announce: "0 | say back",
  announceRoom: "0 | say back",
};

const EXPECTED: Readonly<Record<keyof typeof CLIENT_KINDS, ExpectedEffects>> = {
  "v1 with a token": MEMBER,
  "v1": MEMBER,
  "v1, disconnected, with a token": AWAY,
  "v1, disconnected": AWAY,
  "plain JSON with a token": MEMBER,
  "plain JSON": MEMBER,
  "text with a token": MEMBER,
  "text": MEMBER,
  "lines with a token": MEMBER,
  "lines": MEMBER,
  "event stream with a token": STREAM,
  // Without a name, actions on names do not affect it.
  "event stream": {
    ...STREAM,
    kick: "404 | live back",
    ban: "0 | live back",
    unban: "1 | live back",
  },
  "requests with a token": REQUESTS,
  // On an open hub, reading needs no name.
  "requests": { ...REQUESTS, ban: "0 | back" },
};

/** Bystanders that an action affects. */
const BYSTANDERS: Partial<Record<keyof typeof ACTIONS, number>> = {
  close: 1,
  announce: 1,
  announceRoom: 1,
};

/** The effect of one action on one kind of client; `expected` only tells what to wait for. */
async function effectOf(
  kind: ClientKind,
  column: keyof typeof ACTIONS,
  name: string,
  expected: string,
): Promise<string> {
  const { run, notice } = ACTIONS[column];
  await using world = await InProcessHub.open(kind.token);
  const client = await kind.open(world, name, FROM);
  await world.flushPresence();
  const { status, body: { affected } } = await run(world, name);
  await world.flushPresence();
  const effect = [
    status === 200 && affected !== undefined ? affected - (BYSTANDERS[column] ?? 0) : status,
  ].map(String);
  const after: string[] = [];
  const told = (): boolean => notice.test(client.received());
  if (expected.includes("told")) await until("the notice", told);
  if (expected.includes("ended")) await until("the end", () => client.closed());
  if (told()) effect.push("told");
  if (client.closed()) effect.push("ended");
  if (world.sawLeave(name)) effect.push("leave");
  if (kind.live && !client.closed() && column !== "close" && column !== "open") {
    await world.broadcast("hello, room");
    await until("the message", () => client.received().includes("hello, room"));
    after.push("live");
  }
  if (client.send !== undefined && !client.closed()) {
    const before = client.received();
    await client.send("hello there");
    await until(
      "a response",
      async () => client.received() !== before || await world.isLogged("hello there"),
    );
    if (await world.isLogged("hello there")) after.push("say");
  }
  if (await client.reconnect()) after.push("back");
  return `${effect.join(" ")} | ${after.join(" ")}`.trim();
}

let turn = 0;
for (const [kindName, kind] of Object.entries(CLIENT_KINDS)) {
  Deno.test(`every moderation action applies to: ${kindName}`, async () => {
    const expected: Readonly<Record<string, string>> =
      EXPECTED[kindName as keyof typeof CLIENT_KINDS];
    const found: Record<string, string> = {};
    for (const column of Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]) {
      const name = normalizeName(NAMES[turn++ % NAMES.length] ?? "") ?? "";
      found[column] = await effectOf(kind, column, name, expected[column] ?? "");
    }
    assertEquals(found, { ...expected });
  });
}

Deno.test("an event stream that opens while its room is closed ends with the reason", async () => {
  await using world = await InProcessHub.open(false);
  const { broker } = world;
  const head = broker.head.bind(broker);
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  // The stream waits for the log.
  broker.head = async (room) => {
    await ready;
    return await head(room);
  };
  const answer = await world.request("/api/rooms/party/events", { from: FROM });
  await world.hub.moderation.closeRoom("party", { reason: REASON }, BY);
  resolve();
  const text = await answer.text();
  assertMatch(text, /party is closed: because \[of\] this/);
  assertEquals(world.hub.limiter.count, 0);
  assertEquals(world.hub.queries.stats().rooms, 1);
});

Deno.test("a ban between the check of a token and the opening of the stream ends the stream", async () => {
  await using world = await InProcessHub.open(true);
  const opening = world.request("/api/rooms/lobby/events", { from: FROM, token: "Eve" });
  const banned = world.hub.moderation.ban({ name: "Eve" }, { reason: REASON }, BY);
  const answer = await opening;
  await banned;
  assertMatch(await answer.text(), /Eve is banned: because \[of\] this/);
});

Deno.test("an announcement is an event without an id in a stream", async () => {
  await using world = await InProcessHub.open(false);
  const answer = await world.request("/api/rooms/lobby/events", { from: FROM });
  await world.broadcast("first");
  const text = 'Dinner\\u2028is ready "now"';
  await world.moderate("announce", { message: JSON.parse(`"${text.replaceAll('"', '\\"')}"`) });
  await world.moderate("close-room", { room: "lobby" });
  const blocks = (await answer.text()).split("\n\n");
  const announcement = blocks.find((block) => block.startsWith("event: announcement"));
  const [, data = ""] = announcement?.split("\ndata: ") ?? [];
  assertEquals(JSON.parse(data).event, "announcement");
  assertEquals(JSON.parse(data).message, 'Dinner is ready "now"');
  assertEquals(blocks.filter((block) => block.includes("id: ")).length, 2);
});

import { assertEquals, assertMatch } from "@std/assert";
import { nameKey, normalizeName } from "../../../protocol.ts";
import { type Kind, KINDS, World } from "../../kit/reach.ts";
import { until } from "../../kit/until.ts";

/** Names from all of what names allow. */
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

interface TestOrder {
  /** Gives the order, and what must come before it; resolves with the answer to it. */
  give(world: World, name: string): Promise<{ status: number; body: { affected?: number } }>;
  /** What a person who is told reads. */
  readonly words: RegExp;
}

function order(what: string, fields: (name: string) => object, words: RegExp): TestOrder {
  return { give: (world, name) => world.order(what, fields(name)), words };
}

/** An order that takes back another. */
function lift(before: TestOrder, after: TestOrder): TestOrder {
  return {
    words: after.words,
    give: async (world, name) => {
      await before.give(world, name);
      return await after.give(world, name);
    },
  };
}

/** The same name, written differently. */
function otherwise(name: string): string {
  const written = `\u200D${name.toUpperCase()}`;
  return nameKey(written) === nameKey(name) ? written : `${name}\u200D`;
}

const byName = (name: string) => ({ name: otherwise(name), reason: REASON });
const byAddress = () => ({ address: FROM, reason: REASON });
const ban = order("ban", byName, /is banned: because \[of\] this/);
const banAddress = order("ban", byAddress, /Your address is banned: because \[of\] this/);
const mute = order("mute", byName, /a moderator muted you: because \[of\] this/);
const muteAddress = order("mute", byAddress, /a moderator muted you: because \[of\] this/);
const close = order(
  "close-room",
  () => ({ room: "lobby", reason: REASON }),
  /lobby is closed: bec/,
);

const ORDERS = {
  kick: order("kick", byName, /A moderator kicked you: because \[of\] this/),
  ban,
  banAddress,
  unban: lift(ban, order("unban", (name) => ({ name }), /never said/)),
  unbanAddress: lift(banAddress, order("unban", () => ({ address: FROM }), /never said/)),
  mute,
  muteAddress,
  unmute: lift(mute, order("unmute", (name) => ({ name }), /You may write again/)),
  unmuteAddress: lift(muteAddress, order("unmute", () => ({ address: FROM }), /You may write aga/)),
  close,
  open: lift(close, order("open-room", () => ({ room: "lobby" }), /never said/)),
  announce: order("announce", () => ({ message: "Dinner is ready" }), /Dinner is ready/),
  announceRoom: order(
    "announce",
    () => ({ message: "Dinner is ready", room: "lobby" }),
    /Dinner is ready/,
  ),
} satisfies Record<string, TestOrder>;

type Cells = Readonly<Record<keyof typeof ORDERS, string>>;

// What an order did: how many it affected (the bystander not counted), what the person noticed
// (`told` why, `ended`), whether others saw the person `leave`; then what is possible afterwards: to
// hear what is said (`live`), to `say` something, to come `back`.

/** Somebody connected, as others see. */
const MEMBER: Cells = {
  kick: "1 told ended leave | back",
  ban: "1 told ended leave |",
  banAddress: "1 told ended leave |",
  unban: "1 ended leave | back",
  unbanAddress: "1 ended leave | back",
  mute: "1 told | live back",
  muteAddress: "1 told | live back",
  unmute: "1 told | live say back",
  unmuteAddress: "1 told | live say back",
  // The bystander had to leave as well.
  close: "1 told | back",
  open: "1 | back",
  announce: "1 told | live say back",
  announceRoom: "1 told | live say back",
};

/** Away: told nothing until the connection is back, and then of what holds. */
const AWAY: Cells = {
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

/** A stream says nothing, and others do not see it. */
const STREAM: Cells = {
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

/** Requests that come and go are refused from then on. */
const REQUESTS: Cells = {
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

const TABLE: Readonly<Record<keyof typeof KINDS, Cells>> = {
  "v1 with a token": MEMBER,
  "v1": MEMBER,
  "v1, away, with a token": AWAY,
  "v1, away": AWAY,
  "plain JSON with a token": MEMBER,
  "plain JSON": MEMBER,
  "text with a token": MEMBER,
  "text": MEMBER,
  "lines with a token": MEMBER,
  "lines": MEMBER,
  "event stream with a token": STREAM,
  // Without a name: orders about names do not concern it.
  "event stream": {
    ...STREAM,
    kick: "404 | live back",
    ban: "0 | live back",
    unban: "1 | live back",
  },
  "requests with a token": REQUESTS,
  // Reading needs no name where no token is asked for.
  "requests": { ...REQUESTS, ban: "0 | back" },
};

/** How many an order affects beside the person: the bystander. */
const OTHERS: Partial<Record<keyof typeof ORDERS, number>> = {
  close: 1,
  announce: 1,
  announceRoom: 1,
};

/** What comes of one order for one kind of connection; `expected` only says what to wait for. */
async function cell(
  kind: Kind,
  column: keyof typeof ORDERS,
  name: string,
  expected: string,
): Promise<string> {
  const { give, words } = ORDERS[column];
  await using world = await World.open(kind.token);
  const person = await kind.open(world, name, FROM);
  await world.settle();
  const { status, body: { affected } } = await give(world, name);
  await world.settle();
  const effect = [
    status === 200 && affected !== undefined ? affected - (OTHERS[column] ?? 0) : status,
  ].map(String);
  const after: string[] = [];
  const told = (): boolean => words.test(person.told());
  if (expected.includes("told")) await until("the words", told);
  if (expected.includes("ended")) await until("the end", () => person.over());
  if (told()) effect.push("told");
  if (person.over()) effect.push("ended");
  if (world.sawLeave(name)) effect.push("leave");
  if (kind.live && !person.over() && column !== "close" && column !== "open") {
    await world.tell("is anybody there?");
    await until("what is said", () => person.told().includes("is anybody there?"));
    after.push("live");
  }
  if (person.say !== undefined && !person.over()) {
    const before = person.told();
    await person.say("hello there");
    await until(
      "an answer",
      async () => person.told() !== before || await world.heard("hello there"),
    );
    if (await world.heard("hello there")) after.push("say");
  }
  if (await person.back()) after.push("back");
  return `${effect.join(" ")} | ${after.join(" ")}`.trim();
}

let turn = 0;
for (const [kindName, kind] of Object.entries(KINDS)) {
  Deno.test(`every moderator's order reaches: ${kindName}`, async () => {
    const expected: Readonly<Record<string, string>> = TABLE[kindName as keyof typeof KINDS];
    const found: Record<string, string> = {};
    for (const column of Object.keys(ORDERS) as (keyof typeof ORDERS)[]) {
      const name = normalizeName(NAMES[turn++ % NAMES.length] ?? "") ?? "";
      found[column] = await cell(kind, column, name, expected[column] ?? "");
    }
    assertEquals(found, { ...expected });
  });
}

Deno.test("an event stream that is being opened while its room is closed ends with the reason", async () => {
  await using world = await World.open(false);
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
  await using world = await World.open(true);
  const opening = world.request("/api/rooms/lobby/events", { from: FROM, token: "Eve" });
  const banned = world.hub.moderation.ban({ name: "Eve" }, { reason: REASON }, BY);
  const answer = await opening;
  await banned;
  assertMatch(await answer.text(), /Eve is banned: because \[of\] this/);
});

Deno.test("an announcement is an event of a stream, and no position in it", async () => {
  await using world = await World.open(false);
  const answer = await world.request("/api/rooms/lobby/events", { from: FROM });
  await world.tell("first");
  const text = 'Dinner\\u2028is ready "now"';
  await world.order("announce", { message: JSON.parse(`"${text.replaceAll('"', '\\"')}"`) });
  await world.order("close-room", { room: "lobby" });
  const blocks = (await answer.text()).split("\n\n");
  const announcement = blocks.find((block) => block.startsWith("event: announcement"));
  const [, data = ""] = announcement?.split("\ndata: ") ?? [];
  assertEquals(JSON.parse(data).event, "announcement");
  assertEquals(JSON.parse(data).message, 'Dinner is ready "now"');
  assertEquals(blocks.filter((block) => block.includes("id: ")).length, 2);
});

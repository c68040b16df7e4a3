import { assert, assertEquals, assertRejects } from "@std/assert";
import { OPEN_GRANT } from "../../../auth/authorizer.ts";
import type {
  Sanction,
  SanctionKey,
  SanctionStore,
} from "../../../server/moderation/sanction_store.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../../server/storage.ts";
import { JSON_ENCODER } from "../../../server/encoders/json.ts";
import { TEXT_ENCODER } from "../../../server/encoders/text.ts";
import {
  MAX_SANCTIONS,
  SanctionLimitError,
  Sanctions,
} from "../../../server/moderation/sanctions.ts";
import { formatUntil } from "../../../server/moderation/sanction_messages.ts";
import { isLoopbackNetwork, parseNetwork } from "../../../lib/net.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { RecordedClient, startMemoryHub } from "../../kit/memory_hub.ts";
import { until } from "../../kit/wait.ts";

const BY = { name: "Root", address: "198.51.100.1" };
const ADMIN = { ...OPEN_GRANT, admin: true };
const MESSAGE = { type: "message", room: "lobby", message: "hi", ref: 1 };

Deno.test("`kick()` ends only the sessions of a name, at once and with the reason", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve" });
  const bob = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Bob" });
  assertEquals(hub.moderation.kick("EVE", { reason: "spam" }, BY), {
    sessions: 1,
    addresses: ["192.0.2.7"],
  });
  assertEquals(eve.ended, [4503, "A moderator kicked you: spam"]);
  assertEquals(bob.ended, undefined);
  assertEquals(await bob.outcome(MESSAGE), "ok");
  // No grace time: the name is free, and the secret is invalid.
  const { session } = eve.all("welcome")[0] ?? {};
  const back = await new RecordedClient(hub, "192.0.2.7").hello({
    sender: "Eve",
    session,
    rooms: [],
  });
  assertEquals(back.all("welcome")[0]?.["sender"], "Eve");
  assertEquals(back.all("welcome")[0]?.["rooms"], []);
  assertEquals(hub.moderation.kick("Nobody", {}, BY), undefined);
});

Deno.test("`kick()` ends disconnected sessions and notifies plain clients in text", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve" });
  eve.connection.ended(1006);
  assertEquals(hub.moderation.kick("Eve", {}, BY), { sessions: 1, addresses: ["192.0.2.7"] });
  assertEquals(hub.moderation.kick("Eve", {}, BY), undefined);
  const plain = new RecordedClient(hub, "192.0.2.7", { encoder: JSON_ENCODER, sender: "Eve" });
  const text = new RecordedClient(hub, "192.0.2.7", { encoder: TEXT_ENCODER, sender: "Tex" });
  await until("both are in", () => plain.connection.welcomed && text.connection.welcomed);
  hub.moderation.kick("Eve", {}, BY);
  hub.moderation.kick("Tex", { reason: "no bots" }, BY);
  assertEquals(plain.all("system").at(-1)?.["message"], "A moderator kicked you");
  assertEquals(text.lines.at(-1), "* A moderator kicked you: no bots");
  assertEquals([plain.ended?.[0], text.ended?.[0]], [4503, 4503]);
});

Deno.test("`ban()` rejects every spelling of a name until it expires", async () => {
  await using world = await startMemoryHub();
  const { hub, clock } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve" });
  const bob = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Bob" });
  const sent = await hub.moderation.ban({ name: "Eve" }, { for: 60, reason: "spam" }, BY);
  assertEquals(sent, { sessions: 1, addresses: ["192.0.2.7"] });
  const message = "Eve is banned until 2026-01-01 00:01 UTC: spam";
  assertEquals(eve.ended, [4503, message]);
  for (const sender of ["Eve", "EVE", "Ｅｖｅ", "E\u200Dve"]) {
    const again = await new RecordedClient(hub, "203.0.113.9").hello({ sender });
    assertEquals(again.ended, [4503, message], sender);
    assertEquals(again.lines.map((line) => JSON.parse(line)), [
      { type: "bye", code: 4503, reconnect: false, message },
    ]);
  }
  const plain = new RecordedClient(hub, "203.0.113.9", { encoder: JSON_ENCODER, sender: "eve" });
  await until("the end", () => plain.ended);
  assertEquals(plain.ended, [4503, message]);
  // There is no other way to the name.
  assertEquals(
    await bob.outcome({ type: "nick", name: "eve" }),
    `name_taken: ${message}. Take another name`,
  );
  const guest = await new RecordedClient(hub, "192.0.2.7").hello();
  assertEquals(await guest.outcome({ ...MESSAGE, sender: "Eve" }), `forbidden: ${message}`);
  const late = await new RecordedClient(hub, "192.0.2.7").hello();
  late.sendFrame({ type: "hello", sender: "Eve" });
  await until("the end", () => late.ended);
  assertEquals(late.ended, [4503, message]);
  clock.advance(60_000);
  assertEquals(hub.moderation.list(), []);
  const free = await new RecordedClient(hub, "203.0.113.9").hello({ sender: "Eve" });
  assertEquals(free.all("welcome")[0]?.["sender"], "Eve");
});

Deno.test("`ban()` of an address covers its /64 and connections without a hello, but no moderators", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "2001:db8::7").hello({ sender: "Eve" });
  const silent = new RecordedClient(hub, "2001:db8::8");
  const root = await new RecordedClient(hub, "2001:db8::9", { grant: ADMIN }).hello({
    sender: "Root",
  });
  const other = await new RecordedClient(hub, "2001:db8:0:1::7").hello({ sender: "Bob" });
  await hub.moderation.ban({ address: "2001:db8::/64" }, {}, BY);
  assertEquals(eve.ended, [4503, "Your address is banned"]);
  assertEquals(silent.ended, [4503, "Your address is banned"]);
  assertEquals([root.ended, other.ended], [undefined, undefined]);
  const back = await new RecordedClient(hub, "2001:db8::ffff").hello({ sender: "Somebody" });
  assertEquals(back.ended, [4503, "Your address is banned"]);
  const admin = await new RecordedClient(hub, "2001:db8::a", { grant: ADMIN }).hello({
    sender: "Rita",
  });
  assertEquals(admin.ended, undefined);
  assertEquals((await hub.moderation.unban({ address: "2001:db8::/64" }, BY)).length, 1);
  assertEquals((await new RecordedClient(hub, "2001:db8::7").hello()).ended, undefined);
});

Deno.test("`ban()` of a moderator's own name does not lock the moderator out", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const root = await new RecordedClient(hub, "192.0.2.1", { grant: ADMIN }).hello({
    sender: "Root",
  });
  assertEquals(await hub.moderation.ban({ name: "Root" }, {}, BY), { sessions: 0, addresses: [] });
  assertEquals(root.ended, undefined);
  assertEquals(await root.outcome(MESSAGE), "ok");
  assertEquals(
    (await new RecordedClient(hub, "192.0.2.2").hello({ sender: "Root" })).ended?.[0],
    4503,
  );
});

Deno.test("`formatUntil()` never announces an end too early", () => {
  const end = (until: number) => formatUntil({ until });
  const whole = Date.parse("2026-01-31T23:59:00.000Z");
  assertEquals(end(whole), " until 2026-01-31 23:59 UTC");
  assertEquals(end(whole + 1), " until 2026-02-01 00:00 UTC");
  assertEquals(end(whole + 59_999), " until 2026-02-01 00:00 UTC");
  assertEquals(end(whole + 60_000), " until 2026-02-01 00:00 UTC");
  assertEquals(end(Infinity), "");
});

Deno.test("`mute()` rejects every way to write, even after a rename, until it expires", async () => {
  await using world = await startMemoryHub();
  const { hub, clock } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({
    sender: "Eve",
    rooms: [{ room: "lobby" }],
  });
  const bob = await new RecordedClient(hub, "192.0.2.8").hello({
    sender: "Bob",
    rooms: [{ room: "lobby" }],
  });
  assertEquals(await hub.moderation.mute({ name: "Eve" }, { for: 120, reason: "flood" }, BY), 1);
  const message = "You may not write for 2 minutes: a moderator muted you: flood";
  for (
    const frame of [
      MESSAGE,
      { type: "direct", to: "Bob", message: "psst", ref: 2 },
      { type: "typing", room: "lobby", active: true },
    ]
  ) {
    assertEquals(await eve.outcome(frame), `forbidden: ${message}`);
  }
  assertEquals(eve.all("error").at(-1)?.["retryAfter"], 120);
  assertEquals(await eve.outcome({ type: "typing", room: "lobby", active: false }), "ok");
  assertEquals(await eve.outcome({ type: "nick", name: "Mallory" }), "ok");
  assertEquals(await eve.outcome(MESSAGE), `forbidden: ${message}`);
  // Reading still works, and others are not affected.
  assertEquals(await eve.outcome({ type: "history", room: "lobby" }), "ok");
  assertEquals(await bob.outcome(MESSAGE), "ok");
  await until("the message", () => eve.all("message").length === 1);
  // The name is still muted for any client that takes it.
  assertEquals(await bob.outcome({ type: "nick", name: "Eve" }), "ok");
  assertEquals((await bob.outcome({ ...MESSAGE, ref: 2 })).slice(0, 9), "forbidden");
  clock.advance(120_000);
  assertEquals(await eve.outcome({ ...MESSAGE, ref: 3 }), "ok");
  assertEquals(await bob.outcome({ ...MESSAGE, ref: 3 }), "ok");
});

Deno.test("`unmute()` by name applies after a rename and keeps a mute by address", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({
    sender: "Eve",
    rooms: [{ room: "lobby" }],
  });
  await hub.moderation.mute({ name: "Eve", address: "192.0.2.7" }, {}, BY);
  await eve.outcome({ type: "nick", name: "Mallory" });
  assertEquals((await hub.moderation.unmute({ name: "Eve" }, BY)).length, 1);
  assertEquals(
    await eve.outcome(MESSAGE),
    "forbidden: You may not write: a moderator muted you",
  );
  assertEquals((await hub.moderation.unmute({ address: "192.0.2.7" }, BY)).length, 1);
  assertEquals(await eve.outcome(MESSAGE), "ok");
  assertEquals(eve.all("system").at(-1)?.["message"], "You may write again");
  assertEquals(await hub.moderation.unmute({ name: "Eve" }, BY), []);
});

Deno.test("`closeRoom()` empties a room and rejects joins and messages until it is opened", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const rooms = [{ room: "lobby" }, { room: "party" }];
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve", rooms });
  const bob = await new RecordedClient(hub, "192.0.2.8").hello({
    sender: "Bob",
    rooms: [rooms[0]],
  });
  assertEquals(await hub.moderation.closeRoom("party", { reason: "too loud" }, BY), 1);
  await until("the news", () => eve.all("left").length > 0);
  assertEquals(eve.all("left"), [{ type: "left", room: "party" }]);
  const message = "Room party is closed: too loud";
  assertEquals(eve.all("system").map(({ message, room }) => [message, room]), [[
    message,
    "party",
  ]]);
  assertEquals(eve.all("error"), []);
  assertEquals(await bob.outcome({ type: "join", room: "party" }), `forbidden: ${message}`);
  assertEquals(await eve.outcome({ ...MESSAGE, room: "party" }), `forbidden: ${message}`);
  assertEquals(await eve.outcome(MESSAGE), "ok");
  const late = await new RecordedClient(hub, "192.0.2.9").hello({ sender: "Late", rooms });
  const entered = late.all("welcome")[0]?.["rooms"];
  assertEquals(entered, ["lobby"]);
  await until("the reason", () => late.all("error")[0]?.["message"] === message);
  assertEquals(await hub.moderation.openRoom("party", BY), true);
  assertEquals(await hub.moderation.openRoom("party", BY), false);
  assertEquals(await bob.outcome({ type: "join", room: "party" }), "ok");
});

Deno.test("a join in progress is rejected when the room is closed", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve", rooms: [] });
  // The room is being loaded from the log when it is closed.
  eve.sendFrame({ type: "join", room: "party" });
  const arriving = new RecordedClient(hub, "192.0.2.8");
  arriving.sendFrame({ type: "hello", sender: "Bob", rooms: [{ room: "party" }] });
  await hub.moderation.closeRoom("party", {}, BY);
  await until("the refusal", () => eve.all("error").length + eve.all("left").length > 0);
  await until("the welcome", () => arriving.all("welcome").length > 0);
  assertEquals(eve.connection.session?.rooms, []);
  assertEquals(arriving.connection.session?.rooms, []);
  assertEquals(arriving.all("welcome")[0]?.["rooms"], []);
  assertEquals(arriving.all("error").map(({ code, room }) => [code, room]), [[
    "forbidden",
    "party",
  ]]);
});

Deno.test("`announce()` reaches all clients or a room in their encoding, and is not stored", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const eve = await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve", rooms: [] });
  const text = new RecordedClient(hub, "192.0.2.8", { encoder: TEXT_ENCODER, sender: "Tex" });
  const silent = new RecordedClient(hub, "192.0.2.9");
  await until("the text client is in", () => text.connection.welcomed);
  assertEquals(hub.moderation.announce("back in five minutes", undefined, BY), 2);
  assertEquals(hub.moderation.announce("lobby only", "lobby", BY), 1);
  assertEquals(hub.moderation.announce("nobody", "empty", BY), 0);
  await until("the announcement", () => eve.all("system").length > 0);
  assertEquals(eve.all("system").map(({ event, message }) => [event, message]), [
    ["announcement", "back in five minutes"],
  ]);
  assertEquals(text.lines.slice(-2), ["* back in five minutes", "* lobby only"]);
  assertEquals(silent.lines, []);
  await eve.outcome({ type: "history", room: "lobby", ref: "past" });
  assertEquals(eve.all("history")[0]?.["messages"], []);
});

Deno.test("sanctions hold for the next hub on the same log", async () => {
  await using broker = await openSqliteBroker({ path: ":memory:" });
  const { sanctions } = sqliteStorage(broker);
  {
    // The caller disposes of the broker, not the hub.
    const clock = new FakeClock();
    const { hub } = await startMemoryHub({ broker, clock });
    await hub.moderation.ban({ name: "Eve" }, { for: 3600 }, BY);
    await hub.moderation.mute({ name: "Bob" }, {}, BY);
    await hub.moderation.closeRoom("party", {}, BY);
    await hub[Symbol.asyncDispose]();
  }
  const clock = new FakeClock();
  const { hub } = await startMemoryHub({ broker, clock });
  await using _hub = hub;
  assertEquals(
    (await new RecordedClient(hub, "192.0.2.7").hello({ sender: "Eve" })).ended?.[0],
    4503,
  );
  const bob = await new RecordedClient(hub, "192.0.2.8").hello({
    sender: "Bob",
    rooms: [{ room: "lobby" }],
  });
  assertEquals((await bob.outcome(MESSAGE)).slice(0, 9), "forbidden");
  assertEquals((await bob.outcome({ type: "join", room: "party" })).slice(0, 9), "forbidden");
  clock.advance(3_600_000);
  await until("its removal", () => sanctions.all().length === 2);
  assertEquals(sanctions.all().map(({ kind }) => kind), ["close", "mute"]);
});

/** A store whose changes can be made to fail. */
class FailingStore implements SanctionStore {
  fails = false;
  all(): readonly Sanction[] {
    return [];
  }
  put(_: readonly Sanction[]): Promise<void> {
    return this.fails ? Promise.reject(new Error("disk full")) : Promise.resolve();
  }
  remove(_: readonly SanctionKey[]): Promise<void> {
    return this.put([]);
  }
}

Deno.test("`Sanctions` changes nothing if the store fails, and works afterwards", async () => {
  const store = new FailingStore();
  const sanctions = new Sanctions(store, new FakeClock());
  const key = { kind: "ban", on: "name", key: "eve" } as const;
  const ban: Sanction = { ...key, target: "Eve", by: "admin", since: 0, until: Infinity };
  store.fails = true;
  await assertRejects(() => sanctions.put([ban]), Error, "disk full");
  assertEquals(sanctions.find(key), undefined);
  store.fails = false;
  await sanctions.put([ban]);
  store.fails = true;
  await assertRejects(() => sanctions.lift([key]), Error, "disk full");
  assertEquals(sanctions.find(key), ban);
});

Deno.test("`Sanctions` rejects more than the maximum but still replaces existing ones", async () => {
  const sanctions = new Sanctions(new FailingStore(), new FakeClock());
  const ban = (n: number): Sanction => ({
    ...{ kind: "ban", on: "name", key: `n${n}`, target: `n${n}`, by: "admin" } as const,
    ...{ since: n, until: Infinity },
  });
  await sanctions.put(Array.from({ length: MAX_SANCTIONS }, (_, n) => ban(n)));
  await assertRejects(() => sanctions.put([ban(MAX_SANCTIONS)]), SanctionLimitError);
  await sanctions.put([ban(0)]);
  assertEquals(sanctions.list().length, MAX_SANCTIONS);
});

Deno.test("`parseNetwork()` accepts all spellings of an address, but no larger network", () => {
  for (
    const [text, network] of [
      ["192.0.2.7", "192.0.2.7"],
      ["192.0.2.7/32", "192.0.2.7"],
      ["2001:DB8::7", "2001:db8::/64"],
      ["[2001:db8::7]", "2001:db8::/64"],
      ["2001:db8::/64", "2001:db8::/64"],
      ["2001:db8::7/128", "2001:db8::/64"],
      ["::ffff:192.0.2.7", "192.0.2.7"],
    ] as const
  ) assertEquals(parseNetwork(text), network, text);
  for (
    const text of [
      ...[
        "",
        "Eve",
        "192.0.2",
        "192.0.2.7/24",
        "010.0.0.1",
        "2001:db8::/32",
        "::/0",
        "2001:db8::g",
      ],
      ...["192.0.2.7:80", "0.0.0.0/0", "1", "::1%eth0; DROP", "\x1b[2J", "1".repeat(1000)],
    ]
  ) assertEquals(parseNetwork(text), undefined, text);
  for (const text of ["127.0.0.1", "127.1.2.3", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]) {
    assert(isLoopbackNetwork(parseNetwork(text) ?? ""), text);
  }
  assert(!isLoopbackNetwork(parseNetwork("2001:db8::1") ?? ""));
});

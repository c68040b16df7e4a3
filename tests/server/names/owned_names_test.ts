import { assert, assertEquals, assertMatch } from "@std/assert";
import { OPEN_GRANT } from "../../../auth/authorizer.ts";
import type { OwnedName, OwnedNameStore } from "../../../server/names/owned_name_store.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { JSON_ENCODER } from "../../../server/encoders/json.ts";
import type { Hub } from "../../../server/hub.ts";
import { MAX_OWNED_NAMES, OWNED_NAME_DAYS, OwnedNames } from "../../../server/names/owned_names.ts";
import { nameKey } from "../../../protocol.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { CLIENT_KINDS, InProcessHub } from "../../kit/client_kinds.ts";
import { RecordedClient, startMemoryHub } from "../../kit/memory_hub.ts";
import { until } from "../../kit/wait.ts";

const BY = { name: "Root", address: "198.51.100.1" };
const DAY = 86_400_000;
const NAMES = ["Alice", "jean-luc", "山田 太郎", "👩‍🚀 Ada", "علي", "O'Neil (x)", "é", "Ｂｏｂ"];

/** The same name, written differently. */
function otherwise(name: string): string {
  const written = name.toUpperCase();
  return written !== name && nameKey(written) === nameKey(name) ? written : `${name}\u200D`;
}

function grantFor(name: string) {
  return { ...OPEN_GRANT, name };
}

function post(hub: Hub, sender: string | undefined, name?: string) {
  return hub.httpPublisher.publish({
    room: "lobby",
    frame: { type: "message", message: "hi", ...(sender === undefined ? {} : { sender }) },
    grant: name === undefined ? OPEN_GRANT : grantFor(name),
    address: "192.0.2.7",
    size: 2,
  });
}

/** A hub on the log at `path`; disposing of it ends both, as a restart would. */
async function start(path: string, clock: FakeClock) {
  const broker = await openSqliteBroker({ path, now: () => clock.now() });
  const { hub } = await startMemoryHub({ broker, clock });
  return {
    hub,
    broker,
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an owned name is refused to other clients, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const path = `${folder.path}/bcast.db`;
  {
    await using first = await start(path, clock);
    for (const [index, name] of NAMES.entries()) {
      const how = index % 3;
      if (how === 0) {
        await new RecordedClient(first.hub, "192.0.2.7", { grant: grantFor(name) }).hello();
      } else if (how === 1) {
        const grant = grantFor(name);
        const client = new RecordedClient(first.hub, "192.0.2.7", { encoder: JSON_ENCODER, grant });
        await until("the welcome", () => client.connection.welcomed);
      } else {
        assertEquals((await post(first.hub, undefined, name)).kind, "published");
      }
    }
  }
  await using second = await start(path, clock);
  const { hub } = second;
  const guest = await new RecordedClient(hub, "192.0.2.8").hello({ sender: "Guest" });
  for (const name of NAMES) {
    for (const written of [name, otherwise(name)]) {
      const nick = await guest.outcome({ type: "nick", name: written });
      assertEquals(nick, `name_taken: ${written} is reserved for a token: choose another`);
      assertEquals((await post(hub, written)).kind, "name_taken", written);
      const late = await new RecordedClient(hub, "192.0.2.8").hello({ sender: written });
      const given = String(late.all("welcome")[0]?.["sender"]);
      assert(nameKey(given) !== nameKey(name), `${given} for ${written}`);
    }
    // Its own token is let in.
    const owner = await new RecordedClient(hub, "192.0.2.7", { grant: grantFor(name) }).hello();
    assertEquals(owner.all("welcome")[0]?.["sender"], name);
  }
});

Deno.test("a token takes its name from a guest, whichever way it is first used", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const guest = await new RecordedClient(hub, "192.0.2.8").hello({ sender: "ALICE" });
  assertEquals((await post(hub, undefined, "Alice")).kind, "published");
  assertEquals(guest.connection.session?.name, "ALICE-2");
  const alice = await new RecordedClient(hub, "192.0.2.7", { grant: grantFor("Alice") }).hello();
  assertEquals(alice.all("welcome")[0]?.["sender"], "Alice");
  // Another spelling of it is another token's.
  const other = await new RecordedClient(hub, "192.0.2.9", { grant: grantFor("alice") }).hello();
  assertEquals(other.ended?.[0], 4501);
  assertEquals((await post(hub, undefined, "alice")).kind, "name_taken");
});

Deno.test("`releaseName()` frees a name permanently, unless its owner is connected", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const path = `${folder.path}/bcast.db`;
  {
    await using first = await start(path, clock);
    const { hub } = first;
    const alice = await new RecordedClient(hub, "192.0.2.7", { grant: grantFor("alice") }).hello();
    assertEquals(await hub.moderation.releaseName("Alice", BY), "in use");
    alice.connection.ended(1000);
    assertEquals(await hub.moderation.releaseName("ALICE", BY), "released");
    assertEquals(await hub.moderation.releaseName("ALICE", BY), "free");
    const guest = await new RecordedClient(hub, "192.0.2.8").hello({ sender: "Alice" });
    assertEquals(guest.all("welcome")[0]?.["sender"], "Alice");
  }
  await using second = await start(path, clock);
  assertEquals((await post(second.hub, "Alice")).kind, "published");
});

Deno.test("an owned name is free again after the documented time without use", async () => {
  await using world = await startMemoryHub();
  const { hub, clock } = world;
  const proven = (await post(hub, undefined, "Alice")).kind;
  assertEquals(proven, "published");
  await post(hub, undefined, "Bob");
  clock.skip((OWNED_NAME_DAYS - 1) * DAY);
  await post(hub, undefined, "Bob");
  assertEquals((await post(hub, "alice")).kind, "name_taken");
  clock.skip(DAY + 2000);
  assertEquals((await post(hub, "alice")).kind, "published");
  assertEquals((await post(hub, "bob")).kind, "name_taken");
});

Deno.test("a client connected for longer than that time keeps its name", async () => {
  await using world = await startMemoryHub();
  const { hub, clock } = world;
  const alice = await new RecordedClient(hub, "192.0.2.7", { grant: grantFor("Alice") }).hello();
  clock.skip((OWNED_NAME_DAYS + 1) * DAY);
  assertEquals((await post(hub, "alice")).kind, "name_taken");
  const other = await new RecordedClient(hub, "192.0.2.9", { grant: grantFor("ALICE") }).hello();
  assertEquals(other.ended?.[0], 4501);
  alice.connection.ended(1000);
  assertEquals((await post(hub, "alice")).kind, "name_taken");
});

/** A store that counts what is written, and can be made to fail. */
class CountingStore implements OwnedNameStore {
  fails = false;
  readonly names = new Map<string, OwnedName>();
  puts = 0;
  all(): readonly OwnedName[] {
    return [...this.names.values()].sort((a, b) => a.seen - b.seen);
  }
  put(names: readonly OwnedName[]): Promise<void> {
    if (this.fails) return Promise.reject(new Error("disk full"));
    this.puts++;
    for (const name of names) this.names.set(name.key, name);
    return Promise.resolve();
  }
  remove(keys: readonly string[]): Promise<void> {
    if (this.fails) return Promise.reject(new Error("disk full"));
    for (const key of keys) this.names.delete(key);
    return Promise.resolve();
  }
}

Deno.test("`OwnedNames` writes names of one turn together, and a name once a day", async () => {
  const store = new CountingStore();
  const clock = new FakeClock();
  const names = new OwnedNames(store, clock);
  for (const name of NAMES) assert(names.own(name));
  await names.save();
  assertEquals(store.puts, 1);
  for (let hour = 0; hour < 48; hour++) {
    clock.skip(DAY / 24);
    names.own("Alice");
    await names.save();
  }
  assertEquals(store.puts, 3);
});

Deno.test("`OwnedNames` retries writing a name after a failure", async () => {
  const store = new CountingStore();
  const names = new OwnedNames(store, new FakeClock());
  store.fails = true;
  assert(names.own("Alice"));
  await names.save();
  assert(names.has("ALICE"));
  assertEquals(store.names.size, 0);
  store.fails = false;
  names.sweep();
  await names.save();
  assertEquals([...store.names.keys()], ["alice"]);
});

Deno.test("`OwnedNames` is bounded: the least recently used name is freed first, also in the store", async () => {
  const store = new CountingStore();
  const clock = new FakeClock();
  for (let n = 0; n < MAX_OWNED_NAMES; n++) {
    store.names.set(`n${n}`, { key: `n${n}`, name: `n${n}`, seen: clock.now() + n });
  }
  const names = new OwnedNames(store, clock);
  clock.skip(2 * DAY);
  assert(names.own("n0"));
  assert(names.own("new"));
  await names.save();
  assertEquals([names.has("n0"), names.has("n1"), names.has("new")], [true, false, true]);
  assertEquals(store.names.size, MAX_OWNED_NAMES);
  assert(!store.names.has("n1"));
});

for (const [what, kind] of Object.entries(CLIENT_KINDS)) {
  if (what.startsWith("event stream")) continue;
  Deno.test(`a message has an account exactly if a token proved its sender: ${what}`, async () => {
    await using world = await InProcessHub.open(kind.token);
    const person = await kind.open(world, "Zoë 世界", "192.0.2.7");
    await person.send?.("who says so?");
    await until("the message", () => world.isLogged("who says so?"));
    const { messages } = await world.hub.queries.messages({ type: "history", room: "lobby" });
    const message = messages.find(({ message }) => message === "who says so?");
    assertEquals(message?.sender, "Zoë 世界");
    assertEquals(message?.account, kind.token ? "Zoë 世界" : undefined);
  });
}

Deno.test("a private message has an account if and only if a token proves its sender, also after renames", async () => {
  await using world = await startMemoryHub();
  const { hub } = world;
  const bob = await new RecordedClient(hub, "192.0.2.8").hello({ sender: "Bob" });
  const alice = await new RecordedClient(hub, "192.0.2.7", { grant: grantFor("Alice") }).hello();
  // A shared secret is a token, but no name.
  const shared = await new RecordedClient(hub, "192.0.2.9", { grant: OPEN_GRANT }).hello({
    sender: "Al",
  });
  assertMatch(await shared.outcome({ type: "nick", name: "alice" }), /^name_taken/);
  assertEquals(await shared.outcome({ type: "nick", name: "Alicia" }), "ok");
  assertMatch(await alice.outcome({ type: "nick", name: "Mallory" }), /^forbidden/);
  // What a client claims counts for nothing.
  const direct = { type: "direct", to: "Bob", message: "psst", account: "Mallory" };
  await shared.outcome(direct);
  await alice.outcome(direct);
  await until("both", () => bob.all("direct").length === 2);
  assertEquals(bob.all("direct").map(({ sender, account }) => [sender, account]), [
    ["Alicia", undefined],
    ["Alice", "Alice"],
  ]);
});

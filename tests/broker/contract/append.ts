import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { MessageDraft } from "../../../broker/broker.ts";
import type { Content } from "../../../protocol.ts";
import {
  ContractClock,
  type ContractTest,
  draft,
  drafts,
  ids,
  kinds,
  only,
  readAll,
  store,
} from "./broker_contract_kit.ts";

/** A draft that no log can store: JSON cannot hold it. */
const IMPOSSIBLE = draft("lobby", { data: 1n });

const CONTENTS: readonly Content[] = [
  { message: "plain" },
  { message: "\u0000" },
  { message: "a\u0000b\u0000\u0000" },
  { message: "\u0001\u0002\u0000\u0001\u0001\u0002" },
  { message: "two\nlines\tand\u001b[31m escapes" },
  { message: "Grüße, 你好, שלום, 👩‍👩‍👧‍👦, e\u0301, \u{10ffff}" },
  { message: "'; DROP TABLE messages; --" },
  { message: "", data: {} },
  { message: "both", data: [1, "two", { three: null }] },
  { data: null },
  { data: false },
  { data: 0 },
  { data: "" },
  { data: "\ud800 alone, and \udfff" },
  { data: "nul \u0000 \u0001" },
  { data: { "\ud83d": ["\ude00"], "": [], nested: [[[[]]]] } },
  { data: JSON.parse(`{"__proto__":{"a":1},"constructor":2}`) },
  { data: 1.7976931348623157e308 },
];

/** `append()` and `head()`. */
export function appendContract(test: ContractTest): void {
  test("`append()` assigns the ids 1, 2, 3 in each room", async (place) => {
    await using broker = await place.open();
    const rooms = ["a", "b", "a", "a", "b"];
    const first = await store(broker, rooms.map((room) => draft(room, "hi")));
    assertEquals(ids(first), [1, 1, 2, 3, 2]);
    assertEquals(first.map(({ room }) => room), rooms);
    assertEquals(ids(await store(broker, [draft("b", "hi"), draft("c", "hi")])), [3, 1]);
  });

  test("`append()` assigns consecutive ids in the order of calls", async (place) => {
    await using broker = await place.open();
    const calls = Array.from({ length: 50 }, (_, call) => drafts("lobby", call % 7 + 1));
    const stored = await Promise.all(calls.map((batch) => store(broker, batch)));
    assertEquals(ids(stored.flat()), stored.flat().map((_, index) => index + 1));
    assertEquals(await readAll(broker, "lobby"), stored.flat());
  });

  test("`append()` of nothing does nothing", async (place) => {
    await using broker = await place.open();
    assertEquals(await broker.append([]), []);
    assertEquals(await broker.rooms(), []);
  });

  test("`append()` stores every content exactly", async (place) => {
    await using broker = await place.open();
    const stored = await store(broker, CONTENTS.map((content) => draft("lobby", content)));
    const read = await readAll(broker, "lobby");
    for (const [index, { message, data }] of CONTENTS.entries()) {
      for (const kept of [stored[index], read[index]]) {
        assertEquals(kept?.message, message);
        assertEquals(JSON.stringify(kept?.data), JSON.stringify(data));
      }
    }
    assertEquals(JSON.stringify(read), JSON.stringify(stored));
  });

  test("`append()` stores arbitrary contents exactly", async (place) => {
    await using broker = await place.open();
    const message = fc.string({ unit: "binary", maxLength: 100 });
    const data = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)));
    const content: fc.Arbitrary<Content> = fc.oneof(
      fc.record({ message }),
      fc.record({ data }),
      fc.record({ message, data }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 5 }), async (contents) => {
        const stored = await store(broker, contents.map((one) => draft("lobby", one)));
        const read = await broker.read("lobby", { limit: contents.length });
        assertEquals(JSON.stringify(read), JSON.stringify(stored));
        assertEquals(read.map((one) => one.message), contents.map((one) => one.message));
        assertEquals(read.map((one) => one.data), contents.map((one) => one.data));
      }),
      { numRuns: 100 },
    );
  });

  test("`append()` stores sender and kind", async (place) => {
    await using broker = await place.open();
    const wave: MessageDraft = {
      room: "lobby",
      sender: "Zoë \u{1f600}",
      content: { message: "waves", data: { with: "both" } },
      kind: "action",
    };
    const stored = only(await store(broker, [wave]));
    assertEquals(stored.sender, wave.sender);
    assertEquals(stored.kind, "action");
    assertEquals(await readAll(broker, "lobby"), [stored]);
    const plain = only(await store(broker, [draft("lobby", "hi")]));
    assert(!("kind" in plain));
    assert(!("data" in plain));
  });

  test("`append()` sets the time in UTC with milliseconds", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    assertEquals(
      only(await store(broker, [draft("lobby", "hi")])).timestamp,
      "2026-01-02T03:04:05.678Z",
    );
    clock.time = Date.UTC(2026, 0, 2, 3, 4, 6) + 0.75;
    assertEquals(
      only(await store(broker, [draft("lobby", "hi")])).timestamp,
      "2026-01-02T03:04:06.000Z",
    );
  });

  test("`append()` keeps timestamps rising if the clock goes back by up to a minute", async (place) => {
    const clock = new ContractClock();
    let broker = await place.open({ now: clock.now });
    const before = only(await store(broker, [draft("a", "hi")])).timestamp;
    clock.time -= 60_000;
    assertEquals(only(await store(broker, [draft("b", "hi")])).timestamp, before);
    if (place.persistent) {
      await broker[Symbol.asyncDispose]();
      broker = await place.open({ now: clock.now });
      assertEquals(only(await store(broker, [draft("c", "hi")])).timestamp, before);
    }
    await broker[Symbol.asyncDispose]();
  });

  test("`append()` uses the clock again after a timestamp far in the future", async (place) => {
    const clock = new ContractClock();
    let broker = await place.open({ now: clock.now });
    const right = clock.time;
    for (const ahead of [60_001, 3_600_000, 10 * 365 * 86_400_000]) {
      clock.time = right + ahead;
      const wrong = only(await store(broker, [draft("a", "hi")]));
      assertEquals(wrong.timestamp, new Date(right + ahead).toISOString());
      clock.time = right;
      if (place.persistent && ahead > 3_600_000) {
        await broker[Symbol.asyncDispose]();
        broker = await place.open({ now: clock.now });
      }
      for (const room of ["a", "b"]) {
        const { timestamp } = only(await store(broker, [draft(room, "hi")]));
        assertEquals(timestamp, new Date(right).toISOString());
      }
    }
    assertEquals(ids(await readAll(broker, "a")), [1, 2, 3, 4, 5, 6]);
    await broker[Symbol.asyncDispose]();
  });

  test("`append()` stores nothing of a failed batch and works afterwards", async (place) => {
    await using broker = await place.open();
    const heard: number[] = [];
    using _ = broker.subscribe((messages) => heard.push(...ids(messages)));
    await store(broker, [draft("lobby", "one")]);
    const receipts = await broker.append([draft("lobby", "two"), draft("new", "x"), IMPOSSIBLE]);
    assertEquals(kinds(receipts), ["failed", "failed", "failed"]);
    for (const receipt of receipts) {
      assert(receipt.kind === "failed");
      assert(receipt.error instanceof Error);
    }
    assertEquals((await broker.rooms()).map(({ room, last }) => [room, last]), [["lobby", 1]]);
    assertEquals((await broker.head("new")).last, 0);
    assertEquals(heard, [1]);
    assertEquals(ids(await store(broker, [draft("lobby", "two"), draft("new", "x")])), [2, 1]);
    assertEquals((await readAll(broker, "lobby")).map(({ message }) => message), ["one", "two"]);
    assertEquals(heard, [1, 2, 1]);
  });

  test("`append()` fails after dispose", async (place) => {
    const broker = await place.open();
    await broker[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
    assertEquals(kinds(await broker.append(drafts("lobby", 2))), ["failed", "failed"]);
    broker.subscribe(() => {})[Symbol.dispose]();
    assertEquals(await broker.trim(), 0);
  });

  test("`check()` writes no message and fails after dispose", async (place) => {
    const broker = await place.open();
    await broker.check();
    await broker.check();
    assertEquals(await broker.rooms(), []);
    await broker[Symbol.asyncDispose]();
    await assertRejects(() => broker.check(), Error, "closed");
  });

  test("`head()` returns the same epoch before and after the first message", async (place) => {
    await using broker = await place.open();
    const before = await broker.head("lobby");
    assertMatch(before.epoch, /^[\w-]{8,64}$/);
    assertEquals(before, { epoch: before.epoch, first: 1, last: 0 });
    assertEquals(await broker.rooms(), []);
    await store(broker, drafts("lobby", 3));
    assertEquals(await broker.head("lobby"), { epoch: before.epoch, first: 1, last: 3 });
  });

  test("`head()` continues after reopening, in the same epoch if the log is persistent", async (place) => {
    let broker = await place.open();
    const { epoch } = await broker.head("lobby");
    const kept = await store(broker, [...drafts("lobby", 3), draft("b", { data: { x: 1 } })]);
    await broker[Symbol.asyncDispose]();
    broker = await place.open();
    const after = await broker.head("lobby");
    if (place.persistent) {
      assertEquals(after, { epoch, first: 1, last: 3 });
      assertEquals([...await readAll(broker, "lobby"), ...await readAll(broker, "b")], kept);
      assertEquals(ids(await store(broker, [draft("lobby", "m4")])), [4]);
    } else {
      assert(after.epoch !== epoch);
      assertEquals(after.last, 0);
    }
    await broker[Symbol.asyncDispose]();
  });

  test("`rooms()` lists rooms with messages in order", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 2 } });
    await store(broker, [...drafts("zoo", 3), ...drafts("a-b", 1), ...drafts("a", 2)]);
    await broker.head("empty-room");
    const { epoch } = await broker.head("zoo");
    assertEquals(await broker.rooms(), [
      { room: "a", epoch, first: 1, last: 2 },
      { room: "a-b", epoch, first: 1, last: 1 },
      { room: "zoo", epoch, first: 2, last: 3 },
    ]);
  });
}

import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { textOf, toLine, toMessage } from "../../../broker/sqlite/lines.ts";
import { MessageKeys } from "../../../broker/sqlite/chunk.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { DEDUPE_MINUTES } from "../../../protocol.ts";
import {
  ContractClock,
  draft,
  drafts,
  ids,
  readAll,
  store,
} from "../contract/broker_contract_kit.ts";

/** Registers a test that gets an empty directory. */
function test(what: string, run: (path: string) => Promise<void>): void {
  Deno.test(what, async () => {
    const dir = await Deno.makeTempDir({ prefix: "bcast-log-" });
    try {
      await run(`${dir}/log.db`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

/** First id, count, whether it has keys and whether it has messages, for each row of a closed log. */
function rows(path: string): readonly unknown[][] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(
      `SELECT seq & 0xffffffffff AS first, count, refs IS NOT NULL AS refs, body IS NOT NULL AS body
        FROM chunks ORDER BY seq`,
    ).all().map((row) => Object.values(row));
  } finally {
    db.close();
  }
}

test("`append()` stores a room's batch in few rows", async (path) => {
  {
    await using broker = await openSqliteBroker({ path });
    const origin = { sender: "s", key: "1" };
    await store(broker, [
      draft("a", "1"),
      draft("b", "1"),
      draft("a", "2"),
      draft("b", "2", origin),
    ]);
    await store(broker, drafts("a", 1));
    await store(broker, drafts("a", 600));
    await store(broker, Array.from({ length: 10 }, () => draft("a", "x".repeat(60_000))));
  }
  assertEquals(rows(path), [
    [1, 2, 0, 1],
    [3, 1, 0, 1],
    [4, 256, 0, 1],
    [260, 256, 0, 1],
    [516, 88, 0, 1],
    [604, 5, 0, 1],
    [609, 5, 0, 1],
    [1, 2, 1, 1],
  ]);
});

test("`trim()` deletes rows with their last message, and keys once they have expired", async (path) => {
  const clock = new ContractClock();
  const options = { path, now: clock.now, retention: { maxMessages: 10 } };
  const visit = async (work: (broker: Awaited<ReturnType<typeof openSqliteBroker>>) => unknown) => {
    await using broker = await openSqliteBroker(options);
    await work(broker);
    await broker.trim();
  };
  let key = 0;
  const marked = (count: number) =>
    Array.from(
      { length: count },
      () => draft("lobby", "hi", { sender: "s", key: `${key++}` }),
    );
  await visit((broker) => store(broker, [...marked(1), ...drafts("lobby", 14)]));
  assertEquals(rows(path), [[1, 15, 1, 1]]);
  await visit((broker) => store(broker, drafts("lobby", 9)));
  assertEquals(rows(path), [[1, 15, 1, 1], [16, 9, 0, 1]]);
  await visit((broker) => store(broker, marked(3)));
  assertEquals(rows(path), [[1, 15, 1, 0], [16, 9, 0, 1], [25, 3, 1, 1]]);
  clock.time += 1000;
  await visit((broker) => store(broker, marked(10)));
  assertEquals(rows(path), [[1, 15, 1, 0], [25, 3, 1, 0], [28, 10, 1, 1]]);
  clock.time += DEDUPE_MINUTES * 60_000 - 1000;
  await visit(() => {});
  assertEquals(rows(path), [[28, 10, 1, 1]]);
  clock.time += 1000;
  await visit((broker) => store(broker, drafts("lobby", 11)));
  assertEquals(rows(path), [[38, 11, 0, 1]]);
});

test("`trim()` deletes the keys of many small batches in slices", async (path) => {
  const clock = new ContractClock();
  {
    const retention = { maxMessages: 1 };
    await using broker = await openSqliteBroker({ path, now: clock.now, retention });
    for (let key = 0; key < 4500; key++) {
      await store(broker, [draft("lobby", "hi", { sender: "s", key: `${key}` })]);
    }
    assertEquals(await broker.trim(), 4499);
    clock.time += DEDUPE_MINUTES * 60_000;
    assertEquals(await broker.trim(), 0);
  }
  assertEquals(rows(path), [[4500, 1, 1, 1]]);
});

test("`append()` keeps the write-ahead log short and loses nothing", async (path) => {
  const appended = 300;
  {
    await using broker = await openSqliteBroker({ path });
    for (let count = 0; count < appended; count++) {
      await store(broker, Array.from({ length: 16 }, () => draft("lobby", "x".repeat(3000))));
      await setImmediate();
    }
    assertLess(Deno.statSync(`${path}-wal`).size, 12_000_000);
    assertEquals((await readAll(broker, "lobby")).length, 16 * appended);
  }
  await using again = await openSqliteBroker({ path });
  const kept = await readAll(again, "lobby");
  assertEquals(ids(kept), kept.map((_, index) => index + 1));
  assertEquals(kept.length, 16 * appended);
});

test("disposing waits for the disk and closes once", async (path) => {
  const broker = await openSqliteBroker({ path });
  // Enough to start a checkpoint, which then runs.
  await store(broker, Array.from({ length: 200 }, () => draft("lobby", "x".repeat(30_000))));
  await Promise.all([broker[Symbol.asyncDispose](), broker[Symbol.asyncDispose]()]);
  await using again = await openSqliteBroker({ path });
  assertEquals((await again.head("lobby")).last, 200);
});

const ANNOTATED = [
  [undefined, undefined],
  ["action", undefined],
  [undefined, { format: "markdown" }],
  ["action", { account: "al", via: ["a", "b.c-d_1"] }],
  ["x-acme-note", { "x-acme-job": { "\t\n": null }, "x-acme-list": [] }],
] as const;

Deno.test("`toMessage()` restores any message from `toLine()`, whose separators are unambiguous", () => {
  const sender = "A\t\n\u0000\u2028";
  for (const message of [undefined, "", "a\tb\nc\u0000\ud800", "\\t\\n"]) {
    for (const data of [undefined, null, "", [{ "\t\n\u0000": "\t" }], 0]) {
      for (const [kind, annotations] of ANNOTATED) {
        const content = message === undefined
          ? { data }
          : { message, ...(data === undefined ? {} : { data }) };
        if (message === undefined && data === undefined) {
          assertThrows(() => toLine("{}", content, kind, annotations), TypeError);
          continue;
        }
        const line = toLine(JSON.stringify(sender), content, kind, annotations);
        assert(!line.includes("\n") && !line.includes("\u0000"));
        assertEquals(textOf(line), message);
        assertEquals(toMessage("room", 7, "now", line), {
          type: "message",
          room: "room",
          id: 7,
          sender,
          ...(message === undefined ? {} : { message }),
          ...(data === undefined ? {} : { data }),
          timestamp: "now",
          ...(kind === undefined ? {} : { kind }),
          ...annotations,
        });
      }
    }
  }
});

Deno.test("`MessageKeys` finds each origin at its index, before and after storing", () => {
  const marks = new MessageKeys();
  assertEquals(marks.encode(), null);
  const places = [0, 1, 2, 5, 6, 9, 10] as const;
  const origin = (place: number) => ({ sender: place < 6 ? "s" : "t\u0000", key: `k${place}` });
  for (const place of places) marks.add(place, origin(place));
  for (const one of [marks, MessageKeys.decode(marks.encode() ?? "")]) {
    for (const place of places) assertEquals(one.find(origin(place)), place);
    assertEquals(one.find({ sender: "s", key: "k6" }), undefined);
    assertEquals(one.find({ sender: "s", key: "s" }), undefined);
    const seen: string[] = [];
    one.forEach((_sender, key) => seen.push(key));
    assertEquals(seen, places.map((place) => `k${place}`));
  }
});

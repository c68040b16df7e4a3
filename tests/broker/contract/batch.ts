import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Broker, MessageDraft, Range } from "../../../broker/broker.ts";
import { DEDUPE_MINUTES } from "../../../protocol.ts";
import {
  type BrokerStore,
  ContractClock,
  type ContractTest,
  draft,
  drafts,
  ids,
  kinds,
  readAll,
  store,
} from "./broker_contract_kit.ts";

const WINDOW = DEDUPE_MINUTES * 60_000;

/** Batch sizes around every limit of a chunk. */
const SIZES = [1, 2, 1, 255, 256, 257, 1, 600, 3];

/** All ranges that start or end at, before or after a batch boundary. */
function edges(sizes: readonly number[]): readonly number[] {
  const found = new Set<number>([0, 1]);
  let end = 0;
  for (const size of sizes) {
    end += size;
    for (const id of [end - 1, end, end + 1, end - Math.floor(size / 2)]) found.add(id);
  }
  return [...found].filter((id) => id >= 0);
}

/** Compares the results of `read()` and `search()` with a list of all ids. */
async function agrees(broker: Broker, all: readonly number[], bounds: readonly number[]) {
  const expect = async (range: Range): Promise<void> => {
    const { after, before = Infinity, limit } = range;
    const part = all.filter((id) => id > (after ?? 0) && id < before);
    const wanted = after === undefined ? part.slice(-limit) : part.slice(0, limit);
    const read = await broker.read("lobby", range);
    assertEquals(ids(read), wanted);
    assertEquals(read.map(({ message }) => message), wanted.map((id) => `word w${id}`));
    assertEquals(ids(await broker.search("lobby", "word", range)), wanted);
  };
  for (const bound of bounds) {
    for (const limit of [1, 2, 256, 5000]) {
      await expect({ before: bound, limit });
      await expect({ after: bound, limit });
      await expect({ after: bound, before: bound + 300, limit });
    }
  }
}

/** Appends batches of these sizes; each text contains the expected id. */
async function fill(broker: Broker, sizes: readonly number[], last = 0): Promise<number> {
  let id = last;
  for (const size of sizes) {
    const batch = Array.from({ length: size }, () => draft("lobby", `word w${++id}`));
    await store(broker, batch);
  }
  return id;
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

/** Closes and reopens a persistent log. */
async function reopened(
  place: BrokerStore,
  broker: Broker,
  options: Parameters<BrokerStore["open"]>[0],
): Promise<Broker> {
  if (!place.persistent) return broker;
  await broker[Symbol.asyncDispose]();
  return place.open(options);
}

/** Batches of all sizes: their boundaries must not matter. */
export function batchContract(test: ContractTest): void {
  test("`read()` and `search()` cross batch boundaries", async (place) => {
    let broker = await place.open();
    const last = await fill(broker, SIZES);
    await agrees(broker, numbers(1, last), edges(SIZES));
    broker = await reopened(place, broker, undefined);
    await agrees(broker, numbers(1, last), edges(SIZES).slice(0, 8));
    assertEquals(await fill(broker, [1], last), last + 1);
    await broker[Symbol.asyncDispose]();
  });

  test("`append()` stores a huge batch completely", async (place) => {
    await using broker = await place.open();
    const long = "ä".repeat(60_000);
    const batch: MessageDraft[] = Array.from(
      { length: 1500 },
      (_, index) => draft(index % 7 === 0 ? "other" : "lobby", index % 100 === 1 ? long : "short"),
    );
    const stored = await store(broker, batch);
    assertEquals(await readAll(broker, "lobby"), stored.filter(({ room }) => room === "lobby"));
    assertEquals(await readAll(broker, "other"), stored.filter(({ room }) => room === "other"));
    assertEquals(ids(await readAll(broker, "other")), numbers(1, 215));
  });

  test("`append()` separates the rooms of a batch", async (place) => {
    let broker = await place.open();
    const rooms = ["a", "b", "c"];
    for (let round = 0; round < 5; round++) {
      const batch = Array.from(
        { length: 100 },
        (_, i) =>
          draft(rooms[(i * i + round) % 3] ?? "", `m${i}`, {
            sender: `s${i % 4}`,
            key: `${round}-${i}`,
          }),
      );
      const stored = await store(broker, batch);
      broker = await reopened(place, broker, undefined);
      const again = await broker.append([...batch].reverse());
      assertEquals(
        again.map((receipt) => receipt.kind === "duplicate" && [receipt.room, receipt.id]),
        [...stored].reverse().map(({ room, id }) => [room, id]),
      );
    }
    for (const room of rooms) {
      const { last } = await broker.head(room);
      assertEquals(ids(await readAll(broker, room)), numbers(1, last));
    }
    await broker[Symbol.asyncDispose]();
  });

  test("`trim()` in the middle of a batch deletes exactly the excess", async (place) => {
    const options = { retention: { maxMessages: 100 } };
    let broker = await place.open(options);
    let last = await fill(broker, [150]);
    let dropped = 0;
    for (const size of [0, 1, 30, 49, 20, 1, 250, 99, 3, 700, 1]) {
      if (size > 0) last = await fill(broker, [size], last);
      dropped += await broker.trim();
      assertEquals(dropped, last - 100);
      assertEquals(await broker.trim(), 0);
      broker = await reopened(place, broker, options);
      const { first } = await broker.head("lobby");
      assertEquals(first, last - 99);
      await agrees(broker, numbers(first, last), [0, first - 2, first - 1, first, last - 1, last]);
    }
    await broker[Symbol.asyncDispose]();
  });

  test("`append()` recognizes repeats from a partly or fully trimmed batch", async (place) => {
    const clock = new ContractClock();
    const options = { now: clock.now, retention: { maxMessages: 10 } };
    let broker = await place.open(options);
    const batch = (name: string, size: number): readonly MessageDraft[] =>
      Array.from({ length: size }, (_, i) => draft("lobby", "hi", { sender: name, key: `${i}` }));
    const early = batch("early", 25);
    const late = batch("late", 40);
    const expect = async (drafts: readonly MessageDraft[], first: number): Promise<void> => {
      assertEquals(
        (await broker.append(drafts)).map((one) => one.kind === "duplicate" && one.id),
        drafts.map((_, index) => first + index),
      );
    };
    await store(broker, early);
    assertEquals(await broker.trim(), 15);
    broker = await reopened(place, broker, options);
    await expect(early, 1);
    clock.time += WINDOW / 2;
    await store(broker, late);
    assertEquals(await broker.trim(), 40);
    for (let times = 0; times < 2; times++) {
      await expect(early, 1);
      await expect(late, 26);
      broker = await reopened(place, broker, options);
      assertEquals(await broker.trim(), 0);
    }
    clock.time += WINDOW / 2;
    assertEquals(await broker.trim(), 0);
    broker = await reopened(place, broker, options);
    await expect(late, 26);
    assertEquals(ids(await store(broker, early)), numbers(66, 90));
    clock.time += WINDOW;
    assertEquals(await broker.trim(), 25);
    assertEquals(ids(await readAll(broker, "lobby")), numbers(81, 90));
    broker = await reopened(place, broker, options);
    assertEquals(kinds(await broker.append(early.slice(0, 2))), ["stored", "stored"]);
    assertEquals((await broker.head("lobby")).last, 92);
    await broker[Symbol.asyncDispose]();
  });

  test("`trim()` of all messages and keys does not change the numbering", async (place) => {
    const clock = new ContractClock();
    const options = { now: clock.now, retention: { maxAge: 1000 } };
    let broker = await place.open(options);
    await store(broker, [draft("lobby", "hi", { sender: "s", key: "1" }), ...drafts("lobby", 4)]);
    for (const [step, dropped] of [[2000, 5], [WINDOW, 0], [WINDOW, 0]] as const) {
      clock.time += step;
      assertEquals(await broker.trim(), dropped);
      broker = await reopened(place, broker, options);
      const { first, last } = await broker.head("lobby");
      assertEquals([first, last], [6, 5]);
    }
    const again = draft("lobby", "hi", { sender: "s", key: "1" });
    assertEquals(ids(await store(broker, [again])), [6]);
    await broker[Symbol.asyncDispose]();
  });

  test("all methods agree with a model for any sequence of calls", async (place) => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 1, arbitrary: fc.record({ append: fc.integer({ min: 250, max: 300 }) }) },
      { weight: 2, arbitrary: fc.record({ repeat: fc.nat(80), changed: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: WINDOW }) }) },
      { weight: 3, arbitrary: fc.constant("trim" as const) },
      { weight: 2, arbitrary: fc.constant("search" as const) },
      { weight: 2, arbitrary: fc.constant("reopen" as const) },
    );
    const clock = new ContractClock();
    const retention = { maxMessages: 60, maxAge: 2 * WINDOW };
    const options = { now: clock.now, retention };
    let broker = await place.open(options);
    const times: number[] = [];
    let first = 1;
    /** The oldest id that retention still keeps. */
    const shown = (): number => {
      let id = Math.max(first, times.length - retention.maxMessages + 1);
      while (id <= times.length && (times[id - 1] ?? 0) < clock.time - retention.maxAge) id++;
      return id;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        for (const one of steps) {
          if (one === "trim") {
            const end = shown();
            assertEquals(await broker.trim(), end - first);
            first = end;
          } else if (one === "reopen") {
            broker = await reopened(place, broker, options);
          } else if (one === "search") {
            await broker.search("lobby", "word", { limit: 1 });
          } else if ("pass" in one) {
            clock.time += one.pass;
          } else if ("append" in one) {
            const batch = Array.from({ length: one.append }, () => {
              const id = times.push(clock.time);
              return draft("lobby", `word w${id}`, { sender: "s", key: `${id}` });
            });
            await store(broker, batch);
          } else {
            const id = times.length - one.repeat;
            const at = times[id - 1];
            if (at === undefined || at <= clock.time - WINDOW) continue;
            const text = one.changed ? "changed" : `word w${id}`;
            const repeat = draft("lobby", text, { sender: "s", key: `${id}` });
            const timestamp = new Date(at).toISOString();
            const { epoch } = await broker.head("lobby");
            const trimmed = id < first;
            assertEquals(
              await broker.append([repeat]),
              one.changed && !trimmed
                ? [{ kind: "reused", room: "lobby", id }]
                : [{ kind: "duplicate", room: "lobby", id, epoch, timestamp }],
            );
          }
        }
        const from = shown();
        const head = await broker.head("lobby");
        assertEquals([head.first, head.last], [from, times.length]);
        await agrees(broker, numbers(from, times.length), [0, from, from + 20, times.length]);
      }),
      { numRuns: 30 },
    );
    await broker[Symbol.asyncDispose]();
  });
}

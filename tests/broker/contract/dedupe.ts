import { assert, assertEquals } from "@std/assert";
import { DEDUPE_MINUTES } from "../../../protocol.ts";
import {
  ContractClock,
  type ContractTest,
  draft,
  ids,
  kinds,
  only,
  readAll,
  store,
} from "./broker_contract_kit.ts";

const ORIGIN = { session: "s1", ref: "r1" };
const WINDOW = DEDUPE_MINUTES * 60_000;

/** `append()` of drafts with an origin. */
export function dedupeContract(test: ContractTest): void {
  test("`append()` stores an origin once and returns its position for a retry", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    const heard: number[] = [];
    using _ = broker.subscribe((messages) => heard.push(...ids(messages)));
    const [, first] = await store(broker, [draft("lobby", "x"), draft("lobby", "hi", ORIGIN)]);
    assert(first !== undefined);
    clock.time += 1000;
    const retry = await broker.append([draft("other", "changed", ORIGIN), draft("lobby", "y")]);
    assertEquals(retry[0], {
      kind: "duplicate",
      room: "lobby",
      id: 2,
      timestamp: first.timestamp,
    });
    assertEquals(kinds(retry), ["duplicate", "stored"]);
    assertEquals(heard, [1, 2, 3]);
    assertEquals(kinds(await broker.append([draft("lobby", "hi", ORIGIN)])), ["duplicate"]);
    assertEquals(heard, [1, 2, 3]);
    assertEquals((await readAll(broker, "lobby")).length, 3);
  });

  test("`append()` recognizes a retry in the same batch", async (place) => {
    await using broker = await place.open();
    const receipts = await broker.append([
      draft("lobby", "hi", ORIGIN),
      draft("lobby", "hi", ORIGIN),
      draft("lobby", "no origin"),
      draft("lobby", "hi", ORIGIN),
    ]);
    assertEquals(kinds(receipts), ["stored", "duplicate", "stored", "duplicate"]);
    assertEquals((await broker.head("lobby")).last, 2);
  });

  test("`append()` distinguishes origins", async (place) => {
    await using broker = await place.open();
    const origins = [
      { session: "ab", ref: "c" },
      { session: "a", ref: "bc" },
      { session: "a", ref: "b" },
      { session: "A", ref: "b" },
      { session: "a", ref: "1" },
      { session: "a", ref: "01" },
      { session: "a", ref: "1\u0000" },
      { session: "a", ref: "1\u0000x" },
      { session: "a\u0000", ref: "1" },
      { session: "", ref: "é" },
      { session: "", ref: "e\u0301" },
      { session: "long".repeat(200), ref: "1" },
    ];
    const all = origins.map((origin) => draft("lobby", "hi", origin));
    await store(broker, all);
    const again = await broker.append(all);
    assertEquals(
      again.map((receipt) => receipt.kind === "duplicate" && receipt.id),
      origins.map((_, index) => index + 1),
    );
  });

  test("`append()` recognizes each of many retries", async (place) => {
    await using broker = await place.open();
    const all = Array.from(
      { length: 5000 },
      (_, index) => draft("lobby", "hi", { session: `s${index % 13}`, ref: `${index}` }),
    );
    await store(broker, all);
    const again = await broker.append(all);
    assertEquals(again.filter(({ kind }) => kind !== "duplicate"), []);
    assertEquals((await broker.head("lobby")).last, all.length);
  });

  test(`\`append()\` forgets an origin after ${DEDUPE_MINUTES} minutes`, async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    const retry = draft("lobby", "hi", ORIGIN);
    const other = draft("lobby", "hi", { session: "s2", ref: "r1" });
    await store(broker, [retry]);
    clock.time += WINDOW - 1;
    assertEquals(kinds(await broker.append([retry, other])), ["duplicate", "stored"]);
    clock.time += 1;
    assertEquals(kinds(await broker.append([retry, other, retry])), [
      "stored",
      "duplicate",
      "duplicate",
    ]);
    // From now on, the newer of the two counts.
    clock.time += WINDOW - 1;
    const [again] = await broker.append([retry]);
    assertEquals(again?.kind === "duplicate" && again.id, 3);
    clock.time += 10 * WINDOW;
    await broker.trim();
    assertEquals(kinds(await broker.append([retry, retry])), ["stored", "duplicate"]);
  });

  test("`append()` does not count a failed batch as a first attempt", async (place) => {
    await using broker = await place.open();
    const retry = draft("lobby", "hi", ORIGIN);
    assertEquals(kinds(await broker.append([retry, draft("lobby", { data: 1n })])), [
      "failed",
      "failed",
    ]);
    assertEquals(ids(await store(broker, [retry])), [1]);
    assertEquals(kinds(await broker.append([retry])), ["duplicate"]);
  });

  test("`append()` recognizes a retry of a trimmed message", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now, retention: { maxAge: 1000 } });
    const retry = draft("lobby", "hi", ORIGIN);
    await store(broker, [retry]);
    clock.time += 2000;
    assertEquals(await broker.trim(), 1);
    assertEquals(kinds(await broker.append([retry])), ["duplicate"]);
  });

  test("`append()` recognizes a retry after reopening", async (place) => {
    if (!place.persistent) return;
    const clock = new ContractClock();
    const retry = draft("lobby", "hi", ORIGIN);
    const before = await place.open({ now: clock.now });
    const { timestamp } = only(await store(before, [retry]));
    await before[Symbol.asyncDispose]();
    clock.time += WINDOW - 1;
    const soon = await place.open({ now: clock.now });
    assertEquals(await soon.append([retry]), [
      { kind: "duplicate", room: "lobby", id: 1, timestamp },
    ]);
    assertEquals(
      ids(await store(soon, [draft("lobby", "hi", { session: "s1", ref: "r2" })])),
      [2],
    );
    await soon[Symbol.asyncDispose]();
    clock.time += 1;
    await using late = await place.open({ now: clock.now });
    assertEquals(ids(await store(late, [retry])), [3]);
    assertEquals(
      kinds(await late.append([draft("lobby", "hi", { session: "s1", ref: "r2" })])),
      ["duplicate"],
    );
  });
}

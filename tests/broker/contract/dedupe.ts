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

const ORIGIN = { sender: "s1", key: "k1" };
const WINDOW = DEDUPE_MINUTES * 60_000;

/** `append()` of drafts with an origin. */
export function dedupeContract(test: ContractTest): void {
  test("`append()` stores an origin once and returns its position for a repeat", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    const heard: number[] = [];
    using _ = broker.subscribe((messages) => heard.push(...ids(messages)));
    const [, first] = await store(broker, [draft("lobby", "x"), draft("lobby", "hi", ORIGIN)]);
    assert(first !== undefined);
    clock.time += 1000;
    const repeat = await broker.append([draft("lobby", "hi", ORIGIN), draft("lobby", "y")]);
    const { epoch } = await broker.head("lobby");
    assertEquals(repeat[0], {
      kind: "duplicate",
      room: "lobby",
      id: 2,
      epoch,
      timestamp: first.timestamp,
    });
    assertEquals(kinds(repeat), ["duplicate", "stored"]);
    assertEquals(heard, [1, 2, 3]);
    assertEquals(kinds(await broker.append([draft("lobby", "hi", ORIGIN)])), ["duplicate"]);
    assertEquals(heard, [1, 2, 3]);
    assertEquals((await readAll(broker, "lobby")).length, 3);
  });

  test("`append()` recognizes a repeat in the same batch", async (place) => {
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
      { sender: "ab", key: "c" },
      { sender: "a", key: "bc" },
      { sender: "a", key: "b" },
      { sender: "A", key: "b" },
      { sender: "a", key: "1" },
      { sender: "a", key: "01" },
      { sender: "a", key: "1\u0000" },
      { sender: "a", key: "1\u0000x" },
      { sender: "a\u0000", key: "1" },
      { sender: "", key: "é" },
      { sender: "", key: "e\u0301" },
      { sender: "long".repeat(200), key: "1" },
    ];
    const all = origins.map((origin) => draft("lobby", "hi", origin));
    await store(broker, all);
    const again = await broker.append(all);
    assertEquals(
      again.map((receipt) => receipt.kind === "duplicate" && receipt.id),
      origins.map((_, index) => index + 1),
    );
  });

  test("`append()` recognizes each of many repeats", async (place) => {
    await using broker = await place.open();
    const all = Array.from(
      { length: 5000 },
      (_, index) => draft("lobby", "hi", { sender: `s${index % 13}`, key: `${index}` }),
    );
    await store(broker, all);
    const again = await broker.append(all);
    assertEquals(again.filter(({ kind }) => kind !== "duplicate"), []);
    assertEquals((await broker.head("lobby")).last, all.length);
  });

  test(`\`append()\` forgets an origin after ${DEDUPE_MINUTES} minutes`, async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    const repeat = draft("lobby", "hi", ORIGIN);
    const other = draft("lobby", "hi", { sender: "s2", key: "k1" });
    await store(broker, [repeat]);
    clock.time += WINDOW - 1;
    assertEquals(kinds(await broker.append([repeat, other])), ["duplicate", "stored"]);
    clock.time += 1;
    assertEquals(kinds(await broker.append([repeat, other, repeat])), [
      "stored",
      "duplicate",
      "duplicate",
    ]);
    // From now on, the newer of the two counts.
    clock.time += WINDOW - 1;
    const [again] = await broker.append([repeat]);
    assertEquals(again?.kind === "duplicate" && again.id, 3);
    clock.time += 10 * WINDOW;
    await broker.trim();
    assertEquals(kinds(await broker.append([repeat, repeat])), ["stored", "duplicate"]);
  });

  test("`append()` does not count a failed batch as a first attempt", async (place) => {
    await using broker = await place.open();
    const repeat = draft("lobby", "hi", ORIGIN);
    assertEquals(kinds(await broker.append([repeat, draft("lobby", { data: 1n })])), [
      "failed",
      "failed",
    ]);
    assertEquals(ids(await store(broker, [repeat])), [1]);
    assertEquals(kinds(await broker.append([repeat])), ["duplicate"]);
  });

  test("`append()` recognizes a repeat of a trimmed message", async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now, retention: { maxAge: 1000 } });
    const repeat = draft("lobby", "hi", ORIGIN);
    await store(broker, [repeat]);
    clock.time += 2000;
    assertEquals(await broker.trim(), 1);
    assertEquals(kinds(await broker.append([repeat])), ["duplicate"]);
  });

  test("`append()` recognizes a repeat after reopening", async (place) => {
    if (!place.persistent) return;
    const clock = new ContractClock();
    const repeat = draft("lobby", "hi", ORIGIN);
    const before = await place.open({ now: clock.now });
    const { timestamp } = only(await store(before, [repeat]));
    await before[Symbol.asyncDispose]();
    clock.time += WINDOW - 1;
    const soon = await place.open({ now: clock.now });
    const { epoch } = await soon.head("lobby");
    assertEquals(await soon.append([repeat]), [
      { kind: "duplicate", room: "lobby", id: 1, epoch, timestamp },
    ]);
    assertEquals(
      ids(await store(soon, [draft("lobby", "hi", { sender: "s1", key: "k2" })])),
      [2],
    );
    await soon[Symbol.asyncDispose]();
    clock.time += 1;
    await using late = await place.open({ now: clock.now });
    assertEquals(ids(await store(late, [repeat])), [3]);
    assertEquals(
      kinds(await late.append([draft("lobby", "hi", { sender: "s1", key: "k2" })])),
      ["duplicate"],
    );
  });
}

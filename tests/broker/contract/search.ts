import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Broker } from "../../../broker/broker.ts";
import { type ContractTest, draft, drafts, ids, store } from "./broker_contract_kit.ts";

const HOSTILE = [
  `"`,
  `""`,
  `"fox`,
  `fox"`,
  `fo"x`,
  `*`,
  `**`,
  `* fox`,
  `^fox`,
  `fox OR dog`,
  `NOT fox`,
  `fox NEAR/2 dog`,
  `message:fox`,
  `-fox`,
  `{message} : fox`,
  `(fox`,
  `fox)`,
  `fox AND (`,
  `fox + dog`,
  `'; DROP TABLE search; --`,
  `fox\u0000`,
  `\u0000`,
  `\ud800`,
  `%`,
  `\\`,
  `fox*dog*`,
  `fox `.repeat(2000),
  `a`.repeat(10_000),
  `\u0301`,
  `，。！`,
];

async function find(broker: Broker, query: string, room = "lobby"): Promise<readonly number[]> {
  return ids(await broker.search(room, query, { limit: 100 }));
}

/** `search()`. */
export function searchContract(test: ContractTest): void {
  test("`search()` finds messages that contain every word", async (place) => {
    await using broker = await place.open();
    await store(broker, [
      draft("lobby", "The quick brown fox"),
      draft("lobby", "jumps over the lazy dog"),
      draft("lobby", { data: { fox: "quick" } }),
      draft("lobby", "Füchse: the FOX, the dog & a quick-witted cat"),
      draft("lobby", { message: "foxes", data: 1 }),
      draft("other", "quick fox"),
      draft("lobby", "a\u0000fox\u0000b"),
    ]);
    assertEquals(await find(broker, "fox"), [1, 4, 6]);
    assertEquals(await find(broker, "Quick FOX"), [1, 4]);
    assertEquals(await find(broker, "fox dog"), [4]);
    assertEquals(await find(broker, "fox bird"), []);
    assertEquals(await find(broker, "fuchse"), [4]);
    assertEquals(await find(broker, "quick-witted"), [4]);
    assertEquals(await find(broker, "fox", "other"), [1]);
    assertEquals(await find(broker, "fox", "empty-room"), []);
  });

  test("`search()` treats a star at the end of a word as a prefix search", async (place) => {
    await using broker = await place.open();
    await store(broker, ["fox", "foxes", "foxglove and roses", "ox"].map((m) => draft("lobby", m)));
    assertEquals(await find(broker, "fox*"), [1, 2, 3]);
    assertEquals(await find(broker, "fox* ros*"), [3]);
    assertEquals(await find(broker, "foxe"), []);
    assertEquals(await find(broker, "*ox"), [4]);
  });

  test("`search()` ignores anything that is not a word and never fails on a query", async (place) => {
    await using broker = await place.open();
    await store(broker, [draft("lobby", "the fox"), draft("lobby", "a dog")]);
    assertEquals(await find(broker, `"fox" ... !?`), [1]);
    assertEquals(await find(broker, `"the fox`), [1]);
    assertEquals(await find(broker, "fox\u0000"), [1]);
    assertEquals(await find(broker, "fox ".repeat(2000)), [1]);
    for (const nothing of ["", " ", "!?", `""`, "*"]) {
      assertEquals(await find(broker, nothing), []);
    }
    await Promise.all(HOSTILE.map((query) => find(broker, query)));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 30 }), async (query) => {
        await find(broker, query);
      }),
      { numRuns: 300 },
    );
    const syntax = fc.string({
      unit: fc.constantFrom(..."\"*^()+-:{}, ANDORNOT'fox\\\ud800\u0000"),
    });
    await fc.assert(
      fc.asyncProperty(syntax, async (query) => {
        await find(broker, query);
      }),
      { numRuns: 300 },
    );
  });

  test("`search()` respects range and limit", async (place) => {
    await using broker = await place.open();
    await store(
      broker,
      Array.from({ length: 20 }, (_, i) => draft("lobby", i % 2 ? "odd" : "even")),
    );
    const search = async (range: object, limit = 3): Promise<readonly number[]> =>
      ids(await broker.search("lobby", "even", { limit, ...range }));
    assertEquals(await search({}), [15, 17, 19]);
    assertEquals(await search({ before: 10 }), [5, 7, 9]);
    assertEquals(await search({ before: 9 }), [3, 5, 7]);
    assertEquals(await search({ after: 4 }), [5, 7, 9]);
    assertEquals(await search({ after: 5 }), [7, 9, 11]);
    assertEquals(await search({ after: 4, before: 8 }), [5, 7]);
    assertEquals(await search({ after: 19 }), []);
    assertEquals(await search({}, 0), []);
  });

  test("`search()` finds messages appended since the last search", async (place) => {
    let broker = await place.open();
    await store(broker, [draft("lobby", "first fox")]);
    assertEquals(await find(broker, "fox"), [1]);
    await store(broker, [draft("lobby", "second fox"), draft("lobby", "a dog")]);
    assertEquals(await find(broker, "fox"), [1, 2]);
    if (place.persistent) {
      await store(broker, [draft("lobby", "third fox")]);
      await broker[Symbol.asyncDispose]();
      broker = await place.open();
      assertEquals(await find(broker, "fox"), [1, 2, 4]);
    }
    await broker[Symbol.asyncDispose]();
  });

  test("`search()` finds messages in long rooms while they grow", async (place) => {
    await using broker = await place.open();
    await store(broker, drafts("lobby", 3000));
    const searches = [find(broker, "m2999"), find(broker, "m1"), find(broker, "m30*")];
    await store(broker, drafts("lobby", 2));
    assertEquals((await Promise.all(searches)).map((found) => found.filter((id) => id <= 3000)), [
      [2999],
      [1],
      [30, ...Array.from({ length: 10 }, (_, i) => 300 + i), 3000],
    ]);
  });

  test("`search()` does not find messages beyond retention", async (place) => {
    await using broker = await place.open({ retention: { maxMessages: 4 } });
    const foxes = (count: number) => Array.from({ length: count }, () => draft("lobby", "fox"));
    await store(broker, foxes(6));
    assertEquals(await find(broker, "fox"), [3, 4, 5, 6]);
    assertEquals(await broker.trim(), 2);
    assertEquals(await find(broker, "fox"), [3, 4, 5, 6]);
    // Only some of these are indexed when they are trimmed.
    await store(broker, foxes(1));
    await find(broker, "fox");
    await store(broker, foxes(9));
    assertEquals(await broker.trim(), 10);
    await store(broker, [draft("lobby", "dog")]);
    assertEquals(await find(broker, "fox"), [14, 15, 16]);
    assertEquals(await find(broker, "dog"), [17]);
  });
}

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Broker, MessageDraft, Receipt } from "../../../broker/broker.ts";
import { DEDUPE_MINUTES, type SenderAnnotations } from "../../../protocol.ts";
import {
  type BrokerStore,
  ContractClock,
  type ContractTest,
  draft,
  ids,
  kinds,
  store,
} from "./broker_contract_kit.ts";

const WINDOW = DEDUPE_MINUTES * 60_000;

const OF_SENDER: SenderAnnotations = {
  format: "markdown",
  via: ["p", "q"],
  "x-acme-job": { id: 1, n: 2 },
};

const FIRST: MessageDraft = {
  room: "lobby",
  sender: "Alice",
  content: { message: "hi", data: { a: [1, { b: null }], c: "x" } },
  kind: "x-acme-note",
  annotations: { account: "al", ...OF_SENDER },
  origin: { sender: "s", key: "k" },
};

/** Drafts with the same content as `FIRST`. */
const SAME: Readonly<Record<string, MessageDraft>> = {
  "the same draft": FIRST,
  "another name": { ...FIRST, sender: "Bob" },
  "no account": { ...FIRST, annotations: OF_SENDER },
  "another account": { ...FIRST, annotations: { ...FIRST.annotations, account: "bob" } },
  "another author": { ...FIRST, author: {} },
  "fields of `data` in another order": {
    ...FIRST,
    content: { message: "hi", data: { c: "x", a: [1, { b: null }] } },
  },
  "annotations in another order": {
    ...FIRST,
    annotations: { "x-acme-job": { n: 2, id: 1 }, via: ["p", "q"], format: "markdown" },
  },
};

/** Drafts with another content. */
const OTHER: Readonly<Record<string, MessageDraft>> = {
  "another text": { ...FIRST, content: { message: "ho", data: FIRST.content.data } },
  "no text": { ...FIRST, content: { data: FIRST.content.data } },
  "another `data`": { ...FIRST, content: { message: "hi", data: { a: [1, { b: 0 }], c: "x" } } },
  "an item less": { ...FIRST, content: { message: "hi", data: { a: [1], c: "x" } } },
  "a list in another order": {
    ...FIRST,
    content: { message: "hi", data: { a: [{ b: null }, 1], c: "x" } },
  },
  "no `data`": { ...FIRST, content: { message: "hi" } },
  "another kind": { ...FIRST, kind: "action" },
  "no kind": { ...FIRST, kind: undefined },
  "no format": { ...FIRST, annotations: { via: ["p", "q"], "x-acme-job": { id: 1, n: 2 } } },
  "another `via`": { ...FIRST, annotations: { ...FIRST.annotations, via: ["p"] } },
  "another extension": { ...FIRST, annotations: { ...FIRST.annotations, "x-acme-job": 1 } },
  "an extension more": { ...FIRST, annotations: { ...FIRST.annotations, "x-acme-url": null } },
  "no annotations": { ...FIRST, annotations: undefined },
};

/** Drafts that are messages of their own. */
const UNRELATED: Readonly<Record<string, MessageDraft>> = {
  "another room": { ...FIRST, room: "attic" },
  "another sender": { ...FIRST, origin: { sender: "t", key: "k" } },
  "another key": { ...FIRST, origin: { sender: "s", key: "l" } },
  "no key": { ...FIRST, origin: undefined },
};

/** What happens between the first draft and the second. */
type Between = (place: BrokerStore, broker: Broker, clock: ContractClock) => Promise<Broker>;

const OPTIONS = { retention: { maxAge: 2000 } };

const BETWEEN: Readonly<Record<string, Between | undefined>> = {
  "in the same batch": undefined,
  "in a later batch": (_place, broker) => Promise.resolve(broker),
  "after reopening": async (place, broker, clock) => {
    if (!place.persistent) return broker;
    await broker[Symbol.asyncDispose]();
    return place.open({ ...OPTIONS, now: clock.now });
  },
};

/** Appends `first` and then `second`, and returns the receipt of the second. */
async function appendBoth(
  place: BrokerStore,
  between: Between | undefined,
  first: MessageDraft,
  second: MessageDraft,
): Promise<Receipt | undefined> {
  const clock = new ContractClock();
  let broker = await place.open({ ...OPTIONS, now: clock.now });
  try {
    // Neither the first nor the last of its batch.
    const batch = [draft("lobby", "before"), first, draft("attic", "after")];
    if (between === undefined) return (await broker.append([...batch, second])).at(-1);
    await store(broker, batch);
    broker = await between(place, broker, clock);
    return (await broker.append([draft("lobby", "between"), second])).at(-1);
  } finally {
    await broker[Symbol.asyncDispose]();
  }
}

/** `append()` of drafts with one key: which are repeats, and which are mistakes. */
export function keyContract(test: ContractTest): void {
  for (const [when, between] of Object.entries(BETWEEN)) {
    const cases = (
      what: string,
      drafts: Readonly<Record<string, MessageDraft>>,
      check: (receipt: Receipt | undefined, draft: MessageDraft) => void,
    ): void => {
      test(`\`append()\` of a key with ${what} ${when}`, async (place) => {
        for (const [name, second] of Object.entries(drafts)) {
          // Each case has keys and rooms of its own.
          const own = (one: MessageDraft): MessageDraft => ({
            ...one,
            ...(one.origin && { origin: { ...one.origin, key: `${one.origin.key} ${name}` } }),
          });
          check(await appendBoth(place, between, own(FIRST), own(second)), second);
        }
      });
    };
    cases("the same content is a duplicate", SAME, (receipt) => {
      assertEquals(receipt?.kind, "duplicate");
    });
    cases("other content is refused and stores nothing", OTHER, (receipt) => {
      assertEquals(receipt?.kind, "reused");
    });
    cases("another room or sender is a new message", UNRELATED, (receipt) => {
      assertEquals(receipt?.kind, "stored");
    });
  }

  test("`append()` names the message that has the key of another content", async (place) => {
    await using broker = await place.open();
    await store(broker, [draft("lobby", "before"), FIRST]);
    const { last } = await broker.head("lobby");
    const other = { ...FIRST, content: { message: "other" } };
    assertEquals(await broker.append([other]), [{ kind: "reused", room: "lobby", id: 2 }]);
    assertEquals((await broker.head("lobby")).last, last);
    // The key still belongs to the first message.
    assertEquals(kinds(await broker.append([FIRST, other])), ["duplicate", "reused"]);
  });

  test("`append()` does not compare the content with a message that is trimmed", async (place) => {
    const clock = new ContractClock();
    for (const alone of [true, false]) {
      const options = { now: clock.now, retention: { maxAge: 10 * WINDOW, maxMessages: 2 } };
      let broker = await place.open(options);
      const key = `trimmed ${alone}`;
      const first = draft("lobby", "hi", { sender: "s", key });
      const other = draft("lobby", "ho", { sender: "s", key });
      // The lines of a chunk are trimmed one by one, or the chunk at once.
      await store(broker, alone ? [first] : [first, draft("lobby", "2"), draft("lobby", "3")]);
      assertEquals(kinds(await broker.append([other])), ["reused"]);
      if (alone) await store(broker, [draft("lobby", "2"), draft("lobby", "3")]);
      await broker.trim();
      assertEquals(kinds(await broker.append([other, first])), ["duplicate", "duplicate"]);
      if (place.persistent) {
        await broker[Symbol.asyncDispose]();
        broker = await place.open(options);
        assertEquals(kinds(await broker.append([other, first])), ["duplicate", "duplicate"]);
      }
      await broker[Symbol.asyncDispose]();
    }
  });

  test(`\`append()\` accepts a key for other content after ${DEDUPE_MINUTES} minutes`, async (place) => {
    const clock = new ContractClock();
    await using broker = await place.open({ now: clock.now });
    const key = { sender: "s", key: "k" };
    assertEquals(ids(await store(broker, [draft("lobby", "one", key)])), [1]);
    clock.time += WINDOW;
    assertEquals(ids(await store(broker, [draft("lobby", "two", key)])), [2]);
    assertEquals(
      kinds(await broker.append([draft("lobby", "one", key), draft("lobby", "two", key)])),
      ["reused", "duplicate"],
    );
  });

  test("`append()` recognizes one key in many rooms", async (place) => {
    await using broker = await place.open();
    const rooms = Array.from({ length: 300 }, (_, index) => `room-${index}`);
    const all = rooms.map((room) => draft(room, room, { sender: "s", key: "k" }));
    assertEquals(new Set(ids(await store(broker, all))), new Set([1]));
    const again = await broker.append(all);
    assertEquals(
      again.map((one) => one.kind === "duplicate" && [one.room, one.id]),
      rooms.map((room) => [room, 1]),
    );
    const other = rooms.map((room) => draft(room, "other", { sender: "s", key: "k" }));
    assertEquals(new Set(kinds(await broker.append(other))), new Set(["reused"]));
  });

  test("`append()` of keys agrees with a model for any batches", async (place) => {
    const attempt = fc.record({
      room: fc.constantFrom("a", "b"),
      sender: fc.constantFrom("s", "t"),
      key: fc.constantFrom("1", "2", "3", undefined),
      content: fc.constantFrom<MessageDraft["content"]>(
        { message: "x" },
        { data: { p: 1, q: 2 } },
        { data: { q: 2, p: 1 } },
      ),
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.array(attempt, { minLength: 1, maxLength: 6 }) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: WINDOW }) },
      { weight: 1, arbitrary: fc.constant("reopen" as const) },
      { weight: 1, arbitrary: fc.constant("fail" as const) },
    );
    const clock = new ContractClock();
    let broker = await place.open({ now: clock.now });
    const last = new Map<string, number>();
    const known = new Map<string, { readonly id: number; readonly at: number; content: string }>();
    const canonical = (content: MessageDraft["content"]): string => content.message ?? "data";
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        for (const one of steps) {
          if (typeof one === "number") {
            clock.time += one;
          } else if (one === "reopen") {
            if (!place.persistent) continue;
            await broker[Symbol.asyncDispose]();
            broker = await place.open({ now: clock.now });
          } else if (one === "fail") {
            const lost = draft("a", "x", { sender: "s", key: "1" });
            const failed = await broker.append([lost, draft("b", { data: 1n })]);
            // A repeat does not make the batch succeed.
            assertEquals(kinds(failed), ["failed", "failed"]);
          } else {
            const receipts = await broker.append(
              one.map(({ room, sender, key, content }) =>
                draft(room, content, key === undefined ? undefined : { sender, key })
              ),
            );
            const expected = one.map(({ room, sender, key, content }) => {
              const name = `${room} ${sender} ${key}`;
              const found = key === undefined ? undefined : known.get(name);
              if (found !== undefined && found.at > clock.time - WINDOW) {
                return [found.content === canonical(content) ? "duplicate" : "reused", found.id];
              }
              const id = (last.get(room) ?? 0) + 1;
              last.set(room, id);
              known.set(name, { id, at: clock.time, content: canonical(content) });
              return ["stored", id];
            });
            assertEquals(receipts.map(kindAndId), expected);
          }
        }
      }),
      { numRuns: 60 },
    );
    await broker[Symbol.asyncDispose]();
  });
}

function kindAndId(receipt: Receipt): readonly unknown[] {
  if (receipt.kind === "failed") return ["failed"];
  return [receipt.kind, receipt.kind === "stored" ? receipt.message.id : receipt.id];
}

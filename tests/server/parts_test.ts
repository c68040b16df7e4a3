import { assert, assertEquals, assertMatch } from "@std/assert";
import * as fc from "fast-check";
import { OPEN_GRANT } from "../../auth/authorizer.ts";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
import { NameBook } from "../../server/names/name_book.ts";
import { PresenceChanges, presenceWindow } from "../../server/presence.ts";
import { TokenBucket } from "../../server/limits/token_bucket.ts";
import { isSecret, newSecret, Session } from "../../server/connection.ts";
import { accountScope } from "../../server/key_scope.ts";
import { presenceSentences } from "../../server/encoders/presence_text.ts";
import { encodeMessage } from "../../server/encoders/encoder.ts";
import { CACHE_LENGTH, RecentMessages } from "../../server/recent_messages.ts";
import { parseLine } from "../../server/encoders/text_commands.ts";
import type { Message } from "../../protocol.ts";

const message = (id: number, text = `m${id}`): Message => ({
  type: "message",
  room: "lobby",
  id,
  sender: "Alice",
  timestamp: "2026-01-01T00:00:00.000Z",
  message: text,
});

const UNOWNED = { has: () => false };

Deno.test("`NameBook.takeNearest()` numbers a taken name, and truncates a long one", () => {
  const book = new NameBook<object>(UNOWNED);
  assertEquals(book.takeNearest("Alice", {}), "Alice");
  assertEquals(book.takeNearest("alice", {}), "alice-2");
  assertEquals(book.takeNearest("ALICE", {}), "ALICE-3");
  const long = "n".repeat(32);
  assertEquals(book.takeNearest(long, {}), long);
  assertEquals(book.takeNearest(long, {}), "n".repeat(30) + "-2");
});

Deno.test("`NameBook.takeNearest()` finds a free name among thousands of equal ones", () => {
  const book = new NameBook<number>(UNOWNED);
  const names = Array.from({ length: 2000 }, (_, n) => book.takeNearest("Alice", n));
  assertEquals(new Set(names.map((name) => name.toLowerCase())).size, 2000);
});

Deno.test("`NameBook.release()` frees a name only for its holder", () => {
  const book = new NameBook<string>(UNOWNED);
  assert(book.take("Alice", "a"));
  book.release("Alice", "b");
  assert(!book.take("ALICE", "b"));
  book.release("alice", "a");
  assert(book.take("ALICE", "b"));
  assertEquals(book.holder("Alice"), "b");
});

Deno.test("`TokenBucket.take()` allows the burst, then the rate, and returns the time to wait", () => {
  const bucket = new TokenBucket(10, 3, 0);
  assertEquals([bucket.take(0), bucket.take(0), bucket.take(0)], [0, 0, 0]);
  assertEquals(bucket.take(0), 0.1);
  assertEquals(bucket.take(50), 0.05);
  assertEquals(bucket.take(100), 0);
  // Even after a long pause, no more than the burst.
  assertEquals([1, 2, 3].map(() => bucket.take(1e9)), [0, 0, 0]);
  assert(bucket.take(1e9) > 0);
  // Setting the clock back removes no tokens.
  assert(Number.isFinite(bucket.take(0)));
});

Deno.test("`PresenceChanges` announces the net effect of any sequence of changes", () => {
  const change = fc.record({
    what: fc.constantFrom("join", "leave", "rename"),
    who: fc.nat(9),
    to: fc.nat(9),
  });
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), (changes, cut) => {
    const present = new Set<string>();
    const told = new Set<string>();
    const window = new PresenceChanges();
    const tell = (): void => {
      const frame = window.take();
      assert(frame !== "many");
      for (const { from } of frame?.renamed ?? []) {
        assert(told.delete(from), `no ${from} to rename`);
      }
      for (const name of frame?.left ?? []) assert(told.delete(name), `no ${name} to leave`);
      for (const { to } of frame?.renamed ?? []) told.add(to);
      for (const name of frame?.joined ?? []) {
        assert(!told.has(name), `${name} is there already`);
        told.add(name);
      }
      assertEquals([...told].sort(), [...present].sort());
    };
    changes.forEach(({ what, who, to }, index) => {
      const [name, next] = [`n${who}`, `n${to}`];
      if (what === "join" && !present.has(name)) {
        present.add(name);
        window.join(name);
      } else if (what === "leave" && present.delete(name)) {
        window.leave(name);
      } else if (what === "rename" && present.has(name) && !present.has(next)) {
        present.delete(name);
        present.add(next);
        window.rename(name, next);
      }
      if (index === cut) tell();
    });
    tell();
  }));
});

Deno.test("`presenceWindow()` is short in small rooms and grows with the number of members", () => {
  assertEquals([presenceWindow(2), presenceWindow(100)], [100, 100]);
  assertEquals([presenceWindow(1100), presenceWindow(100_000)], [2000, 10_000]);
});

Deno.test("`presenceSentences()` forms sentences", () => {
  const said = presenceSentences({
    type: "presence",
    room: "lobby",
    online: 5,
    joined: ["Alice", "Bob", "Carol"],
    left: ["Dan"],
    renamed: [{ from: "Eve", to: "Evelyn" }],
  }, "");
  assertEquals(said.map((system) => system.message), [
    "Eve is now Evelyn",
    "Alice, Bob and Carol joined (5 online)",
    "Dan left (5 online)",
  ]);
});

Deno.test("`RecentMessages.since()` returns the messages after a position, or `undefined` beyond the cache", () => {
  const tail = new RecentMessages(DEFAULT_RETENTION, 10);
  assertEquals(tail.since(0, 0), []);
  assertEquals(tail.since(3, 5), undefined);
  for (let id = 6; id <= 100; id++) {
    tail.push([encodeMessage(message(id))]);
    const first = tail.first ?? 0;
    assert(id - first + 1 <= 21, "bounded");
    assertEquals(tail.since(id - 1, id)?.map((entry) => entry.message.id), [id]);
    assertEquals(tail.since(first - 1, id)?.length, id - first + 1);
    assertEquals(tail.since(first - 2, id), undefined);
    assertEquals(tail.since(id, id), []);
  }
});

Deno.test("`RecentMessages.expire()` drops messages beyond the retained number and age", () => {
  const stamp = (at: number): string => new Date(at).toISOString();
  const held = (tail: RecentMessages): readonly number[] => {
    const first = tail.first ?? 10;
    return tail.since(first - 1, 9)?.map(({ message }) => message.id) ?? [];
  };
  const filled = (maxMessages: number, times: readonly number[]): RecentMessages => {
    const tail = new RecentMessages({ maxMessages, maxAge: 1000 });
    tail.push(
      times.map((at, index) =>
        encodeMessage({ ...message(10 - times.length + index), timestamp: stamp(at) })
      ),
    );
    return tail;
  };
  const now = 10_000_000;
  const future = now + 365 * 86_400_000;
  for (
    const [max, times, expected] of [
      [3, [now, now, now, now, now], [7, 8, 9]],
      [9, [now - 1001, now - 1001, now - 1000, now], [8, 9]],
      [9, [now - 1001, now - 1001], []],
      // A timestamp in the future does not protect older messages from expiry.
      [9, [future, now - 1001, now], [9]],
      [9, [future, now, now], [7, 8, 9]],
      [9, [future, future], [8, 9]],
      [9, [now - 2000, future, now - 1500, future, now - 500], [8, 9]],
    ] as const
  ) {
    const tail = filled(max, times);
    tail.expire(now);
    assertEquals(held(tail), expected);
    const entries = tail.since((tail.first ?? 10) - 1, 9) ?? [];
    assertEquals(JSON.parse(tail.json(entries)).length, expected.length);
  }
});

Deno.test("`RecentMessages.push()` bounds the cache of a room with large messages", () => {
  const tail = new RecentMessages(DEFAULT_RETENTION);
  const large = "x".repeat(60_000);
  for (let id = 1; id <= 50; id++) {
    tail.push([encodeMessage(message(id, large))]);
    const held = (id - (tail.first ?? id) + 1) * large.length;
    assert(held <= 2 * CACHE_LENGTH + large.length, `${held} at ${id}`);
  }
});

Deno.test("`RecentMessages.json()` equals the encoded messages, also after more are pushed", () => {
  const tail = new RecentMessages(DEFAULT_RETENTION, 10);
  for (let id = 1; id <= 12; id++) {
    tail.push([encodeMessage(message(id))]);
    for (let twice = 0; twice < 2; twice++) {
      const entries = tail.since(Math.max(0, id - 5), id) ?? [];
      assertEquals(JSON.parse(tail.json(entries)), entries.map((entry) => entry.message));
    }
  }
  assertEquals(tail.json([]), "[]");
});

Deno.test("`Session.keyScope` is the account, or the session without its secret", () => {
  const secret = newSecret();
  assert(isSecret(secret));
  const { keyScope } = new Session(secret, OPEN_GRANT);
  assertMatch(keyScope, /^[A-Za-z0-9_-]{22}$/);
  assertEquals(keyScope, new Session(secret, OPEN_GRANT).keyScope);
  assert(keyScope !== secret && new Session(newSecret(), OPEN_GRANT).keyScope !== keyScope);
  const grant = { ...OPEN_GRANT, name: "Zoë" };
  const scopes = [secret, newSecret()].map((one) => new Session(one, grant).keyScope);
  assertEquals(scopes, [accountScope("Zoë"), accountScope("Zoë")]);
  assert(!isSecret("") && !isSecret("x".repeat(100)) && !isSecret(secret + "\n"));
});

Deno.test("`parseLine()` returns a frame, a reply or nothing for any line, and never throws", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, slash) => {
    const line = parseLine(slash ? `/${text}` : text, "lobby");
    if (line.kind === "reply") assert(!/(?!\n)\p{Cc}/u.test(line.text));
  }));
  assertEquals(parseLine("/constructor", "lobby").kind, "reply");
  assertEquals(parseLine("   ", "lobby").kind, "nothing");
});

import { assert, assertEquals, assertLess } from "@std/assert";
import { KeyHashTable } from "../../../broker/sqlite/key_hash_table.ts";

const WINDOW = 1000;

/** Adds one key in a chunk of its own. */
function add(keys: KeyHashTable, hash: number, at: number): number {
  keys.rotate(at);
  const no = keys.addChunk(7, at, at + 0.5);
  keys.add(hash, no);
  return no;
}

Deno.test("`KeyHashTable.candidates()` finds all keys of the last window", () => {
  const keys = new KeyHashTable(WINDOW);
  const hashes: number[] = [];
  for (let at = 0; at < 20_000; at++) {
    const hash = keys.hash(0, `sender-${at % 50}`, `${at}`);
    hashes.push(hash);
    assertEquals(add(keys, hash, at), at);
  }
  for (let at = 20_000 - WINDOW; at < 20_000; at++) {
    assert(keys.candidates(hashes[at] ?? 0).includes(at));
    assertEquals(keys.chunkAt(at), { room: 7, first: at, at: at + 0.5 });
  }
});

Deno.test("`KeyHashTable.candidates()` forgets keys older than two windows", () => {
  const keys = new KeyHashTable(WINDOW);
  add(keys, 1, 0);
  add(keys, 2, WINDOW);
  assertEquals(keys.candidates(1), [0]);
  add(keys, 3, 2 * WINDOW);
  assertEquals([1, 2, 3].map((hash) => keys.candidates(hash)), [[], [1], [2]]);
  assertEquals([0, 1, 2].map((no) => keys.chunkAt(no)?.first), [undefined, WINDOW, 2 * WINDOW]);
});

Deno.test("`KeyHashTable.candidates()` returns all chunks that share a hash", () => {
  const keys = new KeyHashTable(WINDOW);
  for (let at = 0; at < 3000; at++) add(keys, at % 2 === 0 ? 0xffffffff : at, at);
  const even = keys.candidates(0xffffffff);
  // The first generation is discarded.
  assertEquals(
    [...even].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => 1000 + 2 * i),
  );
  assertEquals(keys.candidates(11), []);
});

Deno.test("`KeyHashTable.candidates()` maps many keys to one chunk", () => {
  const keys = new KeyHashTable(WINDOW);
  const chunks: number[] = [];
  for (let at = 0; at < 5000; at += 100) {
    keys.rotate(at);
    // Two rooms in one batch, with alternating messages.
    const rooms = [keys.addChunk(1, 2 ** 39 + at, at), keys.addChunk(2 ** 23 - 1, at, at)];
    for (let i = 0; i < 100; i++) keys.add(at + i, rooms[i % 2] ?? 0);
    chunks.push(...rooms);
  }
  assertEquals(chunks, chunks.map((_, index) => index));
  for (let hash = 4000; hash < 5000; hash++) {
    const [no = -1, ...more] = keys.candidates(hash);
    assertEquals(more, []);
    const at = hash - hash % 100;
    assertEquals(
      keys.chunkAt(no),
      hash % 2 === 0 ? { room: 1, first: 2 ** 39 + at, at } : { room: 2 ** 23 - 1, first: at, at },
    );
  }
});

Deno.test("`KeyHashTable.hash()` has few collisions", () => {
  const keys = new KeyHashTable(WINDOW);
  const seen = new Set<number>();
  for (let sender = 0; sender < 100; sender++) {
    for (let key = 0; key < 1000; key++) seen.add(keys.hash(0, `s${sender}`, `k${key}`));
  }
  assertLess(100_000 - seen.size, 1000);
  assertEquals(keys.hash(0, "a", "b"), keys.hash(0, "a", "b"));
  const ab = keys.hash(0, "a", "b");
  assert(keys.hash(0, "ab", "") !== ab);
  assertEquals(keys.hash(0, "a", "b"), ab);
});

import { assert, assertEquals, assertLess } from "@std/assert";
import { RefHashTable } from "../../../broker/sqlite/ref_hash_table.ts";

const WINDOW = 1000;

/** Adds one ref in a chunk of its own. */
function add(refs: RefHashTable, hash: number, at: number): number {
  refs.rotate(at);
  const no = refs.addChunk(7, at, at + 0.5);
  refs.add(hash, no);
  return no;
}

Deno.test("`RefHashTable.candidates()` finds all refs of the last window", () => {
  const refs = new RefHashTable(WINDOW);
  const hashes: number[] = [];
  for (let at = 0; at < 20_000; at++) {
    const hash = refs.hash(`session-${at % 50}`, `${at}`);
    hashes.push(hash);
    assertEquals(add(refs, hash, at), at);
  }
  for (let at = 20_000 - WINDOW; at < 20_000; at++) {
    assert(refs.candidates(hashes[at] ?? 0).includes(at));
    assertEquals(refs.chunkAt(at), { room: 7, first: at, at: at + 0.5 });
  }
});

Deno.test("`RefHashTable.candidates()` forgets refs older than two windows", () => {
  const refs = new RefHashTable(WINDOW);
  add(refs, 1, 0);
  add(refs, 2, WINDOW);
  assertEquals(refs.candidates(1), [0]);
  add(refs, 3, 2 * WINDOW);
  assertEquals([1, 2, 3].map((hash) => refs.candidates(hash)), [[], [1], [2]]);
  assertEquals([0, 1, 2].map((no) => refs.chunkAt(no)?.first), [undefined, WINDOW, 2 * WINDOW]);
});

Deno.test("`RefHashTable.candidates()` returns all chunks that share a hash", () => {
  const refs = new RefHashTable(WINDOW);
  for (let at = 0; at < 3000; at++) add(refs, at % 2 === 0 ? 0xffffffff : at, at);
  const even = refs.candidates(0xffffffff);
  // The first generation is discarded.
  assertEquals(
    [...even].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => 1000 + 2 * i),
  );
  assertEquals(refs.candidates(11), []);
});

Deno.test("`RefHashTable.candidates()` maps many refs to one chunk", () => {
  const refs = new RefHashTable(WINDOW);
  const chunks: number[] = [];
  for (let at = 0; at < 5000; at += 100) {
    refs.rotate(at);
    // Two rooms in one batch, with alternating messages.
    const rooms = [refs.addChunk(1, 2 ** 39 + at, at), refs.addChunk(2 ** 23 - 1, at, at)];
    for (let i = 0; i < 100; i++) refs.add(at + i, rooms[i % 2] ?? 0);
    chunks.push(...rooms);
  }
  assertEquals(chunks, chunks.map((_, index) => index));
  for (let hash = 4000; hash < 5000; hash++) {
    const [no = -1, ...more] = refs.candidates(hash);
    assertEquals(more, []);
    const at = hash - hash % 100;
    assertEquals(
      refs.chunkAt(no),
      hash % 2 === 0 ? { room: 1, first: 2 ** 39 + at, at } : { room: 2 ** 23 - 1, first: at, at },
    );
  }
});

Deno.test("`RefHashTable.hash()` has few collisions", () => {
  const refs = new RefHashTable(WINDOW);
  const seen = new Set<number>();
  for (let session = 0; session < 100; session++) {
    for (let ref = 0; ref < 1000; ref++) seen.add(refs.hash(`s${session}`, `r${ref}`));
  }
  assertLess(100_000 - seen.size, 1000);
  assertEquals(refs.hash("a", "b"), refs.hash("a", "b"));
  const ab = refs.hash("a", "b");
  assert(refs.hash("ab", "") !== ab);
  assertEquals(refs.hash("a", "b"), ab);
});

import { assert, assertEquals, assertLess } from "@std/assert";
import { RecentRefs } from "../broker/refs.ts";

const WINDOW = 1000;

Deno.test("`RecentRefs.candidates()` finds everything of the last window", () => {
  const refs = new RecentRefs(WINDOW);
  const hashes: number[] = [];
  for (let no = 1; no <= 20_000; no++) {
    const hash = refs.hash(`session-${no % 50}`, `${no}`);
    hashes.push(hash);
    refs.add(hash, no, no);
  }
  for (let no = 20_000 - WINDOW; no <= 20_000; no++) {
    assert(refs.candidates(hashes[no - 1] ?? 0).includes(no));
  }
});

Deno.test("`RecentRefs.candidates()` forgets what is older than two windows", () => {
  const refs = new RecentRefs(WINDOW);
  refs.add(1, 1, 0);
  refs.add(2, 2, WINDOW);
  assertEquals(refs.candidates(1), [1]);
  refs.add(3, 3, 2 * WINDOW);
  assertEquals([1, 2, 3].map((hash) => refs.candidates(hash)), [[], [2], [3]]);
});

Deno.test("`RecentRefs.candidates()` names all that share a hash", () => {
  const refs = new RecentRefs(WINDOW);
  for (let no = 1; no <= 3000; no++) refs.add(no % 2 === 0 ? 0xffffffff : no, no, no);
  const even = refs.candidates(0xffffffff);
  assertEquals(
    [...even].sort((a, b) => a - b),
    Array.from({ length: 1500 }, (_, i) => 2 * i + 2)
      .filter((no) => even.includes(no)),
  );
  // The generation that began with the first and the one after it are gone.
  assert(even.includes(3000) && even.includes(2002) && !even.includes(2));
  assertEquals(refs.candidates(12), []);
});

Deno.test("`RecentRefs.hash()` seldom gives two marks the same number", () => {
  const refs = new RecentRefs(WINDOW);
  const seen = new Set<number>();
  for (let session = 0; session < 100; session++) {
    for (let ref = 0; ref < 1000; ref++) seen.add(refs.hash(`s${session}`, `r${ref}`));
  }
  assertLess(100_000 - seen.size, 1000);
  assertEquals(refs.hash("a", "b"), refs.hash("a", "b"));
});

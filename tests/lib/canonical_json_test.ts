import { assertEquals, assertNotEquals } from "@std/assert";
import { canonicalJson } from "../../lib/canonical_json.ts";
import fc from "../kit/fast_check.ts";

/** Returns an equal value whose objects have their fields in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, inner]) => [name, reversed(inner)]));
}

Deno.test("`canonicalJson()` is equal for equal values, and only for these", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const text = canonicalJson(one);
      assertEquals(canonicalJson(reversed(one)), text);
      assertEquals(JSON.parse(text), JSON.parse(JSON.stringify(one)));
      const equal = JSON.stringify(one) === JSON.stringify(other);
      if (equal) assertEquals(canonicalJson(other), text);
    }),
  );
});

Deno.test("`canonicalJson()` keeps fields that objects treat specially", () => {
  const text = `{"constructor":1,"__proto__":{"b":1,"a":2},"2":0,"1":0}`;
  const sorted = `{"1":0,"2":0,"__proto__":{"a":2,"b":1},"constructor":1}`;
  assertEquals(canonicalJson(JSON.parse(text)), sorted);
  assertNotEquals(canonicalJson(JSON.parse(`{"__proto__":{}}`)), canonicalJson({}));
});

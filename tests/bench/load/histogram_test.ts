import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LatencyHistogram } from "../../../bench/load/histogram.ts";

Deno.test("LatencyHistogram.quantile() is exact when values are small", () => {
  const histogram = new LatencyHistogram();
  for (let value = 1; value <= 50; value++) histogram.record(value);
  assertEquals(histogram.quantile(0.5), 25);
  assertEquals(histogram.quantile(0.99), 50);
  assertEquals(histogram.quantile(0), 1);
  assertEquals(histogram.quantile(1), 50);
  assertEquals(histogram.mean, 25.5);
});

Deno.test("LatencyHistogram.quantile() is at most 1/64 too high for any values", () => {
  const values = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1 });
  fc.assert(fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
    const histogram = new LatencyHistogram();
    for (const value of list) histogram.record(value);
    const sorted = list.toSorted((a, b) => a - b);
    const truth = sorted[Math.max(1, Math.ceil(q * list.length)) - 1] ?? NaN;
    const answer = histogram.quantile(q);
    assert(answer >= truth && answer <= truth * (1 + 1 / 64), `${answer} for ${truth}`);
    assertEquals(histogram.max, sorted.at(-1));
  }));
});

Deno.test("LatencyHistogram.record() clamps values that are out of range", () => {
  const histogram = new LatencyHistogram();
  histogram.record(-5);
  histogram.record(1e12);
  assertEquals(histogram.quantile(0.5), 0);
  assertEquals(histogram.max, 2 ** 31 - 1);
});

Deno.test("LatencyHistogram.add() equals recording all values in one histogram", () => {
  const a = new LatencyHistogram(), b = new LatencyHistogram(), both = new LatencyHistogram();
  for (let i = 0; i < 1000; i++) {
    (i % 3 === 0 ? a : b).record(i * i);
    both.record(i * i);
  }
  a.add(b);
  assertEquals(a.summary(), both.summary());
});

Deno.test("LatencyHistogram.summary() is all zero without values or after reset()", () => {
  const empty = { samples: 0, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 };
  const histogram = new LatencyHistogram();
  assertEquals(histogram.summary(), empty);
  histogram.record(1234);
  assertEquals(histogram.summary().max, 1.234);
  histogram.reset();
  assertEquals(histogram.summary(), empty);
});

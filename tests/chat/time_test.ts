import { assertEquals } from "@std/assert";
import { formatDuration, formatLatency, isSameDay } from "../../chat/time.ts";

Deno.test("formatDuration() and formatLatency() round to useful units", () => {
  const hour = 3_600_000;
  assertEquals(
    [-5, 0, 59_000, 60_000, hour, hour + 300_000, 47 * hour, 49 * hour].map(formatDuration),
    ["0 s", "0 s", "59 s", "1 min", "1 h", "1 h 5 min", "47 h", "2 days"],
  );
  assertEquals([0.42, 3, 12.6].map(formatLatency), ["0.4 ms", "3 ms", "13 ms"]);
});

Deno.test("isSameDay() goes by local time", () => {
  const midnight = new Date(2026, 0, 31).getTime();
  assertEquals(isSameDay(midnight, midnight + 86_399_999), true);
  assertEquals(isSameDay(midnight, midnight - 1), false);
});

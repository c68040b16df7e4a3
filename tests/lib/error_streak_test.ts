import { assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { ErrorStreak } from "../../lib/error_streak.ts";
import { collectLog } from "../kit/collected_log.ts";

Deno.test("`ErrorStreak` logs the first failure, a reminder a minute and the end", async () => {
  await using log = await collectLog();
  let now = 0;
  const streak = new ErrorStreak(getLogger(["bcast", "test"]), "Cannot write", () => now);
  let seen = 0;
  const logged = (): readonly string[] => {
    const records = log.records.slice(seen);
    seen = log.records.length;
    return records.map(({ level, message }) => `${level} ${message.join("")}`);
  };
  streak.recordSuccess();
  for (now = 0; now <= 61_000; now += 1000) streak.recordFailure("disk full");
  assertEquals(logged(), [
    "error Cannot write: disk full",
    "warning Cannot write: disk full (61 failures so far)",
  ]);
  streak.recordFailure("disk gone");
  assertEquals(logged(), ["error Cannot write: disk gone"]);
  streak.recordSuccess();
  assertEquals(logged(), [], "a single success may be luck");
  now += 5000;
  streak.recordSuccess();
  streak.recordSuccess();
  assertEquals(logged(), ["info Cannot write: solved after 63 failures"]);
  streak.recordFailure("disk gone");
  assertEquals(logged(), ["error Cannot write: disk gone"]);
});

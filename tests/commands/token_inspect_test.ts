import { assertEquals } from "@std/assert";
import { OPEN_GRANT } from "../../auth/authorizer.ts";
import { tokenRows } from "../../commands/token_inspect.ts";

const NOW = Date.parse("2026-01-31T10:00:00Z");

/** The rows about the end of a token that expires `seconds` from now. */
function endOf(seconds: number, verdict: Parameters<typeof tokenRows>[2]): unknown {
  const rows = tokenRows({}, { exp: NOW / 1000 + seconds }, verdict, "sub", NOW);
  return rows.filter(([label]) => /^(?:Expire|Verdict)/.test(label));
}

Deno.test("bcast token inspect tells an expired token that is still accepted from a valid one", () => {
  const accepted = { ok: true, grant: OPEN_GRANT } as const;
  assertEquals(endOf(120, accepted), [
    ["Expires", "2026-01-31T10:02:00.000Z (in 2 minutes)"],
    ["Verdict", "valid: a hub with these keys accepts it"],
  ]);
  assertEquals(endOf(-2, accepted), [
    ["Expired", "2026-01-31T09:59:58.000Z (2 seconds ago); still accepted (5 s clock tolerance)"],
    ["Verdict", "expired, but accepted for some seconds by a hub with these keys"],
  ]);
  assertEquals(endOf(-60, { ok: false, failure: "untimely", reason: "The token expired" }), [
    ["Expired", "2026-01-31T09:59:00.000Z (1 minute ago)"],
    ["Verdict", "rejected: The token expired"],
  ]);
});

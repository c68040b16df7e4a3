import { assert, assertEquals } from "@std/assert";
import type { AuthDecision, Authorizer } from "../../auth/authorizer.ts";
import { MAX_CLOSE_REASON_BYTES, MAX_SECRET_LENGTH } from "../../protocol.ts";

/** The time in these tests. */
export const NOW = Date.parse("2026-03-01T12:00:00Z");

/** An authorizer under test and a token that it accepts. */
export interface AuthorizerFixture {
  readonly authorizer: Authorizer;
  readonly good: string;
}

/** Registers the contract of authorizers that check tokens. */
export function testAuthorizer(name: string, make: () => Promise<AuthorizerFixture>): void {
  Deno.test(`${name}: \`authorize()\` accepts the right token repeatedly`, async () => {
    const { authorizer, good } = await make();
    for (let time = 0; time < 3; time++) {
      assert((await authorizer.authorize(good, NOW)).ok);
    }
  });

  Deno.test(`${name}: \`authorize()\` rejects every altered token`, async () => {
    const { authorizer, good } = await make();
    // Not the last character: in Base64, it has unused bits.
    const damaged = Array.from(good.slice(0, -1), (character, index) => {
      const other = character === "A" ? "B" : "A";
      return good.slice(0, index) + other + good.slice(index + 1);
    });
    const others = [
      ...damaged,
      ...[
        "",
        " ",
        ".",
        "../..",
        "a.b.c",
        "null",
        "undefined",
        "\0",
        "\r\n",
        "\u001b[2J",
        "é",
        "👋",
      ],
      ...[good + "A", "A" + good, good + " ", " " + good, good + "\n", good.slice(0, -1)],
      good.repeat(2),
      good.slice(1),
      good + "A".repeat(MAX_SECRET_LENGTH),
      "A".repeat(1_000_000),
      ".".repeat(100_000),
    ];
    for (const token of others) {
      const verdict = await authorizer.authorize(token, NOW);
      assertRefused(verdict, "wrong", token);
    }
  });

  Deno.test(`${name}: \`authorize()\` rejects a missing token if one is required`, async () => {
    const { authorizer } = await make();
    const verdict = await authorizer.authorize(undefined, NOW);
    assertEquals(authorizer.required, !verdict.ok);
    if (authorizer.required) assertRefused(verdict, "missing");
  });
}

/** Asserts a failure whose reason fits a close frame and quotes nothing of the token. */
export function assertRefused(verdict: AuthDecision, failure: string, token?: string): string {
  assert(!verdict.ok, `accepted: ${token?.slice(0, 100)}`);
  assertEquals(verdict.failure, failure, verdict.reason);
  assert(new TextEncoder().encode(verdict.reason).length <= MAX_CLOSE_REASON_BYTES, verdict.reason);
  if (token !== undefined && token.length > 3) {
    for (const part of token.split(".").filter((part) => part.length > 3)) {
      assert(!verdict.reason.includes(part), verdict.reason);
    }
  }
  return verdict.reason;
}

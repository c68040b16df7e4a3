import { assert, assertEquals } from "@std/assert";
import type { AuthDecision, Authorizer } from "../../auth/authorizer.ts";
import { MAX_CLOSE_REASON_BYTES, MAX_SECRET_LENGTH } from "../../protocol.ts";

/** The moment at which the tests of tokens take place. */
export const NOW = Date.parse("2026-03-01T12:00:00Z");

/** An authorizer under test, with a token that it takes. */
export interface Subject {
  readonly authorizer: Authorizer;
  readonly good: string;
}

/** What every authorizer that asks for tokens must do. */
export function testAuthorizer(name: string, make: () => Promise<Subject>): void {
  Deno.test(`${name}: \`authorize()\` takes the right token, again and again`, async () => {
    const { authorizer, good } = await make();
    for (let time = 0; time < 3; time++) {
      assert((await authorizer.authorize(good, NOW)).ok);
    }
  });

  Deno.test(`${name}: \`authorize()\` refuses every token that is not quite right`, async () => {
    const { authorizer, good } = await make();
    // The last character of Base64 has bits that say nothing, so that one may be another.
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

  Deno.test(`${name}: \`authorize()\` wants a token where one is required`, async () => {
    const { authorizer } = await make();
    const verdict = await authorizer.authorize(undefined, NOW);
    assertEquals(authorizer.required, !verdict.ok);
    if (authorizer.required) assertRefused(verdict, "missing");
  });
}

/** Asserts a refusal whose reason fits a close frame and holds nothing of the token. */
export function assertRefused(verdict: AuthDecision, failure: string, token?: string): string {
  assert(!verdict.ok, `let in: ${token?.slice(0, 100)}`);
  assertEquals(verdict.failure, failure, verdict.reason);
  assert(new TextEncoder().encode(verdict.reason).length <= MAX_CLOSE_REASON_BYTES, verdict.reason);
  if (token !== undefined && token.length > 3) {
    for (const part of token.split(".").filter((part) => part.length > 3)) {
      assert(!verdict.reason.includes(part), verdict.reason);
    }
  }
  return verdict.reason;
}

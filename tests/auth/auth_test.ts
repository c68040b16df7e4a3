import { assert, assertEquals, assertThrows } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { combineAuthorizers, OPEN } from "../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken } from "../../auth/jwt.ts";
import { KeyError, parsePrivateKey, parsePublicKeys, parseSecrets } from "../../auth/keys.ts";
import { secretKey, signingSecret } from "../../auth/keys.ts";
import { Rights } from "../../auth/rights.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { formatDuration } from "../../lib/format_time.ts";
import { assertRefused, NOW, testAuthorizer } from "./auth_kit.ts";

const SECRET = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const OTHER = new TextEncoder().encode("fedcba9876543210fedcba9876543210");

function pem(type: "rsa" | "ec" | "ed25519", curve = "P-256"): { public: string; private: string } {
  const pair = type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : type === "ec"
    ? generateKeyPairSync("ec", { namedCurve: curve })
    : generateKeyPairSync("ed25519");
  return {
    public: String(pair.publicKey.export({ type: "spki", format: "pem" })),
    private: String(pair.privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

const ec = pem("ec");

testAuthorizer("shared secrets", () => {
  const authorizer = new SecretAuthorizer(["the-old-secret", "the-new-secret"]);
  return Promise.resolve({ authorizer, good: "the-new-secret" });
});

testAuthorizer("JWT by a secret", async () => ({
  authorizer: new JwtAuthorizer({ keys: [secretKey(OTHER), secretKey(SECRET)] }),
  good: await mintToken(signingSecret(SECRET), { issuedAt: NOW }),
}));

testAuthorizer("JWT by a public key", async () => ({
  authorizer: new JwtAuthorizer({ keys: parsePublicKeys(ec.public) }),
  // Every bit of an elliptic signature matters.
  good: await mintToken(parsePrivateKey(ec.private), { issuedAt: NOW, sub: "Alice" }),
}));

testAuthorizer("secrets and JWT together", async () => ({
  authorizer: combineAuthorizers([
    new SecretAuthorizer(["a-shared-secret"]),
    new JwtAuthorizer({ keys: [secretKey(SECRET)] }),
  ]),
  good: await mintToken(signingSecret(SECRET), { issuedAt: NOW }),
}));

testAuthorizer("an open hub with an admin's secret", () => {
  const authorizer = combineAuthorizers([new SecretAuthorizer(["admin-secret"], { admin: true })], {
    open: true,
  });
  return Promise.resolve({ authorizer, good: "admin-secret" });
});

Deno.test("`OPEN` accepts any token and none", async () => {
  for (const token of [undefined, "", "for another hub"]) {
    assert((await OPEN.authorize(token, NOW)).ok);
  }
});

Deno.test("`combineAuthorizers()` grants moderation only with the admin's secret", async () => {
  const open = combineAuthorizers([new SecretAuthorizer(["root"], { admin: true })], {
    open: true,
  });
  const admin = await open.authorize("root", NOW);
  const guest = await open.authorize(undefined, NOW);
  assert(admin.ok && admin.grant.admin);
  assert(guest.ok && !guest.grant.admin);
});

Deno.test("`parsePrivateKey()` reads OpenSSL's formats and explains what it cannot read", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sec1 = String(privateKey.export({ type: "sec1", format: "pem" }));
  // `openssl ecparam -genkey` puts the curve before the key.
  const parameters =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  for (const text of [sec1, parameters + sec1, `Grüße 世界\n${sec1}`]) {
    assertEquals(parsePrivateKey(text).algorithm, "ES256");
  }
  const locks = { cipher: "aes-128-cbc", passphrase: "x", format: "pem" } as const;
  for (const type of ["pkcs8", "sec1"] as const) {
    const locked = String(privateKey.export({ ...locks, type }));
    assertThrows(
      () => parsePrivateKey(locked),
      KeyError,
      "password-protected: write a copy without one with openssl pkey -in",
    );
  }
  assertThrows(() => parsePrivateKey(parameters), KeyError, "it contains no readable private key");
});

for (const kind of ["rsa", "P-256", "P-384", "P-521", "ed25519"]) {
  Deno.test(`\`JwtAuthorizer\` accepts tokens signed with ${kind}, given its PEM or JWK`, async () => {
    const pair = kind === "rsa" || kind === "ed25519" ? pem(kind) : pem("ec", kind);
    const key = parsePrivateKey(pair.private);
    const token = await mintToken(key, { issuedAt: NOW, sub: "Alice" });
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = key.key as
      & Record<string, unknown>
      & { d?: unknown };
    const set = JSON.stringify({ keys: [{ kty: "oops" }, { ...jwk, use: "sig" }] });
    for (const text of [pair.public, JSON.stringify(jwk), set]) {
      const verdict = await new JwtAuthorizer({ keys: parsePublicKeys(text) }).authorize(
        token,
        NOW,
      );
      assert(verdict.ok);
      assertEquals(verdict.grant.name, "Alice");
    }
  });
}

const encode = (value: unknown): string =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

async function hmac(header: unknown, payload: unknown, secret: BufferSource): Promise<string> {
  const text = `${encode(header)}.${encode(payload)}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return `${text}.${
    new Uint8Array(signature).toBase64({ alphabet: "base64url", omitPadding: true })
  }`;
}

/** Hostile or outdated tokens and the reasons for their rejection. */
const REFUSED: readonly {
  readonly what: string;
  readonly token: () => Promise<string> | string;
  readonly failure?: string;
  readonly reason: RegExp;
}[] = [
  {
    what: "alg none",
    token: () => `${encode({ alg: "none" })}.${encode({ sub: "Root", admin: true })}.`,
    reason: /not signed/,
  },
  {
    what: "alg NoNe",
    token: () => `${encode({ alg: "NoNe" })}.${encode({ sub: "Root" })}.AAAA`,
    reason: /not signed/,
  },
  {
    what: "an HMAC whose secret is the public key's PEM",
    token: () => hmac({ alg: "HS256" }, { sub: "Root" }, new TextEncoder().encode(ec.public)),
    reason: /not signed with a key/,
  },
  {
    what: "an algorithm without a key",
    token: () => hmac({ alg: "RS256" }, { sub: "Root" }, SECRET),
    reason: /No key of this hub supports/,
  },
  {
    what: "another key of the same kind",
    token: () => mintToken(parsePrivateKey(pem("ec").private), { issuedAt: NOW, sub: "Root" }),
    reason: /not signed with a key/,
  },
  {
    what: "another secret",
    token: () => mintToken(signingSecret(OTHER), { issuedAt: NOW, sub: "Root" }),
    reason: /not signed with a key/,
  },
  {
    what: "a key in the token itself",
    token: () =>
      hmac({ alg: "HS256", jwk: { kty: "oct", k: encode("x") }, jku: "http://evil" }, {}, OTHER),
    reason: /not signed with a key/,
  },
  {
    what: "an unknown critical header",
    token: () => hmac({ alg: "HS256", crit: ["exp"], exp: 1 }, {}, SECRET),
    reason: /cannot be verified/,
  },
  {
    what: "an expired token",
    token: () => claims({ exp: NOW / 1000 - 180 }),
    failure: "untimely",
    reason: /^The token expired 3 minutes ago: ask for a new one$/,
  },
  {
    what: "a token that is not valid yet",
    token: () => claims({ nbf: NOW / 1000 + 7200 }),
    failure: "untimely",
    reason: /not valid yet: try again in 2 hours/,
  },
  { what: "times as text", token: () => claims({ exp: "never" }), reason: /must be numbers/ },
  { what: "another issuer", token: () => claims({ iss: "https://evil" }), reason: /issuer/ },
  { what: "no issuer", token: () => claims({ iss: undefined }), reason: /issuer/ },
  { what: "another audience", token: () => claims({ aud: "mail" }), reason: /audience/ },
  { what: "no audience", token: () => claims({ aud: undefined }), reason: /audience/ },
  {
    what: "a sub that is not a valid name",
    token: () => claims({ sub: "a/b" }),
    reason: /"sub" is not a valid name/,
  },
  {
    what: "a sub that is a number",
    token: () => claims({ sub: 7 }),
    reason: /"sub" is not a valid name/,
  },
  {
    what: "a sub too long",
    token: () => claims({ sub: "a".repeat(33) }),
    reason: /"sub" is not a valid/,
  },
  {
    what: "rooms as text",
    token: () => claims({ rooms: "all" }),
    reason: /"rooms" must look like/,
  },
  {
    what: "rooms as a list",
    token: () => claims({ rooms: ["a"] }),
    reason: /"rooms" must look like/,
  },
  {
    what: "an unknown access",
    token: () => claims({ rooms: { lobby: "write" } }),
    reason: /"rooms" must look like/,
  },
  {
    what: "an invalid pattern",
    token: () => claims({ rooms: { "Lobby": "read" } }),
    reason: /"rooms" must look like/,
  },
  {
    what: "a payload that is not an object",
    token: () => hmac({ alg: "HS256" }, [1, 2], SECRET),
    reason: /cannot be verified/,
  },
];

function claims(changed: Record<string, unknown>): Promise<string> {
  return hmac({ alg: "HS256" }, { iss: "me", aud: "bcast", ...changed }, SECRET);
}

for (const { what, token, failure = "wrong", reason } of REFUSED) {
  Deno.test(`\`JwtAuthorizer\` refuses ${what}`, async () => {
    const authorizer = new JwtAuthorizer({
      keys: [secretKey(SECRET), ...parsePublicKeys(ec.public)],
      issuer: "me",
      audience: "bcast",
    });
    const hostile = await token();
    const said = assertRefused(await authorizer.authorize(hostile, NOW), failure, hostile);
    assert(reason.test(said), said);
    const good = await authorizer.authorize(await claims({}), NOW);
    assert(good.ok, "the good token is rejected, too");
  });
}

Deno.test("`JwtAuthorizer` rejects a token with an audience if none is configured", async () => {
  const authorizer = new JwtAuthorizer({ keys: [secretKey(SECRET)] });
  const reason = assertRefused(await authorizer.authorize(await claims({}), NOW), "wrong");
  assert(reason.includes("audience"), reason);
});

Deno.test("`JwtAuthorizer` reads the name from the configured claim", async () => {
  const authorizer = new JwtAuthorizer({
    keys: [secretKey(SECRET)],
    audience: "bcast",
    nameClaim: "preferred_username",
  });
  const token = await claims({ sub: "7d0b…not-a-name/at all", preferred_username: "Alice" });
  const verdict = await authorizer.authorize(token, NOW);
  assert(verdict.ok && verdict.grant.name === "Alice");
});

Deno.test("`JwtAuthorizer` tolerates clocks that differ by a few seconds", async () => {
  const authorizer = new JwtAuthorizer({ keys: [secretKey(SECRET)], audience: "bcast" });
  assert((await authorizer.authorize(await claims({ exp: NOW / 1000 - 3 }), NOW)).ok);
  assert((await authorizer.authorize(await claims({ nbf: NOW / 1000 + 3 }), NOW)).ok);
  assertRefused(await authorizer.authorize(await claims({ exp: NOW / 1000 - 6 }), NOW), "untimely");
});

for (
  const [what, text, message] of [
    ["nothing", "", "neither PEM nor JSON"],
    ["half of a JSON", "{", "not a JSON key"],
    ["a JSON of nothing", "{}", "key type is not supported"],
    ["a set without keys", `{"keys":[]}`, "no key that verifies"],
    ["a private key", ec.private, "a private key"],
    ["a private JWK", JSON.stringify(parsePrivateKey(ec.private).key), "a private key"],
    [
      "a PEM of nothing",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
      "cannot be read",
    ],
    ["a short secret", `{"kty":"oct","k":"c2hvcnQ"}`, "32 bytes"],
    ["a short RSA key", `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "2048 bits"],
    [
      "a key for another algorithm",
      `{"kty":"OKP","crv":"Ed25519","x":"AA","alg":"HS256"}`,
      "does not match",
    ],
  ] as const
) {
  Deno.test(`\`parsePublicKeys()\` rejects ${what} with a reason`, () => {
    const error = assertThrows(() => parsePublicKeys(text), KeyError);
    assert(error.message.includes(message), error.message);
  });
}

Deno.test("`parseSecrets()` reads one per line and rejects secrets that could be guessed", () => {
  const long = "x".repeat(32);
  assertEquals(parseSecrets(`${long}\n\n  ${long}y \n`).map((bytes) => bytes.length), [32, 33]);
  assertThrows(() => parseSecrets("\n"), KeyError, "empty");
  assertThrows(() => parseSecrets(`${long}\nshort`), KeyError, "32 characters");
  assertThrows(() => parseSecrets(ec.public), KeyError, "--jwt-key");
});

Deno.test("`Rights` applies the most specific pattern", () => {
  const rights = Rights.parse({
    "*": "read",
    "ops-*": "none",
    "ops-*-public": "read",
    "ops-web": "read-write",
    "*-web": "none",
    "a*c*e": "read-write",
  });
  assert(rights !== undefined);
  const access = (room: string): string =>
    rights.mayWrite(room) ? "read-write" : rights.mayRead(room) ? "read" : "none";
  for (
    const [room, expected] of [
      ["lobby", "read"],
      ["ops-db", "none"],
      ["ops-", "none"],
      ["ops-db-public", "read"],
      ["ops-web", "read-write"],
      ["dev-web", "none"],
      ["ops-x-web", "none"],
      ["ace", "read-write"],
      ["abcde", "read-write"],
      ["abcdef", "read"],
    ]
  ) {
    assertEquals(access(room ?? ""), expected, room);
    assertEquals(access(room ?? ""), expected, `${room}, asked again`);
  }
  assertEquals(rights.named, ["ops-web"]);
});

Deno.test("`Rights` denies rooms without a matching pattern, and allows all without a list", () => {
  const none = Rights.parse({});
  assert(none !== undefined && !none.mayRead("lobby") && !none.unlimited);
  assert(Rights.all.mayWrite("lobby") && Rights.all.unlimited);
  for (const claim of [null, 1, "read", [], { lobby: true }, { "a b": "read" }, { "": "read" }]) {
    assertEquals(Rights.parse(claim), undefined);
  }
});

Deno.test("`Rights` matches patterns in linear time and keeps a bounded cache", () => {
  const stars = `${"a*".repeat(31)}b`;
  const rights = Rights.parse({ [stars]: "read" });
  const begun = performance.now();
  for (let room = 0; room < 10_000; room++) rights?.mayRead("a".repeat(50) + room);
  // Some milliseconds; with backtracking it would take years.
  assert(performance.now() - begun < 2000);
});

Deno.test("`Rights` matches patterns like the equivalent regular expression", () => {
  const text = (letters: string[]): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text(["a", "b", "*"]), text(["a", "b"]), (pattern, room) => {
      const rights = Rights.parse({ [pattern]: "read" });
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(room);
      assertEquals(rights?.mayRead(room), expected);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("`JwtAuthorizer` rejects any forged token and never throws", async () => {
  const authorizer = new JwtAuthorizer({
    keys: [secretKey(SECRET), ...parsePublicKeys(ec.public)],
  });
  const algorithm = fc.constantFrom("HS256", "HS512", "ES256", "RS256", "none", "", "EdDSA");
  const header = fc.oneof(
    fc.json().map((json): unknown => JSON.parse(json)),
    fc.record({
      alg: fc.oneof(algorithm, fc.jsonValue()),
      kid: fc.jsonValue(),
      crit: fc.jsonValue(),
      b64: fc.jsonValue(),
      zip: fc.jsonValue(),
      jwk: fc.jsonValue(),
    }, { requiredKeys: [] }),
  );
  await fc.assert(
    fc.asyncProperty(header, fc.jsonValue(), fc.base64String(), async (head, payload, end) => {
      const signature = end.replace(/[^A-Za-z0-9]/g, "_");
      const token = `${encode(head)}.${encode(payload)}.${signature}`;
      assert(!(await authorizer.authorize(token, NOW)).ok, token);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("`JwtAuthorizer` turns any signed claims into a grant or a failure", async () => {
  const authorizer = new JwtAuthorizer({ keys: [secretKey(SECRET)] });
  const names = ["exp", "nbf", "iat", "iss", "aud", "sub", "rooms", "admin"];
  const anything = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(anything, async (payload) => {
      const verdict = await authorizer.authorize(
        await hmac({ alg: "HS256" }, payload, SECRET),
        NOW,
      );
      if (!verdict.ok) return;
      assertEquals(verdict.grant.admin, payload["admin"] === true);
      assertEquals(verdict.grant.rights.unlimited, payload["rooms"] === undefined);
      assert(typeof (verdict.grant.name ?? "") === "string" && verdict.grant.expiresAt > 0);
    }),
    { numRuns: 500 },
  );
});

Deno.test("`formatDuration()` uses the largest unit", () => {
  assertEquals([0, 1000, 59_499, 180_000, 5_400_000, 86_400_000, -3_000].map(formatDuration), [
    ...["1 second", "1 second", "59 seconds", "3 minutes", "2 hours", "1 day", "3 seconds"],
  ]);
});

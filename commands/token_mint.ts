import { parsePrivateKey, parseSecrets, type SigningKey, signingSecret } from "../auth/keys.ts";
import { mintToken, type TokenClaims } from "../auth/jwt.ts";
import { isAccess, isRoomPattern, type RoomAccess } from "../auth/rights.ts";
import { readKeys } from "./start/auth_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import { EXIT, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { normalizeName } from "../protocol.ts";

const FLAGS = {
  secretFile: flag.text({
    placeholder: "FILE",
    help: "Sign with the last secret in FILE (HS256)",
  }),
  key: flag.text({
    placeholder: "FILE",
    help: "Sign with a private key (PEM or JWK)",
  }),
  sub: flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "NAME",
    expects: "a name of 1 to 32 visible characters without / @ # :",
    parse: normalizeName,
    help: "Subject: the user name the token reserves",
  }),
  rooms: flag.list({
    fallback: [],
    placeholder: "ROOM=ACCESS",
    defaultText: "all, read-write",
    expects: "like 'ops-*=read' or lobby=read-write",
    accepts: (item) => readRule(item) !== undefined,
    help: "Grant read, read-write or none; * matches anything (repeatable)",
  }),
  expires: flag.seconds({
    fallback: 30 * 86_400,
    help: "How long the token is valid (0 = forever)",
  }),
  admin: flag.toggle({ help: "Grant moderator rights" }),
  issuer: flag.text({ placeholder: "TEXT", help: "Issuer (iss), if the hub requires one" }),
  audience: flag.text({
    placeholder: "TEXT",
    help: "Audience (aud), if the hub requires one",
  }),
  json: flag.toggle({ help: "Print the token and its claims as JSON" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast token mint`. */
export const tokenMint = defineCommand({
  name: "token mint",
  summary: "Create a JSON Web Token",
  description: "Prints a token for one user or program. The hub needs the same secret " +
    "(--jwt-secret-file) or the public key (--jwt-key). A token cannot be revoked before " +
    "it expires, except by changing the key: keep its lifetime short.",
  flags: FLAGS,
  examples: [
    ["token mint --secret-file jwt.txt --sub Alice", "For Alice: 30 days, all rooms"],
    [
      "token mint --secret-file jwt.txt --sub screen --rooms 'ops-*=read'",
      "For a read-only screen",
    ],
    [
      "token mint --key private.pem --sub Root --admin --expires 8h",
      "For a moderator, for a shift",
    ],
  ],
  run: async ({ flags }: Input, { stdout }) => {
    const key = await signingKey(flags);
    const claims = claimsOf(flags, Date.now());
    const token = await mintToken(key, claims);
    await stdout.write(
      flags.json
        ? JSON.stringify({
          token,
          ...claims,
          issuedAt: isoTime(claims.issuedAt),
          ...(claims.expiresAt === undefined ? {} : { expiresAt: isoTime(claims.expiresAt) }),
        }) + "\n"
        : `${token}\n`,
    );
    return EXIT.done;
  },
});

async function signingKey({ secretFile, key }: Input["flags"]): Promise<SigningKey> {
  if ((secretFile === undefined) === (key === undefined)) {
    throw new UsageError(
      "Give exactly one of --secret-file and --key. See bcast token mint --help",
    );
  }
  if (key !== undefined) return await readKeys(key, "--key", parsePrivateKey);
  return await readKeys(secretFile ?? "", "--secret-file", (text) => {
    const secrets = parseSecrets(text);
    return signingSecret(secrets.at(-1) ?? new Uint8Array());
  });
}

function claimsOf(flags: Input["flags"], now: number): TokenClaims {
  const { sub, rooms, expires, admin, issuer, audience } = flags;
  const rules = rooms.map(readRule).filter((rule) => rule !== undefined);
  return {
    issuedAt: now,
    ...(expires === 0 ? {} : { expiresAt: now + expires * 1000 }),
    ...(sub === undefined ? {} : { sub }),
    ...(rules.length === 0 ? {} : { rooms: Object.fromEntries(rules) }),
    ...(admin ? { admin } : {}),
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
}

function readRule(item: string): readonly [pattern: string, access: RoomAccess] | undefined {
  const [pattern = "", access, ...rest] = item.split("=");
  if (!isRoomPattern(pattern) || !isAccess(access) || rest.length > 0) return undefined;
  return [pattern, access];
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

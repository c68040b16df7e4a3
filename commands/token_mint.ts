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
    help: "Sign with the last secret of FILE (HS256), as bcast token secret makes it",
  }),
  key: flag.text({
    placeholder: "FILE",
    help: "Sign with a private key: PEM, or a JWK",
  }),
  sub: flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "NAME",
    expects: "a name of 1 to 32 visible characters without / @ # :",
    read: normalizeName,
    help: "The name of who bears the token, and of nobody else",
  }),
  rooms: flag.list({
    fallback: [],
    placeholder: "ROOM=ACCESS",
    shown: "all, read-write",
    expects: "like 'ops-*=read' or lobby=read-write",
    accepts: (item) => readRule(item) !== undefined,
    help: "What may be done where: read, read-write or none, in rooms of this name; * stands for " +
      "any characters. May be given several times",
  }),
  expires: flag.seconds({
    fallback: 30 * 86_400,
    help: "How long it is good for; 0: for ever",
  }),
  admin: flag.toggle({ help: "Its bearer may moderate" }),
  issuer: flag.text({ placeholder: "TEXT", help: "Who makes it (iss), if the hub asks for that" }),
  audience: flag.text({
    placeholder: "TEXT",
    help: "Whom it is for (aud), if the hub asks for that",
  }),
  json: flag.toggle({ help: "Print the token and what it says as one JSON object" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast token mint`. */
export const tokenMint = defineCommand({
  name: "token mint",
  summary: "Make a JSON Web Token",
  about: "Prints a token for one person or program. The hub needs the same secret " +
    "(--jwt-secret-file) or the public half of the key (--jwt-key). A token cannot be taken back " +
    "before it expires, other than by changing the key: make it as short-lived as is convenient.",
  flags: FLAGS,
  examples: [
    ["token mint --secret-file jwt.txt --sub Alice", "For Alice, 30 days, all rooms"],
    [
      "token mint --secret-file jwt.txt --sub screen --rooms 'ops-*=read'",
      "For a screen that only reads",
    ],
    ["token mint --key private.pem --sub Root --admin --expires 8h", "For a moderator, today"],
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
    throw new UsageError("Sign with one of --secret-file and --key. See bcast token mint --help");
  }
  if (key !== undefined) return await readKeys(key, parsePrivateKey);
  return await readKeys(secretFile ?? "", (text) => {
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

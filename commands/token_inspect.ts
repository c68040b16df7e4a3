import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload } from "jose";
import type { AuthDecision } from "../auth/authorizer.ts";
import { CLOCK_TOLERANCE, looksLikeJwt } from "../auth/jwt.ts";
import { formatDuration } from "../lib/format_time.ts";
import { JWT_FLAGS, loadJwt } from "./start/auth_flags.ts";
import { type CommandInput, defineCommand } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { CliError, EXIT, type ExitCode } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { safeJson } from "../protocol.ts";
import { table } from "../render/table.ts";
import { MAX_SECRET_LENGTH, visible } from "../protocol.ts";

const FLAGS = {
  jwtSecretFile: {
    ...JWT_FLAGS.jwtSecretFile,
    help: "Check the signature with a secret from FILE",
  },
  jwtKey: { ...JWT_FLAGS.jwtKey, help: "Check the signature with this public key (repeatable)" },
  jwtIssuer: { ...JWT_FLAGS.jwtIssuer, help: "Check that the issuer (iss) is this one" },
  jwtAudience: { ...JWT_FLAGS.jwtAudience, help: "Check that the audience (aud) is this one" },
  jwtName: JWT_FLAGS.jwtName,
  json: flag.toggle({ help: "Print the result as one JSON object" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast token inspect`. */
export const tokenInspect = defineCommand({
  name: "token inspect",
  summary: "Show what a JSON Web Token says and check it",
  description:
    "Reads the token from standard input, or takes it as an argument (visible to other " +
    "users of the machine). With the key flags of a hub, checks the token as that hub " +
    "would, and exits with 1 if it would be rejected; without them, only shows it.",
  positional: { placeholder: "TOKEN", help: "The token; without it, reads standard input" },
  flags: FLAGS,
  examples: [
    ["token inspect < alice.jwt", "Show a token"],
    [
      "token inspect --jwt-secret-file jwt.txt < alice.jwt",
      "Check it as a hub with this secret would",
    ],
  ],
  run,
});

async function run({ flags, positional }: Input, context: Context): Promise<ExitCode> {
  const token = (positional ?? await readInput(context)).trim();
  const { header, claims } = read(token);
  const authorizer = await loadJwt(flags);
  const now = Date.now();
  const verdict = await authorizer?.authorize(token, now);
  await context.stdout.write(
    flags.json
      ? safeJson({ header, claims, ...judged(verdict) }) + "\n"
      : table(tokenRows(header, claims, verdict, flags.jwtName, now), { indent: 0 }),
  );
  if (positional !== undefined) {
    await context.stderr.write(
      "Other users of this machine could see the token. Pass it on standard input instead\n",
    );
  }
  return verdict?.ok === false ? EXIT.failed : EXIT.done;
}

async function readInput({ stdin, stderr }: Context): Promise<string> {
  if (stdin.isTerminal) await stderr.write("Paste the token, then Enter and Ctrl-D:\n");
  let text = "";
  for await (const piece of stdin.readable.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.length > 2 * MAX_SECRET_LENGTH) break;
  }
  return text;
}

function read(token: string): {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: JWTPayload;
} {
  if (token === "") throw new CliError("No token given. Pass it on standard input");
  if (token.length > MAX_SECRET_LENGTH || !looksLikeJwt(token)) {
    throw new CliError(
      "This is not a JSON Web Token: expected three parts separated by dots. Check that it is complete",
    );
  }
  try {
    return { header: { ...decodeProtectedHeader(token) }, claims: decodeJwt(token) };
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof errors.JOSEError)) throw error;
    throw new CliError(
      "This is not a JSON Web Token: its parts cannot be decoded. Check that it is complete",
    );
  }
}

function judged(verdict: AuthDecision | undefined): Readonly<Record<string, unknown>> {
  if (verdict === undefined) return {};
  return verdict.ok ? { accepted: true } : { accepted: false, reason: verdict.reason };
}

/** The result as a table: label and value. */
export function tokenRows(
  header: Readonly<Record<string, unknown>>,
  claims: JWTPayload,
  verdict: AuthDecision | undefined,
  nameClaim: string,
  now: number,
): readonly (readonly [string, string])[] {
  const { iss, aud, nbf, exp, iat } = claims;
  const known: readonly (readonly [string, unknown])[] = [
    ["Signed", header["alg"]],
    ["Name", claims[nameClaim] ?? "any free name"],
    ["Rooms", claims["rooms"] ?? "all, read-write"],
    ["Admin", claims["admin"] === true ? "yes" : "no"],
    ["Issuer", iss],
    ["Audience", aud],
    ["Issued", when(iat, now)],
    ["Valid from", when(nbf, now)],
    isPast(exp, now)
      ? ["Expired", expired(exp, verdict, now)]
      : ["Expires", when(exp, now) ?? "never"],
    ["Verdict", sentence(verdict, isPast(exp, now))],
  ];
  return known.filter(([, value]) => value !== undefined)
    .map(([what, value]) => [what, shown(value)]);
}

function isPast(seconds: unknown, now: number): boolean {
  return typeof seconds === "number" && seconds * 1000 <= now;
}

function expired(exp: unknown, verdict: AuthDecision | undefined, now: number): string {
  const still = verdict?.ok ? `; still accepted (${CLOCK_TOLERANCE} s clock tolerance)` : "";
  return `${when(exp, now)}${still}`;
}

function sentence(verdict: AuthDecision | undefined, isExpired: boolean): string {
  if (verdict === undefined) return "not checked: give --jwt-secret-file or --jwt-key";
  if (!verdict.ok) return `rejected: ${verdict.reason}`;
  return isExpired
    ? "expired, but accepted for some seconds by a hub with these keys"
    : "valid: a hub with these keys accepts it";
}

function when(seconds: unknown, now: number): string | undefined {
  if (seconds === undefined) return undefined;
  const date = typeof seconds === "number" ? new Date(seconds * 1000) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) return "not a time";
  const distance = date.getTime() - now;
  const words = formatDuration(distance);
  return `${date.toISOString()} (${distance < 0 ? `${words} ago` : `in ${words}`})`;
}

function shown(value: unknown): string {
  return visible(typeof value === "string" ? value : safeJson(value) ?? "");
}

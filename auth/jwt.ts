import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { MAX_SECRET_LENGTH, normalizeName } from "../protocol.ts";
import {
  type AuthDecision,
  type AuthFailure,
  type Authorizer,
  MISSING_TOKEN,
  WRONG_TOKEN,
} from "./authorizer.ts";
import type { SigningKey, VerificationKey } from "./keys.ts";
import { Rights, type RoomAccess } from "./rights.ts";
import { formatDuration } from "../lib/format_time.ts";

/** Seconds by which the clocks of the hub and the token's issuer may differ. */
export const CLOCK_TOLERANCE = 5;

export interface JwtOptions {
  /** Any of them may have signed: during a key rotation, both keys are here. */
  readonly keys: readonly VerificationKey[];
  /** The required `iss`; `undefined`: any. */
  readonly issuer?: string;
  /** Must be in `aud`; `undefined`: there must be no `aud` (RFC 7519 section 4.1.3). */
  readonly audience?: string;
  /** The claim with the user name; default `sub`. */
  readonly nameClaim?: string;
}

/** Accepts JSON Web Tokens (RFC 7519) signed with one of several keys. */
export class JwtAuthorizer implements Authorizer {
  readonly required = true;
  readonly grantsAdmin = true;

  constructor(private readonly options: JwtOptions) {}

  async authorize(token: string | undefined, now: number): Promise<AuthDecision> {
    if (token === undefined) return MISSING_TOKEN;
    const header = readHeader(token);
    if (header === undefined) return WRONG_TOKEN;
    const candidates = this.options.keys.filter(({ algorithms }) =>
      algorithms.includes(header.alg)
    );
    if (candidates.length === 0) return fail(unknownAlgorithm(header.alg));
    for (const key of candidates) {
      if (header.kid !== undefined && key.kid !== undefined && header.kid !== key.kid) continue;
      const decision = await this.#check(token, key, header.alg, now);
      if (decision !== undefined) return decision;
    }
    return fail("The token is not signed with a key of this hub");
  }

  /** `undefined` if another key has signed it. */
  async #check(
    token: string,
    { key }: VerificationKey,
    algorithm: string,
    now: number,
  ): Promise<AuthDecision | undefined> {
    const { issuer, audience } = this.options;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        currentDate: new Date(now),
        clockTolerance: CLOCK_TOLERANCE,
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      });
      return this.#grant(payload);
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
      return explainError(error, now);
    }
  }

  #grant(payload: JWTPayload): AuthDecision {
    const { audience, nameClaim = "sub" } = this.options;
    if (audience === undefined && payload.aud !== undefined) {
      return fail("The token has an audience, but this hub is not configured with one");
    }
    const claimed = payload[nameClaim];
    const name = typeof claimed === "string" ? normalizeName(claimed) : undefined;
    if (claimed !== undefined && name === undefined) {
      return fail(
        `The token's "${nameClaim}" is not a valid name: use 1 to 32 characters without / @ # :`,
      );
    }
    const rights = payload["rooms"] === undefined ? Rights.all : Rights.parse(payload["rooms"]);
    if (rights === undefined) {
      return fail(`The token's "rooms" must look like {"ops-*":"read","lobby":"read-write"}`);
    }
    const expiresAt = payload.exp === undefined ? Infinity : payload.exp * 1000;
    return { ok: true, grant: { name, rights, admin: payload["admin"] === true, expiresAt } };
  }
}

/** Whether `token` has the form of a signed JWT, valid or not. */
export function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

function readHeader(token: string): { readonly alg: string; readonly kid?: string } | undefined {
  if (token.length > MAX_SECRET_LENGTH || !looksLikeJwt(token)) return undefined;
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg !== "string") return undefined;
    return { alg, ...(typeof kid === "string" ? { kid } : {}) };
  } catch (error) {
    // Both mean an unreadable header; any other error is a bug.
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** The header is not verified, so the reason does not quote it. */
function unknownAlgorithm(algorithm: string): string {
  return algorithm.toLowerCase() === "none"
    ? "The token is not signed"
    : "No key of this hub supports the token's algorithm";
}

/** Called once the signature is verified, so the reason may quote claims. */
function explainError(error: unknown, now: number): AuthFailure {
  if (error instanceof errors.JWTExpired) {
    const { exp } = error.payload;
    const ago = exp === undefined ? "" : ` ${formatDuration(now - exp * 1000)} ago`;
    return fail(`The token expired${ago}: ask for a new one`, "untimely");
  }
  if (error instanceof errors.JWTClaimValidationFailed) return explainClaim(error, now);
  // The last two are Deno's errors for unusable keys or signatures.
  if (
    error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException
  ) {
    return fail("The token cannot be verified: it is malformed");
  }
  throw error;
}

function explainClaim(
  { claim, payload }: errors.JWTClaimValidationFailed,
  now: number,
): AuthFailure {
  switch (claim) {
    case "iss":
      return fail("The token is from another issuer");
    case "aud":
      return fail("The token is for another audience");
    case "nbf":
      if (typeof payload.nbf === "number") {
        const wait = formatDuration(payload.nbf * 1000 - now);
        return fail(`The token is not valid yet: try again in ${wait}`, "untimely");
      }
  }
  return fail(`The token's times must be numbers`);
}

function fail(reason: string, failure: AuthFailure["failure"] = "wrong"): AuthFailure {
  return { ok: false, failure, reason };
}

export interface TokenClaims {
  /** The user name. */
  readonly sub?: string;
  /** Access by room pattern; absent: everything. */
  readonly rooms?: Readonly<Record<string, RoomAccess>>;
  readonly admin?: boolean;
  readonly issuer?: string;
  readonly audience?: string;
  /** Milliseconds since the Unix epoch. */
  readonly issuedAt: number;
  /** Milliseconds since the Unix epoch; absent: the token never expires. */
  readonly expiresAt?: number;
}

/** Signs a token for a hub that has the matching key. */
export function mintToken(
  { key, algorithm, kid }: SigningKey,
  claims: TokenClaims,
): Promise<string> {
  const { sub, rooms, admin, issuer, audience, issuedAt, expiresAt } = claims;
  const token = new SignJWT({
    ...(rooms === undefined ? {} : { rooms }),
    ...(admin === true ? { admin } : {}),
  });
  token.setProtectedHeader({ alg: algorithm, typ: "JWT", ...(kid === undefined ? {} : { kid }) });
  token.setIssuedAt(Math.floor(issuedAt / 1000));
  if (expiresAt !== undefined) token.setExpirationTime(Math.floor(expiresAt / 1000));
  if (sub !== undefined) token.setSubject(sub);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(key);
}

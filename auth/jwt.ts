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

/** Seconds that the clocks of a hub and of who makes its tokens may differ. */
const CLOCK_TOLERANCE = 5;

/** What a hub takes for its own in a token. */
export interface JwtOptions {
  /** Any of them may have signed: while one takes another's place, both are here. */
  readonly keys: readonly VerificationKey[];
  /** What `iss` must be; `undefined`: anything. */
  readonly issuer?: string;
  /** What must be in `aud`; `undefined`: there must be none, as RFC 7519 section 4.1.3 wants it. */
  readonly audience?: string;
  /** The claim that fixes the name; default `sub`. */
  readonly nameClaim?: string;
}

/** Lets in who brings a JSON Web Token (RFC 7519) that one of a few keys has signed. */
export class JwtAuthorizer implements Authorizer {
  readonly required = true;
  readonly grantsAdmin = true;

  constructor(private readonly options: JwtOptions) {}

  async authorize(token: string | undefined, now: number): Promise<AuthDecision> {
    if (token === undefined) return MISSING_TOKEN;
    const header = readHeader(token);
    if (header === undefined) return WRONG_TOKEN;
    const fitting = this.options.keys.filter(({ algorithms }) => algorithms.includes(header.alg));
    if (fitting.length === 0) return refuse(unknownAlgorithm(header.alg));
    for (const key of fitting) {
      if (header.kid !== undefined && key.kid !== undefined && header.kid !== key.kid) continue;
      const verdict = await this.#check(token, key, header.alg, now);
      if (verdict !== undefined) return verdict;
    }
    return refuse("The token's signature is not by a key of this hub");
  }

  /** `undefined` when it was not this key. */
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
      return explain(error, now);
    }
  }

  #grant(payload: JWTPayload): AuthDecision {
    const { audience, nameClaim = "sub" } = this.options;
    if (audience === undefined && payload.aud !== undefined) {
      return refuse("The token is for an audience, and this hub was told of none");
    }
    const claimed = payload[nameClaim];
    const name = typeof claimed === "string" ? normalizeName(claimed) : undefined;
    if (claimed !== undefined && name === undefined) {
      return refuse(`The token's "${nameClaim}" is no name: 1 to 32 characters without / @ # :`);
    }
    const rights = payload["rooms"] === undefined ? Rights.all : Rights.parse(payload["rooms"]);
    if (rights === undefined) {
      return refuse(`The token's "rooms" is not like {"ops-*":"read","lobby":"read-write"}`);
    }
    const expiresAt = payload.exp === undefined ? Infinity : payload.exp * 1000;
    return { ok: true, grant: { name, rights, admin: payload["admin"] === true, expiresAt } };
  }
}

/** Whether `token` has the form of a signed JWT, not whether it is one. */
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
    // Both mean a header that cannot be read; what else may be wrong is a fault.
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** The header is not proved genuine, so it is not quoted. */
function unknownAlgorithm(algorithm: string): string {
  return algorithm.toLowerCase() === "none"
    ? "The token is not signed"
    : "The token is signed in a way that no key of this hub is for";
}

/** By now the signature was found right: what the token says may be told. */
function explain(error: unknown, now: number): AuthFailure {
  if (error instanceof errors.JWTExpired) {
    const { exp } = error.payload;
    const ago = exp === undefined ? "" : ` ${formatDuration(now - exp * 1000)} ago`;
    return refuse(`The token expired${ago}: ask for a new one`, "untimely");
  }
  if (error instanceof errors.JWTClaimValidationFailed) return explainClaim(error, now);
  // The last two are how the runtime refuses a key or a signature that makes no sense.
  if (
    error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException
  ) {
    return refuse("The token cannot be checked: it is not made as this hub expects");
  }
  throw error;
}

function explainClaim(
  { claim, payload }: errors.JWTClaimValidationFailed,
  now: number,
): AuthFailure {
  switch (claim) {
    case "iss":
      return refuse("The token is from another issuer than this hub's");
    case "aud":
      return refuse("The token is for another audience than this hub");
    case "nbf":
      if (typeof payload.nbf === "number") {
        const wait = formatDuration(payload.nbf * 1000 - now);
        return refuse(`The token is not valid yet: come back in ${wait}`, "untimely");
      }
  }
  return refuse(`The token's times are not numbers`);
}

function refuse(reason: string, failure: AuthFailure["failure"] = "wrong"): AuthFailure {
  return { ok: false, failure, reason };
}

/** What a token says. */
export interface TokenClaims {
  /** The name of its bearer. */
  readonly sub?: string;
  /** Access by room pattern; absent: everything. */
  readonly rooms?: Readonly<Record<string, RoomAccess>>;
  readonly admin?: boolean;
  readonly issuer?: string;
  readonly audience?: string;
  /** When it begins, in milliseconds since the Unix epoch. */
  readonly issuedAt: number;
  /** When it ends; absent: never. */
  readonly expiresAt?: number;
}

/** Makes a token that a hub with the matching key takes. */
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

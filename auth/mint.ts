import { SignJWT } from "jose";
import type { SigningKey } from "./keys.ts";
import type { RoomAccess } from "./rights.ts";

/** What a token says. */
export interface Claims {
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
export function mint({ key, algorithm, kid }: SigningKey, claims: Claims): Promise<string> {
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

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { MAX_SECRET_LENGTH } from "../protocol.ts";
import {
  type AuthDecision,
  type Authorizer,
  type Grant,
  MISSING_TOKEN,
  OPEN_GRANT,
  WRONG_TOKEN,
} from "./authorizer.ts";

/** Shorter secrets could be guessed; 12 random bytes have this length. */
export const MIN_UNGUESSABLE_LENGTH = 16;

/** Accepts shared secrets; there are several during a rotation. */
export class SecretAuthorizer implements Authorizer {
  readonly required = true;
  readonly grantsAdmin: boolean;
  readonly #secrets: readonly { readonly digest: Buffer; readonly verdict: AuthDecision }[];

  /** @param admin whether the secrets allow moderation. */
  constructor(secrets: readonly string[], { admin = false }: { readonly admin?: boolean } = {}) {
    this.grantsAdmin = admin;
    const grant: Grant = { ...OPEN_GRANT, admin };
    this.#secrets = secrets.map((secret) => ({
      digest: digest(secret),
      verdict: { ok: true, grant, guessable: secret.length < MIN_UNGUESSABLE_LENGTH },
    }));
  }

  authorize(token: string | undefined): AuthDecision {
    if (token === undefined) return MISSING_TOKEN;
    if (token.length > MAX_SECRET_LENGTH) return WRONG_TOKEN;
    const given = digest(token);
    // All digests are compared, in constant time: timing reveals neither which secret matched nor
    // how much of it was right.
    let found: AuthDecision = WRONG_TOKEN;
    for (const { digest, verdict } of this.#secrets) {
      found = timingSafeEqual(digest, given) ? verdict : found;
    }
    return found;
  }
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}

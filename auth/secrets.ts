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

/** Characters below which a shared secret could be guessed: about what 12 random bytes need. */
export const MIN_UNGUESSABLE_LENGTH = 16;

/** Lets in who knows one of a few shared secrets; several, so that one can take another's place. */
export class SecretAuthorizer implements Authorizer {
  readonly required = true;
  readonly grantsAdmin: boolean;
  readonly #secrets: readonly { readonly digest: Buffer; readonly verdict: AuthDecision }[];

  /** @param admin whether who knows a secret may moderate. */
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
    // Digests have one length, and all are compared: neither how much of a secret was right nor
    // which one it was shows in the time that this takes.
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

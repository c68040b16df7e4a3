import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { MAX_SECRET_LENGTH } from "../protocol.ts";
import {
  type Authorizer,
  type Grant,
  MISSING,
  OPEN_GRANT,
  type Verdict,
  WRONG,
} from "./authorizer.ts";

/** Characters below which a shared secret could be guessed: about what 12 random bytes need. */
export const MIN_UNGUESSABLE_LENGTH = 16;

/** Lets in who knows one of a few shared secrets; several, so that one can take another's place. */
export class SecretAuthorizer implements Authorizer {
  readonly required = true;
  readonly moderated: boolean;
  readonly #secrets: readonly { readonly digest: Buffer; readonly verdict: Verdict }[];

  /** @param admin whether who knows a secret may moderate. */
  constructor(secrets: readonly string[], { admin = false }: { readonly admin?: boolean } = {}) {
    this.moderated = admin;
    const grant: Grant = { ...OPEN_GRANT, admin };
    this.#secrets = secrets.map((secret) => ({
      digest: digest(secret),
      verdict: { ok: true, grant, guessable: secret.length < MIN_UNGUESSABLE_LENGTH },
    }));
  }

  authorize(token: string | undefined): Verdict {
    if (token === undefined) return MISSING;
    if (token.length > MAX_SECRET_LENGTH) return WRONG;
    const given = digest(token);
    // Digests have one length, and all are compared: neither how much of a secret was right nor
    // which one it was shows in the time that this takes.
    let found: Verdict = WRONG;
    for (const { digest, verdict } of this.#secrets) {
      found = timingSafeEqual(digest, given) ? verdict : found;
    }
    return found;
  }
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { JWK } from "jose";

/** A key file cannot be used. The message continues "Cannot use FILE: " and quotes no key. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** A key that verifies signatures, and the only algorithms to use it with. */
export interface VerificationKey {
  readonly key: Uint8Array | JWK;
  /**
   * Determined by the type of the key, never by the token: a public key must not serve as the secret
   * of an HMAC, and unsigned tokens must not be accepted.
   */
  readonly algorithms: readonly string[];
  /** The key's id in a key set. */
  readonly kid?: string;
}

export interface SigningKey {
  readonly key: Uint8Array | JWK;
  readonly algorithm: string;
  readonly kid?: string;
}

/** Shorter secrets could be guessed offline from one token (RFC 7518 section 3.2). */
const MIN_SECRET_BYTES = 32;

/** Shorter RSA keys are not safe (RFC 7518 section 3.3). */
const MIN_RSA_BITS = 2048;

const NO_PRIVATE_KEY = "it contains no readable private key, which signing needs";

const LOCKED =
  "it is password-protected: write a copy without one with openssl pkey -in FILE -out OTHER";

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const EC: Readonly<Record<string, string>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
};

/**
 * Reads the secrets of a file, one per line, as bytes of the text. There are several during a
 * rotation; the last is the newest.
 *
 * @throws {KeyError} if there is none or one is too short.
 */
export function parseSecrets(text: string): readonly Uint8Array[] {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (lines.length === 0) throw new KeyError("it is empty");
  if (text.includes("-----BEGIN")) {
    throw new KeyError("it contains a key, not a secret: pass a public key with --jwt-key");
  }
  return lines.map((line) => {
    const bytes = new TextEncoder().encode(line);
    if (bytes.length >= MIN_SECRET_BYTES) return bytes;
    throw new KeyError(
      `a secret needs ${MIN_SECRET_BYTES} characters or more: generate one with bcast token secret`,
    );
  });
}

export function secretKey(secret: Uint8Array): VerificationKey {
  const algorithms = [256, 384, 512].filter((bits) => secret.length * 8 >= bits)
    .map((bits) => `HS${bits}`);
  return { key: secret, algorithms };
}

/**
 * Reads public keys: PEM (one or more keys or certificates), a JWK, or a JWKS. Keys of a set with
 * another purpose are ignored.
 *
 * @throws {KeyError} if there is none.
 */
export function parsePublicKeys(text: string): readonly VerificationKey[] {
  if (!text.trimStart().startsWith("{")) return publicPem(text).map(verificationKey);
  const value = parseJson(text);
  if (!Array.isArray(value["keys"])) return [verificationKey(value)];
  const usable = value["keys"].filter(isObject).filter(isForSignatures);
  if (usable.length === 0) throw new KeyError("it contains no key that verifies signatures");
  return usable.map(verificationKey);
}

/**
 * Reads a private key: PEM (PKCS #8, or as OpenSSL writes it) or a JWK.
 *
 * @throws {KeyError} if it is none.
 */
export function parsePrivateKey(text: string): SigningKey {
  const jwk = text.trimStart().startsWith("{") ? parseJson(text) as JWK : privatePem(text);
  if (typeof jwk.d !== "string") throw new KeyError(NO_PRIVATE_KEY);
  const [algorithm = ""] = algorithmsOf(jwk);
  return { key: jwk, algorithm, ...keyId(jwk) };
}

export function signingSecret(secret: Uint8Array): SigningKey {
  return { key: secret, algorithm: "HS256" };
}

function privatePem(text: string): JWK {
  if (/\bENCRYPTED\b/.test(text)) throw new KeyError(LOCKED);
  const key = fromPrivateKey(text);
  return exported(() => createPrivateKey(key).export({ format: "jwk" }), NO_PRIVATE_KEY);
}

function publicPem(text: string): readonly JWK[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw privateKey();
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g) ?? [];
  if (blocks.length === 0) {
    throw new KeyError("it is neither PEM nor JSON: a public key begins with -----BEGIN or {");
  }
  return blocks.map((block) => exported(() => createPublicKey(block).export({ format: "jwk" })));
}

function exported(read: () => object, message = "its key cannot be read"): JWK {
  try {
    return read() as JWK;
  } catch (error) {
    // Deno's message is of no help and may quote the key.
    throw new KeyError(message, { cause: error });
  }
}

function verificationKey(jwk: JWK | Record<string, unknown>): VerificationKey {
  const key = jwk as JWK;
  if (key.kty === "oct") {
    const secret = typeof key.k === "string" ? Buffer.from(key.k, "base64url") : Buffer.alloc(0);
    if (secret.length < MIN_SECRET_BYTES) {
      throw new KeyError(`a secret needs ${MIN_SECRET_BYTES} bytes or more`);
    }
    const fit = secretKey(secret);
    const algorithms = fit.algorithms.filter((name) => key.alg === undefined || key.alg === name);
    return { ...fit, algorithms, ...keyId(key) };
  }
  if (key.d !== undefined) throw privateKey();
  return { key, algorithms: algorithmsOf(key), ...keyId(key) };
}

function algorithmsOf(jwk: JWK): readonly string[] {
  const possible = possibleAlgorithms(jwk);
  if (jwk.alg === undefined) return possible;
  if (possible.includes(jwk.alg)) return [jwk.alg];
  throw new KeyError('its key type does not match its "alg"');
}

function possibleAlgorithms({ kty, crv, n }: JWK): readonly string[] {
  if (kty === "RSA") {
    const bits = typeof n === "string" ? Buffer.from(n, "base64url").length * 8 : 0;
    if (bits >= MIN_RSA_BITS) return RSA;
    throw new KeyError(`an RSA key needs ${MIN_RSA_BITS} bits or more`);
  }
  const ec = kty === "EC" ? EC[crv ?? ""] : undefined;
  if (ec !== undefined) return [ec];
  if (kty === "OKP" && crv === "Ed25519") return ["EdDSA", "Ed25519"];
  throw new KeyError("its key type is not supported: use RSA, P-256 to P-521 or Ed25519");
}

/** Whether a key of a set can sign tokens. */
function isForSignatures(jwk: Record<string, unknown>): boolean {
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") return false;
  const { kty, crv } = jwk;
  return kty === "RSA" || kty === "oct" || (kty === "EC" && Object.hasOwn(EC, String(crv))) ||
    (kty === "OKP" && crv === "Ed25519");
}

function keyId({ kid }: JWK): { readonly kid?: string } {
  return typeof kid === "string" ? { kid } : {};
}

function privateKey(): KeyError {
  return new KeyError("it contains a private key: pass only the public key to a hub");
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new KeyError("it is not a JSON key or key set");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Skips parameters that OpenSSL may put before the private key: Deno does not read past them. */
export function fromPrivateKey(text: string): string {
  const at = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  return at === -1 ? text : text.slice(at);
}

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { JWK } from "jose";

/** A key file that cannot be used; the message goes on after "Cannot use FILE: " and holds no key. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** A key that checks signatures, and the only algorithms that it is for. */
export interface VerificationKey {
  readonly key: Uint8Array | JWK;
  /**
   * By the kind of the key, never by what a token says: a public key must not be taken for the
   * secret of an HMAC, and nothing is ever unsigned.
   */
  readonly algorithms: readonly string[];
  /** The key's name in a set of keys. */
  readonly kid?: string;
}

/** A key that signs. */
export interface SigningKey {
  readonly key: Uint8Array | JWK;
  readonly algorithm: string;
  readonly kid?: string;
}

/** Bytes of a secret below which it could be guessed offline from one token (RFC 7518 section 3.2). */
export const MIN_SECRET_BYTES = 32;

/** Bits of an RSA modulus below which it is not safe (RFC 7518 section 3.3). */
const MIN_RSA_BITS = 2048;

const NO_PRIVATE_KEY = "it holds no private key that can be read, and only such a key signs";

const LOCKED = "a password locks it: openssl pkey -in FILE -out OTHER writes it without one";

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const EC: Readonly<Record<string, string>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
};

/**
 * The secrets of a file, one a line: the bytes of the text itself. Several are for rotation; the
 * newest is the last.
 *
 * @throws {KeyError} when there is none or one is too short.
 */
export function parseSecrets(text: string): readonly Uint8Array[] {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (lines.length === 0) throw new KeyError("it is empty");
  if (text.includes("-----BEGIN")) {
    throw new KeyError("it holds a key, not a secret: give a public key with --jwt-key");
  }
  return lines.map((line) => {
    const bytes = new TextEncoder().encode(line);
    if (bytes.length >= MIN_SECRET_BYTES) return bytes;
    throw new KeyError(
      `a secret needs ${MIN_SECRET_BYTES} characters at least: make one with bcast token secret`,
    );
  });
}

/** The key that checks what was signed with `secret`. */
export function secretKey(secret: Uint8Array): VerificationKey {
  const algorithms = [256, 384, 512].filter((bits) => secret.length * 8 >= bits)
    .map((bits) => `HS${bits}`);
  return { key: secret, algorithms };
}

/**
 * Reads public keys: PEM (keys or certificates, one after the other), a JWK, or a JWKS. Keys of a
 * set that are for something else are passed over.
 *
 * @throws {KeyError} when there is none.
 */
export function parsePublicKeys(text: string): readonly VerificationKey[] {
  if (!text.trimStart().startsWith("{")) return publicPem(text).map(verificationKey);
  const value = parseJson(text);
  if (!Array.isArray(value["keys"])) return [verificationKey(value)];
  const usable = value["keys"].filter(isObject).filter(isForSignatures);
  if (usable.length === 0) throw new KeyError("it holds no key that checks signatures");
  return usable.map(verificationKey);
}

/**
 * Reads the private key that signs: PEM (PKCS #8, or as OpenSSL writes it) or a JWK.
 *
 * @throws {KeyError} when it is none.
 */
export function parsePrivateKey(text: string): SigningKey {
  const jwk = text.trimStart().startsWith("{") ? parseJson(text) as JWK : privatePem(text);
  if (typeof jwk.d !== "string") throw new KeyError(NO_PRIVATE_KEY);
  const [algorithm = ""] = algorithmsOf(jwk);
  return { key: jwk, algorithm, ...keyId(jwk) };
}

/** The key that signs with `secret`. */
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
    // What the runtime says of a bad key helps nobody, and may quote it.
    throw new KeyError(message, { cause: error });
  }
}

function verificationKey(jwk: JWK | Record<string, unknown>): VerificationKey {
  const key = jwk as JWK;
  if (key.kty === "oct") {
    const secret = typeof key.k === "string" ? Buffer.from(key.k, "base64url") : Buffer.alloc(0);
    if (secret.length < MIN_SECRET_BYTES) {
      throw new KeyError(`a secret needs ${MIN_SECRET_BYTES} bytes at least`);
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
  throw new KeyError('its key is of another kind than its "alg" says');
}

function possibleAlgorithms({ kty, crv, n }: JWK): readonly string[] {
  if (kty === "RSA") {
    const bits = typeof n === "string" ? Buffer.from(n, "base64url").length * 8 : 0;
    if (bits >= MIN_RSA_BITS) return RSA;
    throw new KeyError(`an RSA key needs ${MIN_RSA_BITS} bits at least`);
  }
  const ec = kty === "EC" ? EC[crv ?? ""] : undefined;
  if (ec !== undefined) return [ec];
  if (kty === "OKP" && crv === "Ed25519") return ["EdDSA", "Ed25519"];
  throw new KeyError("its key is of a kind that is not known: use RSA, P-256 to P-521, or Ed25519");
}

/** Whether a key of a set is one that could have signed a token. */
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
  return new KeyError("it holds a private key: a hub needs the public one only");
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new KeyError("it is no JSON of a key or a set of keys");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A PEM text from its private key on: OpenSSL may put parameters before it, which the runtime stops at. */
export function fromPrivateKey(text: string): string {
  const at = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  return at === -1 ? text : text.slice(at);
}

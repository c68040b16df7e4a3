import { createHash, createPrivateKey, X509Certificate } from "node:crypto";

/** A certificate with its key, in PEM form. */
export interface KeyPair {
  /** The certificate, followed by those of its issuers. */
  readonly cert: string;
  /** PKCS#8, or the older forms of RSA and EC keys. */
  readonly key: string;
}

/** The facts about a certificate that matter to operators. */
export interface CertificateFacts {
  /** SHA-256 of its DER form, as {@linkcode showFingerprint} writes it. */
  readonly fingerprint: string;
  /** When it expires, in milliseconds since the Unix epoch. */
  readonly notAfter: number;
  /** Whether it may sign others: clients do not accept such a certificate from a hub. */
  readonly isAuthority: boolean;
}

/** A hub cannot use a pair; the message names the file and the reason. */
export class KeyPairError extends Error {
  override readonly name = "KeyPairError";
  constructor(
    readonly reason: "unreadable" | "mismatch" | "expired" | "early",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The names of a pair's files, for messages. */
export interface PairNames {
  readonly cert: string;
  readonly key: string;
}

/**
 * Checks that a hub can use `pair` at `now` (milliseconds since the Unix epoch).
 *
 * @throws {KeyPairError} when it is unreadable, does not match, or is expired or not yet valid.
 */
export function checkPair(pair: KeyPair, names: PairNames, now: number): CertificateFacts {
  const certificate = parse(
    () => new X509Certificate(pair.cert),
    () => `Cannot use "${names.cert}": it holds no certificate in PEM form`,
  );
  const key = parse(
    () => createPrivateKey(pair.key),
    () => `Cannot use "${names.key}": it holds no private key in PEM form without a password`,
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new KeyPairError(
      "mismatch",
      `Cannot use "${names.key}": it is not the key of "${names.cert}"`,
    );
  }
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  if (now > notAfter) {
    throw new KeyPairError("expired", `Cannot use "${names.cert}": it expired on ${day(notAfter)}`);
  }
  if (now < notBefore) {
    const message = `Cannot use "${names.cert}": it is not valid before ${day(notBefore)}`;
    throw new KeyPairError("early", message);
  }
  tryOut(pair, names);
  return {
    fingerprint: showFingerprint(fingerprintOf(certificate.raw)),
    notAfter,
    isAuthority: certificate.ca,
  };
}

/** The SHA-256 of a certificate in DER form, in hexadecimal digits. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}

/** Formats a fingerprint in hexadecimal as OpenSSH does. */
export function showFingerprint(hex: string): string {
  return `SHA256:${Uint8Array.fromHex(hex).toBase64({ omitPadding: true })}`;
}

/** Reads `SHA256:` with base64, or hexadecimal with or without colons. Returns hexadecimal. */
export function readFingerprint(text: string): string | undefined {
  const bare = text.trim().replace(/^sha-?256[:=]/i, "");
  const digits = bare.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  // 43 characters of base64 are 32 bytes.
  const base64 = /^([A-Za-z0-9+/]{43})=?$/.exec(bare)?.[1];
  if (base64 === undefined) return undefined;
  try {
    return Uint8Array.fromBase64(base64).toHex();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Tries the pair with the runtime, while a hub that renews its certificate still has the old one. */
function tryOut({ cert, key }: KeyPair, names: PairNames): void {
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `Cannot use "${names.cert}" with "${names.key}": ${why}`;
    throw new KeyPairError("mismatch", message, { cause: error });
  }
}

function parse<T>(read: () => T, complaint: () => string): T {
  try {
    return read();
  } catch (error) {
    throw new KeyPairError("unreadable", complaint(), { cause: error });
  }
}

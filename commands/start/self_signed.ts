// The library's dependency injection needs this import to come first.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isIP } from "node:net";
import type { KeyPair } from "../../server/transports/tls.ts";

/** Validity of a self-signed certificate in days: the longest that Apple's systems accept. */
export const SELF_SIGNED_DAYS = 825;

const DAY = 86_400_000;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface SelfSigned {
  /** Host names and addresses of the hub. */
  readonly names: readonly string[];
  /** In milliseconds since the Unix epoch. */
  readonly notBefore: number;
  /** In milliseconds since the Unix epoch; default: {@linkcode SELF_SIGNED_DAYS} later. */
  readonly notAfter?: number;
}

export async function selfSignedPair(
  { names, notBefore, notAfter = notBefore + SELF_SIGNED_DAYS * DAY }: SelfSigned,
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=bcast",
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      // Clients reject CA certificates as server certificates.
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? "dns" as const : "ip" as const, value })),
      ),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}

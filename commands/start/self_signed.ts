// The library's dependency injection looks for this before anything else.
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

/** Days that a self-signed certificate is good for: the longest that Apple's systems accept. */
export const SELF_SIGNED_DAYS = 825;

const DAY = 86_400_000;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** What a self-signed certificate says. */
export interface SelfSigned {
  /** Host names and addresses by which clients may know the hub. */
  readonly names: readonly string[];
  /** In milliseconds since the Unix epoch. */
  readonly notBefore: number;
  /** In milliseconds since the Unix epoch; default: {@linkcode SELF_SIGNED_DAYS} later. */
  readonly notAfter?: number;
}

/** Makes a key, and a certificate for it that nobody but itself has signed. */
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
      // Not an authority: clients do not take one for a server.
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

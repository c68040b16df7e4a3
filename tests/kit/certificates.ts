import "reflect-metadata";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { selfSignedPair } from "../../commands/start/self_signed.ts";
import { fingerprintOf, type KeyPair, showFingerprint } from "../../server/transports/tls.ts";

const DAY = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A self-signed pair for `names`, valid since yesterday and for `days` more. */
export function keyPair(
  names: readonly string[] = ["localhost", "127.0.0.1"],
  days = 30,
): Promise<KeyPair> {
  const now = Date.now();
  const notAfter = now + days * DAY;
  return selfSignedPair({ names, notBefore: Math.min(now, notAfter) - DAY, notAfter });
}

/** A pair like that of `openssl req -x509`: CA:TRUE, with or without a subject alternative name. */
export async function opensslPair(withName: boolean): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const names = [{ type: "dns", value: "localhost" }] as const;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=localhost",
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      ...(withName ? [new SubjectAlternativeNameExtension([...names])] : []),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: certificate.toString("pem"),
    key: PemConverter.encode(key, PemConverter.PrivateKeyTag),
  };
}

/** The fingerprint of a certificate in the format of the hub. */
export function shownFingerprint({ cert }: KeyPair): string {
  return showFingerprint(fingerprintOf(new Uint8Array(PemConverter.decodeFirst(cert))));
}

/** A certificate authority. */
export class TestAuthority {
  private constructor(
    /** Its certificate, as PEM. */
    readonly cert: string,
    private readonly keys: CryptoKeyPair,
  ) {}

  static async create(): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: "CN=test authority",
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + DAY),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(certificate.toString("pem"), keys);
  }

  /** A pair for the host `name`, signed by this authority. */
  async sign(name: string): Promise<KeyPair> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: "CN=test authority",
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + DAY),
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
      ],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return {
      cert: certificate.toString("pem"),
      key: PemConverter.encode(key, PemConverter.PrivateKeyTag),
    };
  }
}

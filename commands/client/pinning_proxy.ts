import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { connect as connectTls, rootCertificates, type TLSSocket } from "node:tls";
import { fingerprintOf, showFingerprint } from "../../server/transports/tls.ts";
import { VERSION } from "../../lib/version.ts";

/** Milliseconds for the TLS handshake. */
const HANDSHAKE_TIMEOUT = 10_000;

/** HTTP statuses for failures to reach the hub; 526 is the usual one for an invalid certificate. */
const UNREACHABLE = 502;
const WRONG_CERTIFICATE = 526;

const UNPROVEN =
  "The certificate has the right fingerprint, but could not be verified. If it was signed by an " +
  "unknown authority, also name that with --ca FILE";

const AUTHORITY =
  "The certificate is an authority's own (CA:TRUE), which cannot be verified for a server. " +
  "Ask its operator to create it with -addext basicConstraints=critical,CA:FALSE";

/** A hub, and the only certificate to accept. */
export interface Pin {
  readonly hostname: string;
  readonly port: number;
  /** SHA-256 of the certificate in DER form, in hexadecimal digits. */
  readonly fingerprint: string;
  /** CA certificates (PEM) that may have signed it, instead of the runtime's. */
  readonly authorities: readonly string[];
}

/** The connection failed; the message is for the user. */
class PinError extends Error {
  override readonly name = "PinError";
  constructor(readonly status: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * A proxy that verifies the fingerprint of a hub's certificate, regardless of its names and issuer,
 * as SSH does with keys.
 *
 * The runtime's WebSocket verifies names and issuers only. It therefore connects without TLS to this
 * port on the loopback interface, which forwards each connection over TLS after comparing the
 * certificate. Other programs on this machine gain nothing from the port that the hub's own address
 * would not give them.
 */
export class PinningProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Disposable>();
  readonly #accepting: Promise<void>;
  /** The hub's certificate chain (PEM), its own first, once its fingerprint matched. */
  #chain: readonly string[] | undefined;

  constructor(private readonly pin: Pin) {
    this.#accepting = this.#accept();
  }

  /** The port to connect to instead of the hub. */
  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection[Symbol.dispose]();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const serving = new Set<Promise<void>>();
    for await (const client of this.#listener) {
      const served = this.#serve(client).finally(() => serving.delete(served));
      serving.add(served);
    }
    await Promise.all(serving);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const inner = { [Symbol.dispose]: () => closeQuietly(client) };
    this.#open.add(inner);
    let outer: Disposable | undefined;
    try {
      const socket = await this.#dial();
      outer = { [Symbol.dispose]: () => void socket.destroy() };
      this.#open.add(outer);
      client.setNoDelay(true);
      await Promise.race([upward(client, socket), downward(socket, client)]);
    } catch (error) {
      if (error instanceof PinError) await answer(client, error);
      else if (!isBroken(error)) throw error;
    } finally {
      for (const connection of [inner, outer]) {
        if (connection === undefined) continue;
        this.#open.delete(connection);
        connection[Symbol.dispose]();
      }
    }
  }

  /**
   * Connects to the owner of the pinned certificate.
   *
   * The first handshake accepts any certificate, to compare it. That proves nothing yet, as
   * certificates are public. The second one, which is used, requires a valid certificate, and so its
   * private key. It is compared again, because a certificate of any authority would be valid, too.
   */
  async #dial(): Promise<TLSSocket> {
    this.#chain ??= await this.#look();
    let socket: TLSSocket | undefined;
    try {
      socket = await this.#handshake({
        ca: [...this.#chain, ...this.#authorities(this.#chain)],
        // The fingerprint identifies it better than a name.
        checkServerIdentity: () => undefined,
      });
      this.#compare(socket);
      return socket;
    } catch (error) {
      socket?.destroy();
      // A changed certificate may be the reason, and is then the better error.
      this.#chain = undefined;
      const chain = this.#chain = await this.#look();
      // Older runtimes reject these without a reason.
      if (new X509Certificate(chain[0] ?? "").ca) throw new PinError(WRONG_CERTIFICATE, AUTHORITY);
      throw error;
    }
  }

  /** Possible issuers. The runtime's many are slow to parse, so they are used only if necessary. */
  #authorities([certificate = ""]: readonly string[]): readonly string[] {
    if (this.pin.authorities.length > 0) return this.pin.authorities;
    const { issuer, subject } = new X509Certificate(certificate);
    return issuer === subject ? [] : rootCertificates;
  }

  /** The hub's chain, if its fingerprint matches. */
  async #look(): Promise<readonly string[]> {
    const socket = await this.#handshake({ rejectUnauthorized: false });
    try {
      this.#compare(socket);
      return chainOf(socket);
    } finally {
      socket.destroy();
    }
  }

  #handshake(trust: {
    readonly rejectUnauthorized?: boolean;
    readonly ca?: string[];
    readonly checkServerIdentity?: () => undefined;
  }): Promise<TLSSocket> {
    const { hostname, port } = this.pin;
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const socket = connectTls({ host: hostname, port, ALPNProtocols: ["http/1.1"], ...trust });
    const timer = setTimeout(() => socket.destroy(new Error("no answer")), HANDSHAKE_TIMEOUT);
    socket.once("secureConnect", () => resolve(socket));
    // Until the socket is closed: an unhandled error would terminate the program.
    socket.on("error", (error) => reject(failedHandshake(error)));
    socket.once("close", () => {
      reject(new PinError(UNREACHABLE, "The hub ended the connection during the TLS handshake"));
    });
    return promise.finally(() => clearTimeout(timer));
  }

  /** @throws {PinError} if this is not the pinned certificate. */
  #compare(socket: TLSSocket): void {
    // Unlike the types say, there is none after a failed handshake.
    const raw: unknown = socket.getPeerCertificate()?.raw;
    if (!(raw instanceof Uint8Array)) throw new PinError(WRONG_CERTIFICATE, UNPROVEN);
    const shown = fingerprintOf(raw);
    if (shown === this.pin.fingerprint) return;
    throw new PinError(
      WRONG_CERTIFICATE,
      `The certificate has a different fingerprint: ${showFingerprint(shown)}. The ` +
        "hub has a new certificate, or the connection is intercepted. Ask its operator",
    );
  }
}

function failedHandshake(error: Error): PinError {
  const options = { cause: error };
  return isNetwork(error) || /no answer/.test(error.message)
    ? new PinError(UNREACHABLE, `Cannot reach the hub: ${error.message}`, options)
    : new PinError(WRONG_CERTIFICATE, `${UNPROVEN} (${error.message})`, options);
}

/** The certificate chain as PEM, the hub's own first. */
function chainOf(socket: TLSSocket): readonly string[] {
  const chain: string[] = [];
  const seen = new Set<string>();
  let certificate = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    const base64 = new Uint8Array(certificate.raw).toBase64().replaceAll(/.{64}/g, "$&\n");
    chain.push(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

async function upward(client: Deno.TcpConn, hub: TLSSocket): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const length = await client.read(buffer);
    if (length === null) return;
    // A copy: the socket may keep the buffer.
    if (!hub.write(Buffer.from(buffer.slice(0, length)))) {
      await new Promise<void>((resolve) => {
        hub.once("drain", resolve);
        hub.once("close", () => resolve());
      });
    }
  }
}

async function downward(hub: TLSSocket, client: Deno.TcpConn): Promise<void> {
  for await (const chunk of hub) {
    if (!(chunk instanceof Uint8Array)) continue;
    for (let at = 0; at < chunk.length;) at += await client.write(chunk.subarray(at));
  }
}

/** Answers with HTTP, which the client expects. */
async function answer(client: Deno.TcpConn, { status, message }: PinError): Promise<void> {
  const body = `${message}\n`;
  const head = `HTTP/1.1 ${status} Refused\r\nserver: bcast/${VERSION}\r\n` +
    "content-type: text/plain; charset=utf-8\r\n" +
    `content-length: ${new TextEncoder().encode(body).length}\r\nconnection: close\r\n\r\n`;
  try {
    await client.read(new Uint8Array(16 * 1024));
    await client.write(new TextEncoder().encode(head + body));
  } catch (error) {
    if (!isBroken(error)) throw error;
  }
}

function isNetwork(error: Error): boolean {
  return "code" in error && typeof error.code === "string" &&
    /^(?:ECONN|EPIPE|E.*UNREACH|ETIME|ENOTFOUND|EAI_)/
      .test(error.code);
}

/** Whether `error` reports a connection that broke. */
function isBroken(error: unknown): boolean {
  if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
    return true;
  }
  if (
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected
  ) return true;
  return error instanceof Error && "code" in error;
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

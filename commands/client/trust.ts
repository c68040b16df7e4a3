import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type Environment, hubUrl } from "../../client.ts";
import { fingerprintOf, readFingerprint } from "../../server/transports/tls.ts";
import { visible } from "../../protocol.ts";
import { CliError } from "../../cli/errors.ts";
import { readErrorText } from "../../lib/files.ts";
import { type Flag, text, value } from "../../cli/flags.ts";
import { PinningProxy } from "./pinning_proxy.ts";

/** Flags to trust certificates that the machine does not. */
export const TRUST_FLAGS: {
  readonly ca: Flag<string | undefined>;
  readonly fingerprint: Flag<string | undefined>;
} = {
  ca: text({
    placeholder: "FILE",
    help: "Trust the CA certificate in FILE (PEM)",
  }),
  fingerprint: value<string | undefined>({
    fallback: undefined,
    placeholder: "SHA256:…",
    expects: "SHA256: and 43 characters, or 64 hexadecimal digits",
    parse: readFingerprint,
    help: "Trust only the certificate with this fingerprint",
  }),
};

export interface Trust {
  readonly ca?: string | undefined;
  readonly fingerprint?: string | undefined;
}

/** Connects to a hub by its trusted certificate, until disposed. */
export interface HubConnector extends AsyncDisposable {
  /** For `connect()` of the client, in place of the runtime's functions. */
  readonly environment: Partial<Environment>;
  /** The address to dial, for code that opens connections itself. */
  readonly url: URL;
  /** CA certificates (PEM) to trust, for code that opens connections itself. */
  readonly caCerts: readonly string[];
}

/**
 * Makes a connector that trusts the certificates that the flags name.
 *
 * @throws {CliError} for an unusable certificate.
 */
export function connectorFor(url: URL, { ca, fingerprint }: Trust): HubConnector {
  if (url.protocol !== "wss:" || (ca === undefined && fingerprint === undefined)) {
    return { environment: {}, url, caCerts: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const caCerts = ca === undefined ? [] : [readAuthority(ca)];
  const pin = fingerprint ?? ownCertificate(url, caCerts);
  if (pin !== undefined) return pinned(url, pin, caCerts);
  const client = Deno.createHttpClient({ caCerts });
  return {
    environment: environmentThrough(client, (each) => each),
    url,
    caCerts,
    [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
  };
}

function pinned(url: URL, fingerprint: string, authorities: readonly string[]): HubConnector {
  const hub = hubUrl({ url: url.href });
  const way = new PinningProxy({
    hostname: hub.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: hub.port === "" ? 443 : Number(hub.port),
    fingerprint,
    authorities,
  });
  const client = Deno.createHttpClient({
    proxy: { transport: "tcp", hostname: "127.0.0.1", port: way.port },
  });
  const direct = new URL(url);
  direct.protocol = "ws:";
  direct.host = `127.0.0.1:${way.port}`;
  return {
    environment: environmentThrough(client, unencrypted),
    url: direct,
    caCerts: [],
    async [Symbol.asyncDispose]() {
      client.close();
      await way[Symbol.asyncDispose]();
    },
  };
}

/** Sends the client library's connections through `client`, to addresses mapped by `change`. */
function environmentThrough(
  client: Deno.HttpClient,
  change: (url: URL) => URL,
): Partial<Environment> {
  return {
    socket: (url, protocol) => webSocketThrough(client, change(url), [protocol]),
    fetch: (url, init) => fetch(change(url), { ...init, client }),
  };
}

/**
 * Opens a WebSocket through `client`. This option of Deno is missing from the browser's types, which
 * apply to all files because the web page needs them.
 */
export function webSocketThrough(
  client: Deno.HttpClient,
  url: URL,
  protocols: readonly string[],
): WebSocket {
  const socket: unknown = Reflect.construct(WebSocket, [url, { protocols, client }]);
  if (!(socket instanceof WebSocket)) throw new TypeError("Not a WebSocket");
  return socket;
}

/** The plain-text form of `url` for the proxy on this machine; the host stays the same. */
function unencrypted(url: URL): URL {
  const plain = new URL(url);
  // An implicit port would change with the scheme.
  const port = url.port === "" ? "443" : url.port;
  plain.protocol = url.protocol === "wss:" ? "ws:" : "http:";
  plain.port = port;
  return plain;
}

/**
 * The fingerprint of the hub's certificate if `--ca` names that very certificate. `openssl req -x509`
 * makes certificates that are both CA and server certificates, which the runtime rejects for servers.
 */
function ownCertificate(url: URL, authorities: readonly string[]): string | undefined {
  const [pem] = authorities;
  if (pem === undefined) return undefined;
  const certificate = new X509Certificate(pem);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const name = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  const isOwn = certificate.ca && certificate.issuer === certificate.subject && name !== undefined;
  return isOwn ? fingerprintOf(certificate.raw) : undefined;
}

function readAuthority(path: string): string {
  let pem: string;
  try {
    pem = Deno.readTextFileSync(path);
  } catch (error) {
    const next = error instanceof Deno.errors.NotFound ? ". Check its path" : "";
    const message = `Cannot read --ca "${visible(path)}": ${readErrorText(error)}${next}`;
    throw new CliError(message, undefined, { cause: error });
  }
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new CliError(
      `Cannot use --ca "${visible(path)}": it contains no PEM certificate. Check the file`,
      undefined,
      { cause: error },
    );
  }
  return pem;
}

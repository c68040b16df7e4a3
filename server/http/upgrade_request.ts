/** Why a request cannot become a WebSocket. */
export interface UpgradeFault {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The only version there is (RFC 6455 section 4.1). */
const VERSION = "13";

/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/**
 * Holds an upgrade to what RFC 6455 section 4.2.1 asks of it. The runtime looks for the headers that
 * it needs itself, but not at the method, the version or the key.
 */
export function upgradeFault({ method, headers }: Request): UpgradeFault | undefined {
  if (method !== "GET") {
    const reason = "A WebSocket begins with GET";
    return { status: 405, reason, headers: { allow: "GET" } };
  }
  if (headers.get("sec-websocket-version") !== VERSION) {
    const reason = `Only version ${VERSION} of WebSocket is spoken here`;
    return { status: 426, reason, headers: { "sec-websocket-version": VERSION } };
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    const reason = "Not a WebSocket handshake: Sec-WebSocket-Key must be 16 bytes in base64";
    return { status: 400, reason, headers: {} };
  }
  return undefined;
}

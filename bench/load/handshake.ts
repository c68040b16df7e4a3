/**
 * The client side of the opening handshake of RFC 6455 section 4. Pure, without I/O.
 *
 * @module
 */

import { createHash } from "node:crypto";

export interface HandshakeTarget {
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
  /** Path and query, starting with `/`. */
  readonly path: string;
}

/** The server's response is no WebSocket upgrade. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";
  /** The HTTP status; 0 without a readable response. */
  readonly status: number;
  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Parses a `ws:` or `wss:` URL.
 *
 * @throws {TypeError} for any other URL.
 */
export function parseTarget(url: string): HandshakeTarget {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  if (protocol !== "ws:" && protocol !== "wss:") {
    throw new TypeError(`Cannot connect to ${url}: not a ws:// or wss:// address`);
  }
  const secure = protocol === "wss:";
  return {
    // IPv6 addresses have brackets only in URLs.
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    secure,
    path: (pathname === "" ? "/" : pathname) + search,
  };
}

/** A random value for `Sec-WebSocket-Key`. */
export function createKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** The required `Sec-WebSocket-Accept` for `key`. */
export function acceptOf(key: string): string {
  // Not `crypto.subtle`, which hashes on another thread: too slow for 10,000 connections.
  return createHash("sha1").update(key + GUID).digest("base64");
}

export function requestHead(target: HandshakeTarget, key: string, protocol?: string): string {
  const host = target.hostname.includes(":") ? `[${target.hostname}]` : target.hostname;
  const lines = [
    `GET ${target.path} HTTP/1.1`,
    `Host: ${host}:${target.port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
  ];
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  return lines.join("\r\n") + "\r\n\r\n";
}

/** The end of the response's head, after its empty line; -1 if it is incomplete. */
export function headEnd(bytes: Uint8Array, length: number): number {
  for (let i = 3; i < length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) {
      return i + 1;
    }
  }
  return -1;
}

/**
 * Checks the head of a response.
 *
 * @throws {HandshakeError} if it is not the requested upgrade.
 */
export function checkHead(head: string, accept: string, protocol?: string): void {
  const [first = "", ...lines] = head.split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  if (status !== 101) {
    throw new HandshakeError(`the server responded ${JSON.stringify(first)}`, status);
  }
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  if (headers.get("sec-websocket-accept") !== accept) {
    throw new HandshakeError("the server sent a wrong Sec-WebSocket-Accept", status);
  }
  if (headers.get("sec-websocket-protocol") !== protocol) {
    throw new HandshakeError(`the server does not speak ${protocol ?? "this protocol"}`, status);
  }
}

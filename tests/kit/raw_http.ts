import { writeAll } from "../../lib/files.ts";
import { within } from "./wait.ts";

/** Headers in the order in which they are sent; a name may be there more than once. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

const UPGRADE_HEADERS: RawHeaders = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

/** The headers of a valid WebSocket handshake. */
export const UPGRADE = format(UPGRADE_HEADERS);

export interface RawResponse {
  /** 0 when the connection ended without a response. */
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  readonly headers: Headers;
  /** The part of the body that arrived; empty after an upgrade. */
  readonly body: string;
}

/**
 * Requests a WebSocket and disconnects after the response: the runtime's own client sends no
 * headers, and never shows the response to a rejected upgrade.
 */
export function requestUpgrade(
  port: number,
  headers: RawHeaders = [],
  target = "/",
): Promise<RawResponse> {
  return rawGet(port, target, [...UPGRADE_HEADERS, ...headers]);
}

/** Sends a GET request; `Host` is `localhost` unless `headers` has one. */
export function rawGet(port: number, target: string, headers: RawHeaders): Promise<RawResponse> {
  const named = headers.some(([name]) => name.toLowerCase() === "host");
  const all: RawHeaders = named ? headers : [["Host", `localhost:${port}`], ...headers];
  return rawRequest(port, `GET ${target} HTTP/1.1\r\n${format(all)}\r\n`);
}

/** Sends bytes as they are and reads the first response. */
export async function rawRequest(port: number, request: string): Promise<RawResponse> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  // A server that rejects a request need not read the rest of it.
  const sent = writeAll(conn, new TextEncoder().encode(request)).catch(() => {});
  const text = await within(readResponse(conn), "a response");
  conn.close();
  await sent;
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [, status = "0"] = /^HTTP\/1\.[01] (\d{3}) /.exec(head) ?? [];
  const headers = new Headers();
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const body = status === "101" ? "" : rest.join("\r\n\r\n");
  return { status: Number(status), head, headers, body };
}

async function readResponse(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return text;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      const [head, ...rest] = text.split("\r\n\r\n");
      if (head === undefined || rest.length === 0) continue;
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = encoder.encode(rest.join("\r\n\r\n"));
      if (head.includes(" 101 ") || body.length >= length) return text;
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return text;
    throw error;
  }
}

/** Whether `error` means that a connection could not be made, or has ended. */
export function isDisconnect(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted;
}

function format(headers: RawHeaders): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

import { writeAll } from "../../lib/files.ts";
import { within } from "./within.ts";

/** The headers of a WebSocket handshake that is as it should be. */
export const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** An answer, as it stands on the wire. */
export interface RawAnswer {
  /** 0 when the connection ended without one. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes to a server as they are, and reads its first answer. */
export async function rawRequest(port: number, request: string): Promise<RawAnswer> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  // What the server does not read any more need not be sent.
  const sent = writeAll(conn, new TextEncoder().encode(request)).catch(() => {});
  const text = await within(readAnswer(conn), "an answer");
  conn.close();
  await sent;
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [, status = "0"] = /^HTTP\/1\.[01] (\d{3}) /.exec(head) ?? [];
  return { status: Number(status), head, body: rest.join("\r\n\r\n") };
}

async function readAnswer(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return text;
      text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
      const [head, body] = text.split("\r\n\r\n");
      if (body === undefined || head === undefined) continue;
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (head.includes(" 101 ") || body.length >= length) return text;
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return text;
    throw error;
  }
}

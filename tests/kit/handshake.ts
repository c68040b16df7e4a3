/** What a server answered to one request. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** What came after the headers, as far as it came; of an upgrade, nothing. */
  readonly body: string;
}

/** Headers as name and value, in order and as often as wanted. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

/**
 * Asks for a WebSocket, byte by byte as the test wants it: the runtime's own client sends no
 * headers, and never shows what came in place of an upgrade. Hangs up after the answer.
 */
export function requestUpgrade(
  port: number,
  headers: RawHeaders = [],
  target = "/",
): Promise<RawAnswer> {
  return rawGet(port, target, [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ...headers,
  ]);
}

/** Sends one GET request; `Host` is `localhost` unless there is one. */
export async function rawGet(
  port: number,
  target: string,
  headers: RawHeaders,
): Promise<RawAnswer> {
  const named = headers.some(([name]) => name.toLowerCase() === "host");
  const all: RawHeaders = named ? headers : [["Host", `localhost:${port}`], ...headers];
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`);
  return await askRaw(port, `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

/** Sends these bytes and reads one answer. */
export async function askRaw(port: number, request: string): Promise<RawAnswer> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(16 * 1024);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const [head = "", ...rest] = text.split("\r\n\r\n");
    const answer = rest.length > 0 ? parse(head, rest.join("\r\n\r\n")) : undefined;
    const wanted = Number(answer?.headers.get("content-length") ?? 0);
    if (answer !== undefined && answer.body.length >= wanted) return answer;
    const count = await socket.read(buffer);
    if (count === null) return answer ?? { status: 0, headers: new Headers(), body: text };
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

function parse(head: string, body: string): RawAnswer {
  const [status = "", ...lines] = head.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const code = Number(status.split(" ")[1]);
  // What follows an upgrade are frames.
  return { status: code, headers, body: code === 101 ? "" : body };
}

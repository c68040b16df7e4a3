import fc from "fast-check";
import { CLIENT_FRAMES } from "../protocol/arbitraries.ts";
import { UPGRADE } from "../kit/raw_http.ts";

/** The actions of one fuzzing client. */
export type Script =
  | {
    readonly kind: "websocket";
    readonly protocol: string | undefined;
    readonly query: string;
    readonly frames: readonly (string | Uint8Array)[];
    readonly end: "close" | "wait";
  }
  | {
    /** Bytes to either port, in pieces. */
    readonly kind: "bytes";
    readonly port: "http" | "tcp";
    readonly pieces: readonly Uint8Array[];
    readonly end: "close" | "half" | "wait";
  };

const encoder = new TextEncoder();

/** Few rooms, so that clients meet, and the log stays small. */
const room = fc.constantFrom("lobby", "attic", "x", "r-1", "_", "");

const clientFrame = fc.oneof(...Object.values(CLIENT_FRAMES));

/** A valid frame with arbitrary values. */
const valid = fc.tuple(clientFrame, room).map(([frame, name]) =>
  JSON.stringify(
    frame.type === "hello" ? { ...frame, rooms: [{ ...frame.rooms?.[0], room: name }] } : {
      ...frame,
      ...("room" in frame ? { room: name } : {}),
    },
  )
);

/** `text` with one piece dropped or replaced. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const replacement = fc.oneof(
    fc.constantFrom(
      "",
      "null",
      "-1",
      "1e999",
      "[",
      "}",
      '"',
      "\\u0000",
      "\u0000",
      "\r\n",
      "\ud800",
    ),
    fc.constantFrom("__proto__", "%2e%2e/", "\u202e", "9".repeat(400), "x".repeat(70_000)),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  return fc.tuple(text, fc.nat(), fc.nat({ max: 8 }), replacement).map(
    ([whole, at, length, piece]) => {
      const start = at % (whole.length + 1);
      return whole.slice(0, start) + piece + whole.slice(start + length);
    },
  );
}

const command = fc.tuple(
  fc.constantFrom(
    "nick",
    "join",
    "leave",
    "msg",
    "me",
    "who",
    "history",
    "help",
    "quit",
    "zzz",
    "",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
).map(([name, rest]) => `/${name} ${rest}`);

const garbage = fc.string({ unit: "binary", maxLength: 200 });

const object = fc.oneof(
  { weight: 5, arbitrary: valid },
  { weight: 3, arbitrary: damaged(valid) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: garbage },
);

const frame = fc.oneof(
  { weight: 6, arbitrary: object },
  { weight: 3, arbitrary: fc.array(object, { maxLength: 30 }).map((all) => all.join("\n")) },
  { weight: 2, arbitrary: command },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
);

const query = fc.oneof(
  fc.constantFrom("", "?format=text", "?room=attic&room=x", "?sender=Alice", "?room=", "?token=x"),
  damaged(fc.constant("?room=attic&sender=Zo%C3%AB&format=text&token=abc")).map((text) =>
    text.replaceAll(/[\ud800-\udfff]/g, "")
  ),
);

const websocket: fc.Arbitrary<Script> = fc.record({
  kind: fc.constant("websocket" as const),
  protocol: fc.constantFrom(undefined, "bcast.v1", "bcast.text"),
  query,
  frames: fc.array(frame, { maxLength: 25 }),
  end: fc.constantFrom("close", "wait"),
});

const path = fc.oneof(
  fc.constantFrom("/", "/ws", "/metrics", "/healthz", "/readyz", "/api/rooms", "/api/status", "*"),
  fc.constantFrom("/api/rooms/lobby/messages", "/api/rooms/lobby/events", "/api/openapi.json"),
  fc.constantFrom("/api/asyncapi.json", "/api/schema/v1.json"),
  fc.constantFrom(
    "/api/rooms/x/messages?sender=z",
    "/api/rooms/lobby/members",
    "/api/people?room=x",
  ),
  fc.constantFrom(
    "/api/admin/bans",
    "/api/admin/ban",
    "/api/admin/announce",
    "/api/rooms/%2e%2e/events",
  ),
  fc.webPath(),
  damaged(fc.constant("/api/rooms/lobby/messages?after=1&limit=2&query=a%20b")),
);

const header = fc.oneof(
  fc.constantFrom("Origin: null", "Via: 1.1 x", "Expect: 100-continue", "Range: bytes=0-", UPGRADE),
  fc.constantFrom("Authorization: Bearer x", "X-Forwarded-For: ::1", "Accept: text/event-stream"),
  fc.constantFrom("Accept: text/html", "Accept-Encoding: br", "Content-Type: text/plain"),
  fc.constantFrom("Content-Type: application/json", "Last-Event-ID: 9", "Idempotency-Key: k"),
  fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,12}$/), fc.string({ maxLength: 60 })).map(
    ([name, value]) => `${name}: ${value}`,
  ),
);

const httpRequest = fc.record({
  method: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT") },
    { weight: 1, arbitrary: fc.stringMatching(/^[A-Z]{1,8}$/) },
  ),
  path,
  version: fc.constantFrom("1.1", "1.1", "1.1", "1.0", "2.0"),
  host: fc.oneof(
    // A local hub rejects every other host.
    { weight: 4, arbitrary: fc.constant("localhost") },
    { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{0,20}$/) },
  ),
  headers: fc.array(header, { maxLength: 6 }),
  body: fc.oneof(fc.constant(""), object),
}).map(({ method, path, version, host, headers, body }) => {
  const length = body === "" ? "" : `Content-Length: ${encoder.encode(body).length}\r\n`;
  const lines = headers.map((line) => line.endsWith("\r\n") ? line : `${line}\r\n`).join("");
  return `${method} ${path} HTTP/${version}\r\nHost: ${host}\r\n${lines}${length}\r\n${body}`;
});

/** A WebSocket with arbitrary bytes as frames (RFC 6455 section 5.2). */
const rawFrames = fc.uint8Array({ maxLength: 300 }).map((bytes) => {
  const handshake = encoder.encode(`GET / HTTP/1.1\r\nHost: hub\r\n${UPGRADE}\r\n`);
  return new Uint8Array([...handshake, ...bytes]);
});

/** `bytes`, split at random places. */
function pieces(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> {
  return fc.tuple(bytes, fc.array(fc.nat(), { maxLength: 5 })).map(([whole, cuts]) => {
    const places = cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b);
    return [...places, whole.length].map((end, index) =>
      whole.subarray(places[index - 1] ?? 0, end)
    );
  });
}

const end = fc.constantFrom("close", "half", "wait");

const http: fc.Arbitrary<Script> = fc.record({
  kind: fc.constant("bytes" as const),
  port: fc.constant("http" as const),
  pieces: pieces(fc.oneof(
    { weight: 4, arbitrary: httpRequest.map((text) => encoder.encode(text)) },
    { weight: 2, arbitrary: damaged(httpRequest).map((text) => encoder.encode(text)) },
    { weight: 1, arbitrary: rawFrames },
  )),
  end,
});

const tcp: fc.Arbitrary<Script> = fc.record({
  kind: fc.constant("bytes" as const),
  port: fc.constant("tcp" as const),
  pieces: pieces(fc.oneof(
    fc.array(fc.oneof(command, garbage), { maxLength: 20 }).map((all) =>
      encoder.encode(all.join("\r\n") + "\n")
    ),
    fc.uint8Array({ maxLength: 300 }),
  )),
  end,
});

/** The scripts of a few clients that run at the same time. */
export const scripts: fc.Arbitrary<Script[]> = fc.array(fc.oneof(websocket, http, tcp), {
  minLength: 1,
  maxLength: 6,
});

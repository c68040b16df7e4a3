import { isRoomName, SENDER_PARAMETERS, SUBPROTOCOL } from "../../protocol.ts";
import type { Encoder } from "../encoders/encoder.ts";
import { JSON_ENCODER, V1_ENCODER } from "../encoders/json.ts";
import { TEXT_ENCODER } from "../encoders/text.ts";
import type { ConnectParams } from "../handshake.ts";
import { Rejection } from "../limits/rejection.ts";

/** The only version there is (RFC 6455 section 4.1). */
const VERSION = "13";

/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** The answer to clients that only speak other versions of the protocol. */
const UNKNOWN_PROTOCOL =
  `This hub speaks ${SUBPROTOCOL.v1} and ${SUBPROTOCOL.text}: offer one of ` +
  "them, or no subprotocol for plain JSON";

/** A valid request to open a WebSocket. */
export interface UpgradeRequest {
  readonly ok: true;
  readonly params: ConnectParams;
  /** The subprotocol to confirm; `undefined` when the client asked for none that the hub speaks. */
  readonly protocol: string | undefined;
}

/** Reads the URL and the subprotocols of a request to open a WebSocket. */
export function parseUpgradeRequest(
  request: Request,
  searchParams: URLSearchParams,
): UpgradeRequest | Rejection {
  const rooms = searchParams.getAll("room");
  if (!rooms.every(isRoomName)) {
    const reason = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return new Rejection(400, reason);
  }
  const invalid = checkHandshake(request);
  if (invalid !== undefined) return invalid;
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",")
    .map((name) => name.trim());
  // In the client's order of preference (RFC 6455 section 4.1).
  const protocol = offered.find((name) => encoderFor(name) !== undefined);
  if (protocol === undefined && offered.some((name) => name.startsWith("bcast."))) {
    return new Rejection(400, UNKNOWN_PROTOCOL);
  }
  const encoder = protocol !== undefined
    ? encoderFor(protocol) ?? JSON_ENCODER
    : searchParams.get("format") === "text"
    ? TEXT_ENCODER
    : JSON_ENCODER;
  const names = protocol === undefined ? SENDER_PARAMETERS : ["sender"];
  const sender = names.map((name) => searchParams.get(name)).find((name) => name !== null);
  return { ok: true, params: { encoder, rooms, sender: sender ?? undefined }, protocol };
}

/**
 * The checks of RFC 6455 section 4.2.1 that the runtime leaves out: it requires the headers, but
 * looks neither at the method nor at the version or the key.
 */
function checkHandshake({ method, headers }: Request): Rejection | undefined {
  if (method !== "GET") {
    return new Rejection(405, "A WebSocket begins with GET", { headers: { allow: "GET" } });
  }
  if (headers.get("sec-websocket-version") !== VERSION) {
    const reason = `Only version ${VERSION} of WebSocket is spoken here`;
    return new Rejection(426, reason, { headers: { "sec-websocket-version": VERSION } });
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    const reason = "Not a WebSocket handshake: Sec-WebSocket-Key must be 16 bytes in base64";
    return new Rejection(400, reason);
  }
  return undefined;
}

/** The encoder of a subprotocol; `undefined` if the hub does not support it. */
function encoderFor(subprotocol: string): Encoder | undefined {
  if (subprotocol === SUBPROTOCOL.v1) return V1_ENCODER;
  return subprotocol === SUBPROTOCOL.text ? TEXT_ENCODER : undefined;
}

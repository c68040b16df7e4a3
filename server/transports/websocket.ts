import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import { encoderFor, JSON_ENCODER, TEXT_ENCODER } from "../encoders/encoder.ts";
import type { ConnectParams, Hub } from "../hub.ts";
import type { Connection } from "../connection.ts";
import { untraced } from "../frame_trace.ts";
import { isRoomName, SENDER_PARAMETERS } from "../../protocol.ts";

/** Close code of a connection that broke without a close frame (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/** The introduction of a client that asks for an upgrade, or why it cannot have one. */
export type UpgradeRequest =
  | { readonly ok: true; readonly introduction: ConnectParams; readonly protocol?: string }
  | { readonly ok: false; readonly reason: string };

/** Reads what a client says of itself in the URL and the subprotocols it asks for. */
export function parseUpgradeRequest(
  searchParams: URLSearchParams,
  headers: Headers,
  address: string,
  port: number | undefined,
): UpgradeRequest {
  const rooms = searchParams.getAll("room");
  const wrong = rooms.find((room) => !isRoomName(room));
  if (wrong !== undefined) {
    const reason = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return { ok: false, reason };
  }
  const asked = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  // In the client's order of preference (RFC 6455 section 4.1).
  const protocol = asked.map((name) => name.trim()).find((name) => encoderFor(name) !== undefined);
  const encoder = protocol !== undefined
    ? encoderFor(protocol) ?? JSON_ENCODER
    : searchParams.get("format") === "text"
    ? TEXT_ENCODER
    : JSON_ENCODER;
  const names = protocol === undefined ? SENDER_PARAMETERS : ["sender"];
  const sender = names.map((name) => searchParams.get(name)).find((name) => name !== null);
  return {
    ok: true,
    introduction: {
      address,
      ...(port === undefined ? {} : { port }),
      encoder,
      rooms,
      ...(sender === undefined || sender === null ? {} : { sender }),
    },
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/**
 * Ties WebSockets to the hub. The handlers are shared by all sockets and find the peer by the
 * socket: with ten thousand connections, closures of each would be most of what the hub costs.
 */
export class WebSocketTransport {
  readonly #peers = new WeakMap<EventTarget, Connection>();
  readonly #introductions = new WeakMap<EventTarget, ConnectParams>();

  constructor(private readonly hub: Hub, private readonly connections: ConnectionLimiter) {}

  /**
   * Upgrades a request (RFC 6455 section 4.2).
   *
   * @param heartbeat seconds of silence after which the connection is gone; 0 for never.
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  upgrade(
    request: Request,
    { introduction, protocol }: Extract<UpgradeRequest, { ok: true }>,
    heartbeat: number,
  ): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: heartbeat });
    // Not by its option: the runtime finds no protocol in a list without spaces.
    if (protocol !== undefined) response.headers.set("sec-websocket-protocol", protocol);
    this.#introductions.set(socket, introduction);
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // No listener for "error": a close event follows, and what is in the error helps nobody.
    return response;
  }

  /** Whether a connection came through here. */
  holds(peer: Connection): boolean {
    return untraced(peer.sink) instanceof WebSocket;
  }

  readonly #onOpen = (event: Event): void => {
    const socket = event.currentTarget;
    if (!(socket instanceof WebSocket)) return;
    const introduction = this.#introductions.get(socket);
    if (introduction === undefined) return;
    this.#introductions.delete(socket);
    this.connections.add(introduction.address, "websocket");
    this.#peers.set(socket, this.hub.connect(socket, introduction));
  };

  readonly #onMessage = (event: MessageEvent): void => {
    const peer = this.#peerOf(event);
    if (peer === undefined) return;
    if (typeof event.data === "string") this.hub.receive(peer, event.data);
    else this.hub.receiveBinary(peer);
  };

  readonly #onClose = (event: CloseEvent): void => {
    const peer = this.#peerOf(event);
    if (peer === undefined || event.currentTarget === null) return;
    // The runtime may tell of one end twice: for a missing pong, and for the socket.
    this.#peers.delete(event.currentTarget);
    this.hub.gone(peer, event.code === 0 ? ABNORMAL : event.code);
    this.connections.remove(peer.address, "websocket");
  };

  #peerOf(event: Event): Connection | undefined {
    return event.currentTarget === null ? undefined : this.#peers.get(event.currentTarget);
  }
}

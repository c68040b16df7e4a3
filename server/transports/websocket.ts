import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import { encoderFor, JSON_ENCODER, TEXT_ENCODER } from "../encoders/encoder.ts";
import type { ConnectParams, Hub } from "../hub.ts";
import type { Connection } from "../connection.ts";
import type { Transport } from "../transport.ts";
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
      encoder,
      rooms,
      ...(sender === undefined || sender === null ? {} : { sender }),
    },
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/** A WebSocket that the hub has accepted. */
class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  /** `undefined` until the socket is open. */
  connection: Connection | undefined;

  constructor(
    private readonly socket: WebSocket,
    readonly address: string,
    readonly port: number | undefined,
    readonly params: ConnectParams,
  ) {}

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  // After its end the runtime ignores what is sent, and a second close.
  send(text: string): void {
    this.socket.send(text);
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }
}

/** Where a client connects from. */
export interface ClientAddress {
  readonly address: string;
  /** `undefined` behind a proxy. */
  readonly port: number | undefined;
}

/**
 * Accepts WebSockets. All sockets share the event handlers, which look up the transport by its
 * socket: with ten thousand connections, closures for each would be most of what the hub costs.
 */
export class WebSocketServer {
  readonly #transports = new WeakMap<EventTarget, WebSocketTransport>();

  constructor(private readonly hub: Hub, private readonly connections: ConnectionLimiter) {}

  /**
   * Upgrades a request (RFC 6455 section 4.2).
   *
   * @param heartbeat seconds of silence after which the connection counts as lost; 0 for never.
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  upgrade(
    request: Request,
    { introduction, protocol }: Extract<UpgradeRequest, { ok: true }>,
    { address, port }: ClientAddress,
    heartbeat: number,
  ): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: heartbeat });
    // Not by its option: the runtime finds no protocol in a list without spaces.
    if (protocol !== undefined) response.headers.set("sec-websocket-protocol", protocol);
    this.#transports.set(socket, new WebSocketTransport(socket, address, port, introduction));
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // No listener for "error": a close event follows it, and its message says no more.
    return response;
  }

  readonly #onOpen = (event: Event): void => {
    const transport = this.#transportOf(event);
    if (transport === undefined) return;
    this.connections.add(transport);
    transport.connection = this.hub.connect(transport, transport.params);
  };

  readonly #onMessage = (event: MessageEvent): void => {
    const connection = this.#transportOf(event)?.connection;
    if (connection === undefined) return;
    if (typeof event.data === "string") this.hub.receive(connection, event.data);
    else this.hub.receiveBinary(connection);
  };

  readonly #onClose = (event: CloseEvent): void => {
    const transport = this.#transportOf(event);
    if (transport?.connection === undefined || event.currentTarget === null) return;
    // The runtime may report one end twice: for a missing pong, and for the socket.
    this.#transports.delete(event.currentTarget);
    this.hub.gone(transport.connection, event.code === 0 ? ABNORMAL : event.code);
    this.connections.remove(transport);
  };

  #transportOf({ currentTarget }: Event): WebSocketTransport | undefined {
    return currentTarget === null ? undefined : this.#transports.get(currentTarget);
  }
}

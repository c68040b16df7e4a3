import type { ConnectParams } from "../handshake.ts";
import type { Hub } from "../hub.ts";
import type { Connection } from "../connection.ts";
import type { Transport } from "../transport.ts";

/** Close code of a connection that broke without a close frame (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/** A WebSocket that the hub has accepted. */
class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  /** `undefined` until the socket is open. */
  connection: Connection | undefined;

  /** @param params of the upgrade request; released once the socket is open. */
  constructor(
    private readonly socket: WebSocket,
    readonly address: string,
    readonly port: number | undefined,
    public params: ConnectParams | undefined,
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

/** A client whose request to open a WebSocket is accepted. */
export interface WebSocketClient {
  readonly address: string;
  /** `undefined` behind a proxy. */
  readonly port: number | undefined;
  readonly params: ConnectParams;
  /** The subprotocol to confirm. */
  readonly protocol: string | undefined;
}

/**
 * Accepts WebSockets. All sockets share the event handlers, which look up the transport by its
 * socket: with ten thousand connections, closures for each would be most of what the hub costs.
 */
export class WebSocketServer {
  readonly #transports = new WeakMap<EventTarget, WebSocketTransport>();

  /** @param heartbeat seconds of silence after which a connection counts as lost; 0 for never. */
  constructor(private readonly hub: Hub, private readonly heartbeat: number) {}

  /**
   * Upgrades a request (RFC 6455 section 4.2).
   *
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  upgrade(request: Request, { address, port, params, protocol }: WebSocketClient): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: this.heartbeat });
    // Not by its option: the runtime finds no protocol in a list without spaces.
    if (protocol !== undefined) response.headers.set("sec-websocket-protocol", protocol);
    this.#transports.set(socket, new WebSocketTransport(socket, address, port, params));
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // No listener for "error": a close event follows it, and its message says no more.
    return response;
  }

  readonly #onOpen = (event: Event): void => {
    const transport = this.#transportOf(event);
    if (transport?.params === undefined) return;
    const { params } = transport;
    transport.params = undefined;
    this.hub.limiter.add(transport);
    transport.connection = this.hub.connect(transport, params);
  };

  readonly #onMessage = (event: MessageEvent): void => {
    const connection = this.#transportOf(event)?.connection;
    if (connection === undefined) return;
    if (typeof event.data === "string") connection.receive(event.data);
    else connection.receiveBinary();
  };

  readonly #onClose = (event: CloseEvent): void => {
    const transport = this.#transportOf(event);
    if (transport?.connection === undefined || event.currentTarget === null) return;
    // The runtime may report one end twice: for a missing pong, and for the socket.
    this.#transports.delete(event.currentTarget);
    transport.connection.ended(event.code === 0 ? ABNORMAL : event.code);
    this.hub.limiter.remove(transport);
  };

  #transportOf({ currentTarget }: Event): WebSocketTransport | undefined {
    return currentTarget === null ? undefined : this.#transports.get(currentTarget);
  }
}

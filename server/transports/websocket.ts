import type { Clock } from "../../lib/clock.ts";
import { networkOf } from "../../lib/net.ts";
import { CLOSE, cutToBytes, MAX_CLOSE_REASON_BYTES } from "../../protocol.ts";
import type { Connection } from "../connection.ts";
import type { ControlFrame, Encoder } from "../encoders/encoder.ts";
import type { ConnectParams } from "../handshake.ts";
import type { Hub } from "../hub.ts";
import type { Rejection } from "../limits/rejection.ts";
import type { Transport } from "../transport.ts";

/** Close code of a connection that broke without a close frame (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/**
 * WebSockets at once that are opened only to tell their clients to come later. They end when the
 * client agrees: the runtime cannot drop them before.
 */
const MAX_TURNED_AWAY = { total: 256, perAddress: 32 };

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

/** A client that cannot be served now. */
export interface TurnedAwayClient {
  readonly address: string;
  readonly encoder: Encoder;
  /** The subprotocol to confirm. */
  readonly protocol: string | undefined;
}

/**
 * Accepts WebSockets. All sockets share the event handlers, which look up the transport by its
 * socket: with ten thousand connections, closures for each would be most of what the hub costs.
 */
export class WebSocketServer {
  readonly #transports = new WeakMap<EventTarget, WebSocketTransport>();
  /** Open sockets of clients that were turned away, with their networks. */
  readonly #turnedAway = new Map<WebSocket, string>();

  /** @param heartbeat seconds of silence after which a connection counts as lost; 0 for never. */
  constructor(
    private readonly hub: Hub,
    private readonly clock: Pick<Clock, "now">,
    private readonly heartbeat: number,
  ) {}

  /**
   * Upgrades a request (RFC 6455 section 4.2).
   *
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  upgrade(request: Request, { address, port, params, protocol }: WebSocketClient): Response {
    const { socket, response } = accept(request, protocol, this.heartbeat);
    this.#transports.set(socket, new WebSocketTransport(socket, address, port, params));
    socket.addEventListener("open", this.#onOpen);
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // No listener for "error": a close event follows it, and its message says no more.
    return response;
  }

  /**
   * Opens a WebSocket only to say why its client cannot be served now, and closes it (1013).
   * `undefined` if too many clients are being told already.
   *
   * @throws {TypeError} when the request is not a valid WebSocket handshake.
   */
  turnAway(
    request: Request,
    { address, encoder, protocol }: TurnedAwayClient,
    { reason, retryAfter }: Rejection,
  ): Response | undefined {
    const network = networkOf(address);
    const networks = [...this.#turnedAway.values()];
    const { total, perAddress } = MAX_TURNED_AWAY;
    if (networks.length >= total) return undefined;
    if (networks.filter((each) => each === network).length >= perAddress) return undefined;
    const { socket, response } = accept(request, protocol, 0);
    const code = CLOSE.tryLater;
    const now = this.clock.now();
    const timestamp = new Date(now).toISOString();
    // Clients of plain text know no `bye`.
    const frame: ControlFrame = encoder.name === "text"
      ? { type: "system", event: "notice", message: reason, timestamp }
      : {
        type: "bye",
        code,
        reconnect: true,
        ...(retryAfter === undefined ? {} : { retryAfter }),
        message: reason,
      };
    socket.addEventListener("open", () => {
      this.#turnedAway.set(socket, network);
      for (const text of encoder.control(frame, now)) socket.send(text);
      socket.close(code, cutToBytes(reason, MAX_CLOSE_REASON_BYTES));
    });
    socket.addEventListener("close", () => this.#turnedAway.delete(socket));
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

function accept(
  request: Request,
  protocol: string | undefined,
  idleTimeout: number,
): Deno.WebSocketUpgrade {
  const upgrade = Deno.upgradeWebSocket(request, { idleTimeout });
  // Not by its option: the runtime finds no protocol in a list without spaces.
  if (protocol !== undefined) upgrade.response.headers.set("sec-websocket-protocol", protocol);
  return upgrade;
}

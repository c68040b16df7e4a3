export type TransportKind = "websocket" | "sse" | "tcp";

/**
 * The socket of one connection, as the hub sees it. Each kind has a server in `transports/` that
 * accepts sockets, asks the {@linkcode ConnectionLimiter} about each of them, and hands them to
 * `Hub.connect()` (or `Hub.subscribeAnonymously()`).
 *
 * The hub calls `close()` itself. When the other side ends the connection, or it breaks, the
 * transport's server calls `Connection.ended()`.
 */
export interface Transport {
  readonly kind: TransportKind;
  /** The client's IP address, behind trusted proxies the one they forward. */
  readonly address: string;
  /** The client's port, for the log. `undefined` behind a proxy, which hides it. */
  readonly port?: number | undefined;
  /** Bytes accepted by `send()` that are still in this process. */
  readonly bufferedAmount: number;
  /** Sends one frame. Never waits and never throws; ignored once the connection is ending. */
  send(text: string): void;
  /**
   * Sends what is buffered, then `reason`, and ends the connection. A reader that fell behind may
   * lose what is buffered. Does nothing when called again.
   */
  close(code: number, reason: string): void;
}

import { CLOSE, cutToBytes, MAX_CLOSE_REASON_BYTES, SUBPROTOCOL } from "../protocol.ts";
import type { Cancel } from "../lib/clock.ts";
import type { Environment } from "./environment.ts";

/** Milliseconds from dialling to `welcome`: twice the hub's own timeout for `hello`. */
export const CONNECT_TIMEOUT = 20_000;

/** The close code of a connection without a closing handshake (RFC 6455 section 7.1.5). */
export const BROKEN = 1006;

/** The close code for a connection that the client gives up and replaces. */
const GIVEN_UP = 4000;

export interface SocketClose {
  /** The WebSocket close code. */
  readonly code: number;
  /** The reason given by the hub or by the client itself; may be empty. */
  readonly reason: string;
  /** How far the connection got. */
  readonly reached: "nothing" | "other-protocol" | "open";
  /** The runtime's error message; empty in browsers. */
  readonly cause: string;
}

/** Called until the socket has ended; `ended` is the last call. */
export interface SocketListener {
  opened(): void;
  received(frame: string): void;
  ended(end: SocketClose): void;
}

/** One WebSocket connection to a hub. */
export class Socket {
  readonly #socket: WebSocket | undefined;
  /** Resolves when the WebSocket is closed, which may be after `ended`. */
  readonly closed: Promise<void>;
  #cancelTimeout: Cancel;
  #reached: SocketClose["reached"] = "nothing";
  #cause = "";
  #over = false;

  constructor(url: URL, private readonly listener: SocketListener, { clock, socket }: Environment) {
    this.#cancelTimeout = clock.after(CONNECT_TIMEOUT, () => {
      this.drop(`No answer within ${CONNECT_TIMEOUT / 1000} seconds`);
    });
    try {
      this.#socket = socket(url, SUBPROTOCOL.v1);
    } catch (error) {
      // The runtime refused: a blocked port, or a missing permission.
      this.#cause = error instanceof Error ? error.message : String(error);
      this.closed = Promise.resolve();
      queueMicrotask(() => this.#end(BROKEN, ""));
      return;
    }
    this.closed = this.#listen(this.#socket);
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Ends the connect timeout, after `welcome`. */
  established(): void {
    this.#cancelTimeout();
  }

  /** Sends a frame; does nothing when the socket is not open. */
  send(frame: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Gives the connection up: calls the listener at once, and closes the WebSocket later. */
  drop(reason: string): void {
    this.#end(BROKEN, reason);
    this.#socket?.close(GIVEN_UP, cutToBytes(reason, MAX_CLOSE_REASON_BYTES));
  }

  /** Closes the connection; the listener is not called any more. */
  close(): void {
    this.#over = true;
    this.#cancelTimeout();
    this.#socket?.close(CLOSE.normal, "The client left");
  }

  #listen(socket: WebSocket): Promise<void> {
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", ({ data }) => {
      // The protocol has no binary frames: one becomes an invalid frame.
      if (!this.#over) this.listener.received(typeof data === "string" ? data : "");
    });
    socket.addEventListener("error", (event) => {
      if (event instanceof ErrorEvent) this.#cause = event.message;
    });
    return new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        // Deno reports 0 where the standard requires 1006.
        this.#end(code === 0 ? BROKEN : code, reason);
        resolve();
      });
    });
  }

  #opened(socket: WebSocket): void {
    if (this.#over) return;
    if (socket.protocol === SUBPROTOCOL.v1) {
      this.#reached = "open";
      this.listener.opened();
    } else {
      this.#reached = "other-protocol";
      this.drop("This is not a bcast hub");
    }
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimeout();
    this.listener.ended({ code, reason, reached: this.#reached, cause: this.#cause });
  }
}

import { CLOSE, cutToBytes, MAX_CLOSE_REASON_BYTES, SUBPROTOCOL } from "../protocol.ts";
import type { Cancel } from "../lib/clock.ts";
import type { Environment } from "./environment.ts";

/** Milliseconds from the first packet to `welcome`: twice what the hub gives a client for its part. */
export const CONNECT_TIMEOUT = 20_000;

/** The close code of a connection that broke without a closing handshake (RFC 6455 section 7.1.5). */
export const BROKEN = 1006;

/** The close code with which the client gives up a connection that it is going to replace. */
const GIVEN_UP = 4000;

/** How a connection ended. */
export interface SocketClose {
  /** The WebSocket close code. */
  readonly code: number;
  /** What the other side, or the client itself, said of it; may be empty. */
  readonly reason: string;
  /** How far it came. */
  readonly reached: "nothing" | "other-protocol" | "open";
  /** What the runtime said of it; empty in browsers. */
  readonly cause: string;
}

/** Who is told what a link sees; after `ended`, nothing more comes. */
export interface SocketListener {
  opened(): void;
  received(frame: string): void;
  ended(end: SocketClose): void;
}

/** One WebSocket connection to a hub, from dialling to its end. */
export class Socket {
  readonly #socket: WebSocket | undefined;
  /** Resolves when the socket is gone for good, which may be after the link has ended. */
  readonly gone: Promise<void>;
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
      // What the runtime does not even try: a port it blocks, a permission it lacks.
      this.#cause = error instanceof Error ? error.message : String(error);
      this.gone = Promise.resolve();
      queueMicrotask(() => this.#end(BROKEN, ""));
      return;
    }
    this.gone = this.#listen(this.#socket);
  }

  /** Bytes that wait to go out. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** The hub has said `welcome`: from now on it may take its time. */
  established(): void {
    this.#cancelTimeout();
  }

  /** Sends one frame; nothing when the connection is no longer open. */
  send(frame: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Ends the connection as given up: the listener is told at once, the socket follows when it can. */
  drop(reason: string): void {
    this.#end(BROKEN, reason);
    this.#socket?.close(GIVEN_UP, cutToBytes(reason, MAX_CLOSE_REASON_BYTES));
  }

  /** Says goodbye; the listener is told nothing more. */
  close(): void {
    this.#over = true;
    this.#cancelTimeout();
    this.#socket?.close(CLOSE.normal, "The client left");
  }

  #listen(socket: WebSocket): Promise<void> {
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", ({ data }) => {
      // Binary comes as something else: the protocol has none, and the hub sends none.
      if (!this.#over) this.listener.received(typeof data === "string" ? data : "");
    });
    socket.addEventListener("error", (event) => {
      if (event instanceof ErrorEvent) this.#cause = event.message;
    });
    return new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        // Deno says 0 where the standard says 1006.
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

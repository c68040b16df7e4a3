import { encode, SUBPROTOCOL } from "../../protocol.ts";

/** A client's WebSocket whose other end is a test, without a network. */
export class MemorySocket extends EventTarget {
  readonly protocol = SUBPROTOCOL.v1;
  readonly bufferedAmount = 0;
  readyState: number = WebSocket.CONNECTING;

  /** @param received gets what the client sends. */
  constructor(private readonly received: (socket: MemorySocket, frame: string) => void) {
    super();
    queueMicrotask(() => {
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.readyState = WebSocket.OPEN;
      this.dispatchEvent(new Event("open"));
    });
  }

  /** Called by the client. */
  send(frame: string): void {
    this.received(this, frame);
  }

  /** Closes it from either end. */
  close(code = 1005, reason = ""): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    queueMicrotask(() => this.dispatchEvent(new CloseEvent("close", { code, reason })));
  }

  /** Delivers these frames to the client, unless the socket is closed; texts as they are. */
  say(...frames: readonly unknown[]): void {
    for (const frame of frames) {
      if (this.readyState !== WebSocket.OPEN) return;
      const data = typeof frame === "string" ? frame : encode(frame as object);
      this.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
}

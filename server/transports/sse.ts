import type { Grant } from "../../auth/authorizer.ts";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import type { Encoder } from "../encoders/encoder.ts";
import type { Hub } from "../hub.ts";
import type { Connection } from "../connection.ts";
import type { Transport } from "../transport.ts";
import { CLOSE, type RoomPosition } from "../../protocol.ts";

/** Milliseconds between heartbeats on a stream: proxies drop streams that stay silent. */
export const HEARTBEAT = 15_000;

/** Milliseconds until readers reconnect after a shutdown, at least. */
const RECONNECT_DELAY = 1000;

/** Random milliseconds added to it, so that readers do not all reconnect at once. */
const RECONNECT_JITTER = 3000;

/** Bytes that may be buffered when a stream ends in order: a reader that reads has soon taken them. */
const MAX_BUFFERED_AT_CLOSE = 64 * 1024;

/** A client that asks for the events of rooms. */
export interface SseSubscription {
  readonly address: string;
  readonly grant: Grant;
  readonly positions: readonly RoomPosition[];
  /** Default: that for one room. */
  readonly encoder?: Encoder;
}

/** Serves streams of Server-Sent Events; each counts as a connection. */
export class SseServer {
  readonly #transports = new Set<SseTransport>();
  #cancelHeartbeat: Cancel | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly clock: ServerClock,
  ) {}

  /** Opens a stream that ends when either side ends it. */
  open({ address, grant, positions, encoder }: SseSubscription): Response {
    const transport: SseTransport = new SseTransport(address, (by) => {
      this.#remove(transport);
      if (by === "reader") transport.connection?.ended(CLOSE.normal);
    });
    this.#add(transport);
    transport.connection = this.hub.subscribeAnonymously(transport, grant, positions, encoder);
    return new Response(transport.body, {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        // Compressed, events would wait for one another.
        "cache-control": "no-store, no-transform",
        // The same for nginx, which would gather them.
        "x-accel-buffering": "no",
      },
    });
  }

  #add(transport: SseTransport): void {
    this.hub.limiter.add(transport);
    this.#transports.add(transport);
    this.#cancelHeartbeat ??= this.clock.every(HEARTBEAT, () => {
      for (const each of this.#transports) each.beat();
    });
  }

  #remove(transport: SseTransport): void {
    this.hub.limiter.remove(transport);
    this.#transports.delete(transport);
    if (this.#transports.size > 0) return;
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = undefined;
  }
}

/** The body of a response that does not end. */
class SseTransport implements Transport {
  readonly kind = "sse";
  /** `undefined` until the hub has accepted it. */
  connection: Connection | undefined;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;

  /** @param onEnd called once, with the side that has ended the stream. */
  constructor(
    readonly address: string,
    private readonly onEnd: (by: "hub" | "reader") => void,
  ) {
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#cancel(),
      },
      // With these, `desiredSize` is minus the bytes that are buffered.
      { highWaterMark: 0, size: (chunk) => chunk.byteLength },
    );
  }

  get bufferedAmount(): number {
    return -(this.#controller?.desiredSize ?? 0);
  }

  send(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  /** Sends a comment if nothing else is on its way. */
  beat(): void {
    if (this.bufferedAmount === 0) this.send(":\n\n");
  }

  close(code: number, reason: string): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    if (this.bufferedAmount > MAX_BUFFERED_AT_CLOSE) {
      // A client that does not read would never see the reason, and must not keep the buffer alive.
      this.#controller = undefined;
      controller.error(new Error(reason));
    } else {
      if (code === CLOSE.goingAway) {
        const delay = RECONNECT_DELAY + Math.floor(Math.random() * RECONNECT_JITTER);
        this.send(`retry: ${delay}\n`);
      }
      this.send(`: ${reason.replaceAll(/[\r\n]/g, " ")}\n\n`);
      // Sending may have shown that the reader is gone.
      if (this.#controller === undefined) return;
      this.#controller = undefined;
      controller.close();
    }
    this.onEnd("hub");
  }

  #cancel(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.#controller = undefined;
    // Frees what is buffered, where the cancellation has not.
    controller.error(new Error("The reader is gone"));
    this.onEnd("reader");
  }
}

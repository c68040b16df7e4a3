import type { Grant } from "../../auth/authorizer.ts";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import { SSE_ENCODER } from "../encoders/sse.ts";
import type { Hub } from "../hub.ts";
import type { Connection, ConnectionSink } from "../connection.ts";
import { CLOSE, type RoomPosition } from "../../protocol.ts";

/** Milliseconds between two signs of life on a stream: proxies give up on one that is silent. */
export const HEARTBEAT = 15_000;

/** Milliseconds over which those come back whom the hub has told to. */
const RETURN_SPREAD = 3000;

/** The least of them. */
const RETURN_DELAY = 1000;

/** Bytes that may wait before a goodbye: what a reader that reads at all has soon taken. */
const MAX_GOODBYE = 64 * 1024;

/** Who listens, to what. */
export interface SseSubscription {
  readonly address: string;
  readonly grant: Grant;
  readonly position: RoomPosition;
}

/**
 * Ties streams of Server-Sent Events to the hub: each counts as a connection, and is one as far as
 * the hub can see.
 */
export class SseTransport {
  readonly #streams = new Map<EventStream, Connection>();
  #cancelHeartbeat: Cancel | undefined;

  constructor(
    private readonly hub: Hub,
    /** Where connections are counted. */
    private readonly connections: ConnectionLimiter,
    private readonly clock: ServerClock,
  ) {}

  /** Opens a stream that ends when either side wants it to. */
  open({ address, grant, position }: SseSubscription): Response {
    const stream: EventStream = new EventStream((by) => {
      const peer = this.#streams.get(stream);
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#rest();
      this.connections.remove(address, "events");
      if (by === "reader" && peer !== undefined) this.hub.gone(peer, CLOSE.normal);
    });
    this.connections.add(address, "events");
    const peer = this.hub.subscribeAnonymously(stream, { address, grant }, position);
    if (peer.open) this.#streams.set(stream, peer);
    this.#cancelHeartbeat ??= this.clock.every(HEARTBEAT, () => {
      for (const each of this.#streams.keys()) each.beat();
    });
    return new Response(stream.body, {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        // Compressed, events would wait for one another.
        "cache-control": "no-store, no-transform",
        // The same for nginx, which would gather them.
        "x-accel-buffering": "no",
      },
    });
  }

  /** Whether `peer` listens through this door. */
  holds(peer: Connection): boolean {
    return peer.encoder === SSE_ENCODER;
  }

  #rest(): void {
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = undefined;
  }
}

/** The body of an answer that goes on, as the hub sends into it. */
class EventStream implements ConnectionSink {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;

  /** @param over told once, when nothing more can be sent, whose doing that is. */
  constructor(private readonly over: (by: "hub" | "reader") => void) {
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.end(),
      },
      // So that what the stream wants is minus what waits in it.
      { highWaterMark: 0, size: (chunk) => chunk.byteLength },
    );
  }

  get bufferedAmount(): number {
    return -(this.#controller?.desiredSize ?? 0);
  }

  send(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  /** Shows that the stream is alive where nothing else does. */
  beat(): void {
    if (this.bufferedAmount === 0) this.send(":\n\n");
  }

  close(code: number, reason: string): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    if (this.bufferedAmount > MAX_GOODBYE) {
      // Whoever does not read would not hear a goodbye, and must not keep what waits for it.
      this.#controller = undefined;
      controller.error(new Error(reason));
    } else {
      if (code === CLOSE.goingAway) {
        const delay = RETURN_DELAY + Math.floor(Math.random() * RETURN_SPREAD);
        this.send(`retry: ${delay}\n`);
      }
      this.send(`: ${reason.replaceAll(/[\r\n]/g, " ")}\n\n`);
      // Sending may be what shows that the reader is gone.
      if (this.#controller === undefined) return;
      this.#controller = undefined;
      controller.close();
    }
    this.over("hub");
  }

  /** Takes note that the other side is gone. */
  end(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.#controller = undefined;
    // Lets go of what waits; nothing happens where the reader has cancelled and so done that.
    controller.error(new Error("Nobody reads any more"));
    this.over("reader");
  }
}

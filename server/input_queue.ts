import { CLOSE, MAX_BATCH_MESSAGES, MAX_BATCH_OBJECTS, splitBatch } from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import { JSON_ENCODER, TEXT_ENCODER } from "./encoders/encoder.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Connection } from "./connection.ts";
import type { Requests } from "./requests.ts";

/** Frames of the largest size that may wait until a request of their sender is answered. */
const MAX_BACKLOG_FRAMES = 8;

/** Takes what connections send apart, and has it answered object by object, in the order of coming. */
export class InputQueue {
  readonly #maxFrameLength: number;

  constructor(
    private readonly requests: Requests,
    private readonly limits: ServerLimits,
    private readonly clock: ServerClock,
  ) {
    this.#maxFrameLength = limits.maxMessageBytes * MAX_BATCH_MESSAGES;
  }

  /** Takes a text frame. Never throws. */
  receive(peer: Connection, frame: string): void {
    if (!peer.open || peer.inputClosed) return;
    peer.received += frame.length;
    if (frame.length > this.#maxFrameLength) {
      const limit = `${this.limits.maxMessageBytes} bytes a message`;
      peer.close(CLOSE.tooBig, `The frame is over the limit of ${limit}: send less at once`);
      return;
    }
    try {
      this.#chooseDialect(peer, frame);
      const objects = peer.encoder.batches ? splitBatch(frame) : [frame];
      if (objects.length > MAX_BATCH_OBJECTS) {
        const reason = `The frame holds over ${MAX_BATCH_OBJECTS} objects: send fewer at once`;
        peer.close(CLOSE.tooBig, reason);
        return;
      }
      for (const object of objects) this.#take(peer, object);
    } catch (error) {
      peer.fail(error);
    }
  }

  /** Answers what is neither object nor line of a client. Never throws. */
  reply(peer: Connection, line: string): void {
    if (peer.open && !peer.inputClosed) this.requests.reply(peer, line);
  }

  /** Reads one object, or keeps it for later while an earlier one is being answered. */
  #take(peer: Connection, object: string): void {
    if (!peer.open || peer.inputClosed) return;
    if (peer.backlog === undefined) {
      this.inOrder(peer, () => this.requests.handle(peer, object));
      return;
    }
    peer.backlogLength += object.length;
    if (
      peer.backlog.length >= this.limits.burst + MAX_BATCH_MESSAGES * 64 ||
      peer.backlogLength > MAX_BACKLOG_FRAMES * this.#maxFrameLength
    ) {
      peer.close(CLOSE.rateLimited, "You sent more than could be answered: slow down");
      return;
    }
    peer.backlog.push(object);
  }

  /** Runs `task`; if it takes time, what the peer sends meanwhile waits until it is done. */
  inOrder(peer: Connection, task: () => Promise<void> | void): void {
    const pending = task();
    if (pending === undefined) return;
    peer.backlog = [];
    pending.then(() => this.#goOn(peer)).catch((error) => peer.fail(error));
  }

  #goOn(peer: Connection): void {
    const backlog = peer.backlog ?? [];
    peer.backlog = undefined;
    peer.backlogLength = 0;
    for (const object of backlog) this.#take(peer, object);
    if (peer.backlog === undefined) peer.onBacklogDrained?.();
  }

  #chooseDialect(peer: Connection, frame: string): void {
    if (peer.firstFrameSeen) return;
    peer.firstFrameSeen = true;
    if (peer.encoder !== JSON_ENCODER || frame.trimStart().startsWith("{")) return;
    peer.encoder = TEXT_ENCODER;
    const { session } = peer;
    if (session === undefined) return;
    const timestamp = new Date(this.clock.now()).toISOString();
    const message = `You are ${session.name}, and this is plain text: /help lists the commands`;
    peer.sendControl({ type: "system", message, timestamp, event: "notice" });
  }
}

import { setImmediate } from "node:timers";
import type { Broker, Draft, Origin, Receipt } from "../broker/broker.ts";
import type { Content, MessageKind, Publish, Ref } from "../protocol.ts";
import type { Clock } from "./clock.ts";
import type { Counters } from "./counters.ts";
import type { Peer } from "./peer.ts";
import type { Session } from "./session.ts";

/** A draft that remembers who is waiting for its ack. */
export class Publication implements Draft {
  readonly room: string;
  readonly sender: string;
  readonly content: Content;
  readonly kind?: MessageKind;
  readonly origin?: Origin;
  readonly ref?: Ref;

  constructor(
    readonly peer: Peer,
    readonly session: Session,
    room: string,
    frame: Publish,
    /** UTF-16 units of the frame it came in. */
    readonly size: number,
  ) {
    this.room = room;
    this.sender = session.name;
    this.content = frame;
    if (frame.kind !== undefined) this.kind = frame.kind;
    if (frame.ref !== undefined) {
      this.ref = frame.ref;
      this.origin = { session: session.key, ref: String(frame.ref) };
    }
  }
}

/** UTF-16 units of frames in one batch: no outbox may fill up in a single turn. */
const BATCH_LENGTH = 512 * 1024;

/** Gathers what is published in one turn of the event loop, appends it at once, and acks it. */
export class Publisher {
  #waiting: Publication[] = [];
  #scheduled = false;
  #newest: Promise<void> = Promise.resolve();
  /** When the batch under way was in the log. */
  #storedAt: number | undefined;
  readonly #run = (): void => {
    // Settles every receipt itself and never rejects, as `Broker.append` does not.
    void this.#append();
  };

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Appends at the end of this turn. */
  publish(publication: Publication): void {
    this.#waiting.push(publication);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the sockets were read: what several of them, or one of them several times, sent in
    // this turn of the event loop goes into one transaction and one frame for each receiver.
    setImmediate(this.#run);
  }

  /** Notes that a batch is in the log: what the log does next, it does to deliver it. */
  stored(): void {
    this.#storedAt ??= this.clock.monotonic();
  }

  /** Appends now whatever waits; resolves when that, and what was under way, has its receipt. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#append();
    await this.#newest;
  }

  #append(): Promise<void> {
    // Appends settle in order: after the newest, all have.
    return this.#newest = this.#appendBatch();
  }

  async #appendBatch(): Promise<void> {
    const batch = this.#take();
    this.#scheduled = this.#waiting.length > 0;
    // The sockets get to send before the next batch comes.
    if (this.#scheduled) setImmediate(this.#run);
    const { clock, counters } = this;
    const started = clock.monotonic();
    this.#storedAt = undefined;
    const receipts = await this.broker.append(batch);
    const took = (this.#storedAt ?? clock.monotonic()) - started;
    counters.appendSeconds.observe(Math.max(0, took) / 1000);
    counters.batchMessages.observe(batch.length);
    receipts.forEach((receipt, index) => {
      const publication = batch[index];
      if (publication !== undefined) this.#settle(publication, receipt);
    });
  }

  #take(): Publication[] {
    let length = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      length += size;
      if (count > 0 && length > BATCH_LENGTH) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #settle({ peer, room, ref }: Publication, receipt: Receipt): void {
    switch (receipt.kind) {
      case "stored": {
        this.counters.messages++;
        const { id, timestamp } = receipt.message;
        if (ref !== undefined) peer.ack({ type: "ack", ref, room, id, timestamp });
        return;
      }
      case "duplicate": {
        this.counters.duplicates++;
        const { room, id, timestamp } = receipt;
        if (ref !== undefined) {
          peer.ack({ type: "ack", ref, room, id, timestamp, duplicate: true });
        }
        return;
      }
      case "failed":
        this.counters.failures++;
        this.onFailure(receipt.error);
        peer.refuse("internal", "The hub could not store the message: try again", ref, 1);
    }
  }
}

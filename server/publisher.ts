import { setImmediate } from "node:timers";
import type { Broker, MessageDraft, Origin, Receipt } from "../broker/broker.ts";
import type {
  Annotations,
  Content,
  MessageKind,
  Publish,
  Ref,
  SenderAnnotations,
} from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Counters } from "./metrics/counters.ts";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** A draft with somebody who waits to hear what became of it. */
export interface PendingAppend extends MessageDraft {
  /** UTF-16 units of what it came in. */
  readonly size: number;
  /** Takes what became of it. Never throws. */
  onReceipt(receipt: Receipt): void;
}

/** What a connection publishes; its ack goes there. */
export class Publication implements PendingAppend {
  readonly room: string;
  readonly sender: string;
  readonly content: Content;
  readonly kind?: MessageKind;
  readonly annotations?: Annotations;
  readonly origin?: Origin;
  readonly ref?: Ref;

  constructor(
    readonly peer: Connection,
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
    const annotations = annotationsOf(frame, session.identity !== undefined);
    if (annotations !== undefined) this.annotations = annotations;
    if (frame.ref !== undefined) {
      this.ref = frame.ref;
      this.origin = { session: session.key, ref: String(frame.ref) };
    }
  }

  onReceipt(receipt: Receipt): void {
    const { peer, room, ref } = this;
    if (receipt.kind === "failed") {
      peer.refuse("internal", "The hub could not store the message: try again", ref, 1);
    } else if (ref === undefined) {
      return;
    } else if (receipt.kind === "stored") {
      const { id, timestamp } = receipt.message;
      peer.ack({ type: "ack", ref, room, id, timestamp });
    } else {
      const { room, id, timestamp } = receipt;
      peer.ack({ type: "ack", ref, room, id, timestamp, duplicate: true });
    }
  }
}

/** What is kept of a message beside its content; `undefined` when that is nothing. */
export function annotationsOf(
  { format, via }: SenderAnnotations,
  verified: boolean,
): Annotations | undefined {
  if (format === undefined && via === undefined && !verified) return undefined;
  return {
    ...(format === undefined ? {} : { format }),
    ...(verified ? { verified } : {}),
    ...(via === undefined ? {} : { via }),
  };
}

/** UTF-16 units of frames in one batch: no outbox may fill up in a single turn. */
const BATCH_LENGTH = 512 * 1024;

/** Gathers what is published in one turn of the event loop, appends it at once, and acks it. */
export class Publisher {
  #waiting: PendingAppend[] = [];
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
    private readonly clock: ServerClock,
    private readonly counters: Counters,
  ) {}

  /** Appends at the end of this turn. */
  publish(publication: PendingAppend): void {
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

  #take(): PendingAppend[] {
    let length = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      length += size;
      if (count > 0 && length > BATCH_LENGTH) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #settle(publication: PendingAppend, receipt: Receipt): void {
    if (receipt.kind === "stored") this.counters.messages++;
    else if (receipt.kind === "duplicate") this.counters.duplicates++;
    else this.counters.failures++;
    publication.onReceipt(receipt);
  }
}

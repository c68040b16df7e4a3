import { setImmediate } from "node:timers";
import type { Broker, MessageDraft, Origin, Receipt } from "../broker/broker.ts";
import type {
  Annotations,
  Content,
  ExtensionName,
  Message,
  MessageKind,
  Publish,
  Ref,
  SenderAnnotations,
} from "../protocol.ts";
import type { Connection, Session } from "./connection.ts";
import type { Counters } from "./metrics/counters.ts";

/** A draft whose sender waits for the receipt. */
export interface PendingAppend extends MessageDraft {
  /** UTF-16 units of the frame or request. */
  readonly size: number;
  /** Must not throw. */
  onReceipt(receipt: Receipt): void;
}

/** A message from a connection, which gets the ack if the message has a `ref` or a `key`. */
export class Publication implements PendingAppend {
  readonly room: string;
  readonly sender: string;
  readonly content: Content;
  readonly kind: MessageKind | undefined;
  readonly annotations: Annotations | undefined;
  readonly origin: Origin | undefined;
  readonly ref: Ref | undefined;

  constructor(
    private readonly connection: Connection,
    readonly author: Session,
    room: string,
    frame: Publish,
    readonly size: number,
  ) {
    this.room = room;
    this.sender = author.name;
    this.content = frame;
    this.kind = frame.kind;
    this.annotations = annotationsOf(frame, author.identity);
    this.ref = frame.ref;
    this.origin = frame.key === undefined ? undefined : { sender: author.keyScope, key: frame.key };
  }

  onStored({ id, timestamp }: Message, epoch: string): void {
    const { connection, room, ref } = this;
    if (ref !== undefined) connection.ack({ type: "ack", ref, room, id, epoch, timestamp });
    else if (this.origin !== undefined) connection.ack({ type: "ack", room, id, epoch, timestamp });
  }

  onReceipt(receipt: Receipt): void {
    // Acknowledged in `onStored`, before its delivery.
    if (receipt.kind === "stored") return;
    const { connection, room, ref } = this;
    const request = { re: "message" as const, room, ref };
    if (receipt.kind === "failed") {
      const message = "The hub could not store the message: try again";
      connection.refuse({ code: "internal", message, ...request, retryAfter: 1 });
    } else if (receipt.kind === "reused") {
      connection.refuse({ code: "key_reused", message: keyReusedMessage(receipt), ...request });
    } else {
      const { id, epoch, timestamp } = receipt;
      const answer = ref === undefined ? {} : { ref };
      connection.ack({ type: "ack", ...answer, room, id, epoch, timestamp, duplicate: true });
    }
  }
}

/** The error for a key that the sender used for another message. */
export function keyReusedMessage({ room, id }: Extract<Receipt, { kind: "reused" }>): string {
  return `The key was used for another message (id ${id} of ${room}): use a new key for each message`;
}

/** The annotations to store with a message of `account`; `undefined` if there are none. */
export function annotationsOf(
  frame: SenderAnnotations,
  account: string | undefined,
): Annotations | undefined {
  const { format, via } = frame;
  const extensions = extensionsOf(frame);
  if (
    format === undefined && via === undefined && account === undefined && extensions === undefined
  ) return undefined;
  return {
    ...(format === undefined ? {} : { format }),
    ...(account === undefined ? {} : { account }),
    ...(via === undefined ? {} : { via }),
    ...extensions,
  };
}

/** The fields `x-…`; the parser has left no others with such names. */
function extensionsOf(frame: SenderAnnotations): Record<ExtensionName, unknown> | undefined {
  let extensions: Record<ExtensionName, unknown> | undefined;
  // Not `Object.keys()`: every message passes here, and nearly none has such a field.
  for (const name in frame) {
    if (isExtension(name)) (extensions ??= {})[name] = frame[name];
  }
  return extensions;
}

function isExtension(name: string): name is ExtensionName {
  return name.startsWith("x-");
}

/** UTF-16 units of frames in one batch: no outbox may fill up in a single turn. */
const BATCH_LENGTH = 512 * 1024;

/** Collects the messages of one turn of the event loop and appends them to the log as one batch. */
export class Publisher {
  #waiting: PendingAppend[] = [];
  #scheduled = false;
  #newest: Promise<void> = Promise.resolve();
  readonly #run = (): void => {
    // Never rejects, as `Broker.append` does not.
    void this.#append();
  };

  constructor(private readonly broker: Broker, private readonly counters: Counters) {}

  /** Appends at the end of this turn. */
  publish(pending: PendingAppend): void {
    this.#waiting.push(pending);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Runs after all sockets were read: messages that arrived in this turn, from one connection or
    // several, share a transaction, and a frame for each receiver.
    setImmediate(this.#run);
  }

  /** Appends immediately; resolves when every message so far has its receipt. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#append();
    await this.#newest;
  }

  #append(): Promise<void> {
    // Appends settle in order: after the newest, all have.
    return this.#newest = this.#appendBatch();
  }

  async #appendBatch(): Promise<void> {
    const batch = this.#takeBatch();
    this.#scheduled = this.#waiting.length > 0;
    // Sockets can send before the next batch.
    if (this.#scheduled) setImmediate(this.#run);
    const receipts = await this.broker.append(batch);
    this.counters.batchMessages.observe(batch.length);
    receipts.forEach((receipt, index) => {
      this.#count(receipt);
      batch[index]?.onReceipt(receipt);
    });
  }

  #takeBatch(): PendingAppend[] {
    let length = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      length += size;
      if (count > 0 && length > BATCH_LENGTH) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #count({ kind }: Receipt): void {
    if (kind === "stored") this.counters.messages++;
    else if (kind === "duplicate") this.counters.duplicates++;
    else if (kind === "failed") this.counters.failures++;
  }
}

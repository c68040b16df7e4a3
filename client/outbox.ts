import type { Ref } from "../protocol.ts";
import { Deque } from "./deque.ts";
import { type ClientRequest, type RequestKind, RETRY_POLICY } from "./request.ts";
import { HeldDirects } from "./held_directs.ts";

/**
 * Messages that may be on their way without an ack: enough to keep any line busy, few enough for
 * the hub's queue for one client, and to be sent again in no time.
 */
export const WINDOW = 256;

/** Everything that was asked for and not yet answered, in order, over all connections. */
export class Outbox {
  readonly #open = new Map<Ref, ClientRequest>();
  readonly #urgent = new Deque<ClientRequest>();
  readonly #ordered = new Deque<ClientRequest>();
  /** In the order of sending. */
  readonly #sent = new Set<ClientRequest>();
  readonly #held = new HeldDirects();
  #messages = 0;
  #messagesSent = 0;

  /** Messages that are neither acked nor refused. */
  get messages(): number {
    return this.#messages;
  }

  /** Everything that is neither answered nor refused, in the order in which it was asked for. */
  get open(): Iterable<ClientRequest> {
    return this.#open.values();
  }

  /** Takes an entry in; one with the same key that still waits is replaced. */
  add(entry: ClientRequest, urgent: boolean = RETRY_POLICY[entry.kind].urgent): void {
    this.remove(entry.key);
    this.#open.set(entry.key, entry);
    if (entry.kind === "message") this.#messages++;
    (urgent ? this.#urgent : this.#ordered).push(entry);
  }

  /** The entry called `key`, if it is still open. */
  get(key: Ref): ClientRequest | undefined {
    return this.#open.get(key);
  }

  /** Whether an entry is on its way to the hub. */
  isSent(entry: ClientRequest): boolean {
    return this.#sent.has(entry);
  }

  /** The oldest entry of these kinds that is on its way. */
  firstSent(...kinds: readonly RequestKind[]): ClientRequest | undefined {
    for (const entry of this.#sent) {
      if (kinds.includes(entry.kind)) return entry;
    }
    return undefined;
  }

  /** Messages to `room` that are open; all or only those on their way. */
  messagesTo(room: string, which: "open" | "sent"): number {
    let count = 0;
    for (const entry of which === "open" ? this.#open.values() : this.#sent) {
      if (entry.kind === "message" && entry.room === room) count++;
    }
    return count;
  }

  /** What is to be sent next; `undefined` when nothing is, or the window is full. */
  next(): ClientRequest | undefined {
    const urgent = this.#first(this.#urgent);
    if (urgent !== undefined) return urgent;
    const entry = this.#first(this.#ordered);
    return entry?.kind === "message" && this.#messagesSent >= WINDOW ? undefined : entry;
  }

  /** `entry`, which {@linkcode next} gave, was sent. */
  markSent(entry: ClientRequest): void {
    (this.#urgent.peek() === entry ? this.#urgent : this.#ordered).shift();
    if (RETRY_POLICY[entry.kind].whenLost === "forget") {
      this.remove(entry.key);
      return;
    }
    this.#sent.add(entry);
    if (entry.kind === "message") this.#messagesSent++;
  }

  /** Takes an entry out: it is answered, refused or no longer wanted. */
  remove(key: Ref): ClientRequest | undefined {
    const entry = this.#open.get(key);
    if (entry === undefined) return undefined;
    // Where it still stands in a lane it is passed over.
    this.#open.delete(key);
    if (entry.kind === "message") this.#messages--;
    this.#unsend(entry);
    this.#release(this.#held.settle(entry));
    return entry;
  }

  /**
   * The receiver of a private message may come back: it waits, and those to the same receiver
   * behind it. Returns whether to {@linkcode probe} for the receiver later.
   */
  hold(entry: ClientRequest, receiver: string): boolean {
    this.#unsend(entry);
    return this.#held.hold(entry, receiver);
  }

  /** Sends the oldest of the private messages that wait for `receiver`. */
  probe(receiver: string): void {
    const oldest = (waiting: ReadonlySet<ClientRequest>): ClientRequest | undefined =>
      this.#inOrder(waiting)[0];
    const entry = this.#held.probe(receiver, oldest);
    if (entry !== undefined) this.#ordered.unshift([entry]);
  }

  /**
   * The hub asked to try `entry` again: it goes back to the front, and with a message all messages
   * that were sent after it, so that their order is kept as far as it can be.
   */
  again(entry: ClientRequest): void {
    if (!this.#sent.has(entry)) return;
    const sent = [...this.#sent];
    const later = sent.slice(sent.indexOf(entry) + 1);
    const back = entry.kind === "message" ? later.filter(({ kind }) => kind === "message") : [];
    this.#back([entry, ...back]);
  }

  /**
   * The connection is gone: what was on its way goes back to the front, in order. Returns those
   * that must not be sent twice; they are taken out.
   */
  rewind(): readonly ClientRequest[] {
    const sent = [...this.#sent];
    const doubtful = sent.filter(({ kind }) => RETRY_POLICY[kind].whenLost === "doubt");
    for (const { key } of doubtful) this.remove(key);
    // The hub said that it had not delivered them.
    this.#release(this.#held.clear());
    this.#back(sent.filter(({ kind }) => RETRY_POLICY[kind].whenLost === "again"));
    // Typing that was never sent: nobody wants to know any more.
    for (const { key, kind } of [...this.#open.values()]) {
      if (RETRY_POLICY[kind].whenLost === "forget") this.remove(key);
    }
    return doubtful;
  }

  /** Takes everything out. */
  clear(): readonly ClientRequest[] {
    const entries = [...this.#open.values()];
    this.#open.clear();
    this.#urgent.clear();
    this.#ordered.clear();
    this.#sent.clear();
    this.#held.clear();
    this.#messages = this.#messagesSent = 0;
    return entries;
  }

  #first(lane: Deque<ClientRequest>): ClientRequest | undefined {
    let entry = lane.peek();
    while (
      entry !== undefined && (this.#open.get(entry.key) !== entry || this.#held.joins(entry))
    ) {
      lane.shift();
      entry = lane.peek();
    }
    return entry;
  }

  #release(waiting: ReadonlySet<ClientRequest>): void {
    if (waiting.size > 0) this.#ordered.unshift(this.#inOrder(waiting));
  }

  /** In the order in which they were asked for. */
  #inOrder(entries: ReadonlySet<ClientRequest>): readonly ClientRequest[] {
    return [...this.#open.values()].filter((entry) => entries.has(entry));
  }

  #unsend(entry: ClientRequest): void {
    if (this.#sent.delete(entry) && entry.kind === "message") this.#messagesSent--;
  }

  #back(entries: readonly ClientRequest[]): void {
    for (const entry of entries) this.#unsend(entry);
    this.#urgent.unshift(entries.filter(({ kind }) => RETRY_POLICY[kind].urgent));
    this.#ordered.unshift(entries.filter(({ kind }) => !RETRY_POLICY[kind].urgent));
  }
}

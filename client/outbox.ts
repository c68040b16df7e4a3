import type { Ref } from "../protocol.ts";
import { Deque } from "./deque.ts";
import { type ClientRequest, RETRY_POLICY } from "./request.ts";
import { HeldDirects } from "./held_directs.ts";

/**
 * Messages that may be in flight without an ack: enough to keep any connection busy, few enough for
 * the hub's input queue and for a quick resend.
 */
export const WINDOW = 256;

/** Kinds of requests of which the latest for a room counts. */
const SLOT_KINDS = ["join", "leave", "typing"] as const;

type SlotKind = (typeof SLOT_KINDS)[number];

/** All unanswered requests, in order; outlives reconnects. */
export class Outbox {
  readonly #open = new Map<Ref, ClientRequest>();
  /** The last request of each kind of which a room needs only one. */
  readonly #slots = new Map<string, ClientRequest>();
  readonly #urgent = new Deque<ClientRequest>();
  readonly #ordered = new Deque<ClientRequest>();
  /** In the order of sending. */
  readonly #sent = new Set<ClientRequest>();
  readonly #held = new HeldDirects();
  #messages = 0;
  #messagesSent = 0;

  /** The number of messages that are neither acked nor refused. */
  get messages(): number {
    return this.#messages;
  }

  /** All requests, in the order in which they were made. */
  get open(): Iterable<ClientRequest> {
    return this.#open.values();
  }

  /** Adds a request; one to join or leave, or about typing, replaces that of the same room. */
  add(request: ClientRequest): void {
    const slot = slotOf(request);
    if (slot !== undefined) {
      this.remove(this.#slots.get(slot));
      this.#slots.set(slot, request);
    }
    this.#open.set(request.ref, request);
    if (request.kind === "message") this.#messages++;
    this.#queueOf(request).push(request);
  }

  get(ref: Ref): ClientRequest | undefined {
    return this.#open.get(ref);
  }

  /** The request to join or leave `room`. */
  find(kind: SlotKind, room: string): ClientRequest | undefined {
    return this.#slots.get(`${kind} ${room}`);
  }

  /** Whether a request was sent and is not answered yet. */
  isSent(request: ClientRequest): boolean {
    return this.#sent.has(request);
  }

  /** Whether there are open messages to `room`. */
  hasMessagesTo(room: string): boolean {
    for (const request of this.#open.values()) {
      if (request.kind === "message" && request.room === room) return true;
    }
    return false;
  }

  /** The next request to send; `undefined` if there is none or the window is full. */
  next(): ClientRequest | undefined {
    const urgent = this.#first(this.#urgent);
    if (urgent !== undefined) return urgent;
    const request = this.#first(this.#ordered);
    return request?.kind === "message" && this.#messagesSent >= WINDOW ? undefined : request;
  }

  /** Records that the result of {@linkcode next} was sent. */
  markSent(request: ClientRequest): void {
    (this.#urgent.peek() === request ? this.#urgent : this.#ordered).shift();
    this.#sent.add(request);
    if (request.kind === "message") this.#messagesSent++;
  }

  /** Removes a request that is answered, refused or no longer wanted. */
  remove(request: ClientRequest | undefined): void {
    if (request === undefined || this.#open.get(request.ref) !== request) return;
    // If a queue still holds it, it is skipped there.
    this.#open.delete(request.ref);
    const slot = slotOf(request);
    if (slot !== undefined && this.#slots.get(slot) === request) this.#slots.delete(slot);
    if (request.kind === "message") this.#messages--;
    this.#unsend(request);
    this.#release(this.#held.remove(request));
  }

  /**
   * Holds a private message whose receiver may reconnect, and later ones to the same receiver behind
   * it. Returns whether to call {@linkcode retryHeld} later.
   */
  hold(request: ClientRequest, receiver: string): boolean {
    this.#unsend(request);
    // The hub remembers what it delivered, so this was not.
    request.inDoubt = false;
    return this.#held.hold(request, receiver);
  }

  /** Queues the oldest held message to `receiver`. */
  retryHeld(receiver: string): void {
    const oldest = (waiting: ReadonlySet<ClientRequest>): ClientRequest | undefined =>
      this.#inOrder(waiting)[0];
    const request = this.#held.probe(receiver, oldest);
    if (request !== undefined) this.#ordered.unshift([request]);
  }

  /**
   * Moves a sent request back to the front of its queue. With a message, moves all messages sent
   * after it as well, to keep their order as far as possible.
   */
  retry(request: ClientRequest): void {
    if (!this.#sent.has(request)) return;
    const sent = [...this.#sent];
    const later = sent.slice(sent.indexOf(request) + 1);
    const messages = request.kind === "message"
      ? later.filter(({ kind }) => kind === "message")
      : [];
    this.#requeue([request, ...messages]);
  }

  /** After a disconnect: queues everything again, in the order of the calls; drops what is outdated. */
  rewind(): void {
    for (const request of this.#sent) request.inDoubt = true;
    for (const request of [...this.#open.values()]) {
      if (RETRY_POLICY[request.kind].onDisconnect === "drop") this.remove(request);
    }
    this.#held.clear();
    this.#sent.clear();
    this.#messagesSent = 0;
    this.#urgent.clear();
    this.#ordered.clear();
    for (const request of this.#open.values()) this.#queueOf(request).push(request);
  }

  /** Removes and returns requests in doubt that another session must not repeat. */
  takeInDoubt(): readonly ClientRequest[] {
    const taken = [...this.#open.values()].filter(({ kind, inDoubt }) =>
      inDoubt && RETRY_POLICY[kind].onDisconnect === "resume"
    );
    for (const request of taken) this.remove(request);
    return taken;
  }

  /** Removes and returns all requests. */
  clear(): readonly ClientRequest[] {
    const requests = [...this.#open.values()];
    this.#open.clear();
    this.#slots.clear();
    this.#urgent.clear();
    this.#ordered.clear();
    this.#sent.clear();
    this.#held.clear();
    this.#messages = this.#messagesSent = 0;
    return requests;
  }

  #queueOf({ kind }: ClientRequest): Deque<ClientRequest> {
    return RETRY_POLICY[kind].urgent ? this.#urgent : this.#ordered;
  }

  #first(queue: Deque<ClientRequest>): ClientRequest | undefined {
    let request = queue.peek();
    while (
      request !== undefined &&
      (this.#open.get(request.ref) !== request || this.#held.holdBehind(request))
    ) {
      queue.shift();
      request = queue.peek();
    }
    return request;
  }

  #release(waiting: ReadonlySet<ClientRequest>): void {
    if (waiting.size > 0) this.#ordered.unshift(this.#inOrder(waiting));
  }

  /** Sorts requests into the order in which they were made. */
  #inOrder(requests: ReadonlySet<ClientRequest>): readonly ClientRequest[] {
    return [...this.#open.values()].filter((request) => requests.has(request));
  }

  #unsend(request: ClientRequest): void {
    if (this.#sent.delete(request) && request.kind === "message") this.#messagesSent--;
  }

  #requeue(requests: readonly ClientRequest[]): void {
    for (const request of requests) this.#unsend(request);
    this.#urgent.unshift(requests.filter(({ kind }) => RETRY_POLICY[kind].urgent));
    this.#ordered.unshift(requests.filter(({ kind }) => !RETRY_POLICY[kind].urgent));
  }
}

function slotOf({ kind, room }: ClientRequest): string | undefined {
  return (SLOT_KINDS as readonly string[]).includes(kind) ? `${kind} ${room}` : undefined;
}

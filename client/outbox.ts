import type { Ref } from "../protocol.ts";
import { Deque } from "./deque.ts";
import { type ClientRequest, type RequestKind, RETRY_POLICY } from "./request.ts";
import { HeldDirects } from "./held_directs.ts";

/**
 * Messages that may be in flight without an ack: enough to keep any connection busy, few enough for
 * the hub's input queue and for a quick resend.
 */
export const WINDOW = 256;

/** All unanswered requests, in order; outlives reconnects. */
export class Outbox {
  readonly #open = new Map<Ref, ClientRequest>();
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

  /** Adds a request; replaces one with the same key. */
  add(request: ClientRequest, urgent: boolean = RETRY_POLICY[request.kind].urgent): void {
    this.remove(request.key);
    this.#open.set(request.key, request);
    if (request.kind === "message") this.#messages++;
    (urgent ? this.#urgent : this.#ordered).push(request);
  }

  get(key: Ref): ClientRequest | undefined {
    return this.#open.get(key);
  }

  /** Whether a request was sent and is not answered yet. */
  isSent(request: ClientRequest): boolean {
    return this.#sent.has(request);
  }

  /** The oldest sent request of these kinds. */
  firstSent(...kinds: readonly RequestKind[]): ClientRequest | undefined {
    for (const request of this.#sent) {
      if (kinds.includes(request.kind)) return request;
    }
    return undefined;
  }

  /** The number of messages to `room`: all open ones, or only sent ones. */
  messagesTo(room: string, which: "open" | "sent"): number {
    let count = 0;
    for (const request of which === "open" ? this.#open.values() : this.#sent) {
      if (request.kind === "message" && request.room === room) count++;
    }
    return count;
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
    if (RETRY_POLICY[request.kind].onDisconnect === "drop") {
      this.remove(request.key);
      return;
    }
    this.#sent.add(request);
    if (request.kind === "message") this.#messagesSent++;
  }

  /** Removes a request that is answered, refused or no longer wanted. */
  remove(key: Ref): ClientRequest | undefined {
    const request = this.#open.get(key);
    if (request === undefined) return undefined;
    // If a queue still holds it, it is skipped there.
    this.#open.delete(key);
    if (request.kind === "message") this.#messages--;
    this.#unsend(request);
    this.#release(this.#held.remove(request));
    return request;
  }

  /**
   * Holds a private message whose receiver may reconnect, and later ones to the same receiver behind
   * it. Returns whether to call {@linkcode retryHeld} later.
   */
  hold(request: ClientRequest, receiver: string): boolean {
    this.#unsend(request);
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

  /**
   * After a disconnect: moves sent requests back to the front, in order. Removes and returns those
   * that must not be sent twice.
   */
  rewind(): readonly ClientRequest[] {
    const sent = [...this.#sent];
    const failed = sent.filter(({ kind }) => RETRY_POLICY[kind].onDisconnect === "fail");
    for (const { key } of failed) this.remove(key);
    // The hub has confirmed that these were not delivered. A probe that is still queued would be
    // overtaken by them: it takes its place among them.
    const held = this.#held.clear();
    this.#ordered.remove(held);
    this.#release(held);
    this.#requeue(sent.filter(({ kind }) => RETRY_POLICY[kind].onDisconnect === "retry"));
    // Typing indicators that were not sent yet.
    for (const { key, kind } of [...this.#open.values()]) {
      if (RETRY_POLICY[kind].onDisconnect === "drop") this.remove(key);
    }
    return failed;
  }

  /** Removes and returns all requests. */
  clear(): readonly ClientRequest[] {
    const requests = [...this.#open.values()];
    this.#open.clear();
    this.#urgent.clear();
    this.#ordered.clear();
    this.#sent.clear();
    this.#held.clear();
    this.#messages = this.#messagesSent = 0;
    return requests;
  }

  #first(queue: Deque<ClientRequest>): ClientRequest | undefined {
    let request = queue.peek();
    while (
      request !== undefined &&
      (this.#open.get(request.key) !== request || this.#held.holdBehind(request))
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

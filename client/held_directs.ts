import type { ClientRequest } from "./request.ts";

interface Queue {
  readonly waiting: Set<ClientRequest>;
  /** The message that was resent to find out whether the receiver is back. */
  probe: ClientRequest | undefined;
}

/**
 * Private messages whose receivers may reconnect. One of them is resent from time to time; all later
 * ones to the same receiver wait behind it, so that they keep their order.
 */
export class HeldDirects {
  readonly #queues = new Map<string, Queue>();

  /** Holds a refused message. Returns whether to retry its receiver later. */
  hold(request: ClientRequest, receiver: string): boolean {
    const queue = this.#queues.get(receiver);
    if (queue === undefined) {
      this.#queues.set(receiver, { waiting: new Set([request]), probe: undefined });
      return true;
    }
    const wasProbe = queue.probe === request;
    if (wasProbe) queue.probe = undefined;
    queue.waiting.add(request);
    return wasProbe;
  }

  /** Holds `request` if others wait for its receiver. Returns whether it did. */
  holdBehind(request: ClientRequest): boolean {
    const queue = this.#queueOf(request);
    if (queue === undefined || queue.probe === request) return false;
    queue.waiting.add(request);
    return true;
  }

  /** Takes out the message to resend. @param oldest picks it from the waiting ones. */
  probe(
    receiver: string,
    oldest: (waiting: ReadonlySet<ClientRequest>) => ClientRequest | undefined,
  ): ClientRequest | undefined {
    const queue = this.#queues.get(receiver);
    if (queue === undefined || queue.probe !== undefined) return undefined;
    queue.probe = oldest(queue.waiting);
    if (queue.probe === undefined) this.#queues.delete(receiver);
    else queue.waiting.delete(queue.probe);
    return queue.probe;
  }

  /** Removes an answered request. Returns those that need not wait any more. */
  remove(request: ClientRequest): ReadonlySet<ClientRequest> {
    const queue = this.#queueOf(request);
    queue?.waiting.delete(request);
    if (queue?.probe !== request || request.receiver === undefined) return new Set();
    this.#queues.delete(request.receiver);
    return queue.waiting;
  }

  clear(): void {
    this.#queues.clear();
  }

  #queueOf({ receiver }: ClientRequest): Queue | undefined {
    return receiver === undefined ? undefined : this.#queues.get(receiver);
  }
}

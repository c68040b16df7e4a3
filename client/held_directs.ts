import type { ClientRequest } from "./request.ts";

interface Queue {
  readonly waiting: Set<ClientRequest>;
  /** The one that was sent again, to see whether the receiver is there. */
  probe: ClientRequest | undefined;
}

/**
 * Private messages that wait for receivers who may come back. One of them is sent again now and
 * then; all later ones to the same receiver wait behind it, so that they keep their order.
 */
export class HeldDirects {
  readonly #queues = new Map<string, Queue>();

  /** Holds a message that the hub refused. Returns whether to ask again for its receiver. */
  hold(entry: ClientRequest, receiver: string): boolean {
    const queue = this.#queues.get(receiver);
    if (queue === undefined) {
      this.#queues.set(receiver, { waiting: new Set([entry]), probe: undefined });
      return true;
    }
    const wasProbe = queue.probe === entry;
    if (wasProbe) queue.probe = undefined;
    queue.waiting.add(entry);
    return wasProbe;
  }

  /** Whether others wait for the receiver of `entry`; it then waits, too. */
  joins(entry: ClientRequest): boolean {
    const queue = this.#queueOf(entry);
    if (queue === undefined || queue.probe === entry) return false;
    queue.waiting.add(entry);
    return true;
  }

  /** What is to be sent to see whether `receiver` is there. `oldest` picks from those who wait. */
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

  /** What became of `entry` is known. Returns those who need not wait any more. */
  settle(entry: ClientRequest): ReadonlySet<ClientRequest> {
    const queue = this.#queueOf(entry);
    queue?.waiting.delete(entry);
    if (queue?.probe !== entry || entry.receiver === undefined) return new Set();
    this.#queues.delete(entry.receiver);
    return queue.waiting;
  }

  /** Holds nothing any more. Returns those who waited. */
  clear(): ReadonlySet<ClientRequest> {
    const waiting = new Set([...this.#queues.values()].flatMap((queue) => [...queue.waiting]));
    this.#queues.clear();
    return waiting;
  }

  #queueOf({ receiver }: ClientRequest): Queue | undefined {
    return receiver === undefined ? undefined : this.#queues.get(receiver);
  }
}

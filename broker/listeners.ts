import { getLogger } from "@logtape/logtape";
import type { Message } from "../protocol.ts";
import type { MessageDraft, MessageListener } from "./broker.ts";

/**
 * The listeners of a log. A listener may append, subscribe, dispose or throw while it is called:
 * every listener still gets everything since its subscription, once and in order.
 */
export class LogListeners {
  #subscriptions: readonly Subscription[] = [];
  #queue: Delivery[] = [];
  #delivering = false;

  subscribe(listener: MessageListener): Disposable {
    const subscription: Subscription = { listener, active: true };
    this.#subscriptions = [...this.#subscriptions, subscription];
    return {
      [Symbol.dispose]: (): void => {
        subscription.active = false;
        this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
      },
    };
  }

  /**
   * Calls every listener. Messages that a listener appends are queued until all listeners have the
   * current ones; they are delivered before the outermost call returns.
   */
  deliver(messages: readonly Message[], drafts?: readonly MessageDraft[]): void {
    if (messages.length === 0) return;
    this.#queue.push({ to: this.#subscriptions, messages, drafts });
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const subscription of next.to) notify(subscription, next);
    }
    this.#delivering = false;
  }

  /** Tells the authors of messages that these are stored; one of `drafts` for each message. */
  notifyAuthors(
    messages: readonly Message[],
    drafts: readonly MessageDraft[],
    epoch: string,
  ): void {
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index];
      if (message === undefined) continue;
      try {
        drafts[index]?.onStored?.(message, epoch);
      } catch (error) {
        logError(error);
      }
    }
  }

  /** Ends all subscriptions. */
  clear(): void {
    this.#subscriptions = [];
  }
}

interface Delivery {
  readonly to: readonly Subscription[];
  readonly messages: readonly Message[];
  readonly drafts: readonly MessageDraft[] | undefined;
}

interface Subscription {
  readonly listener: MessageListener;
  active: boolean;
}

function notify(subscription: Subscription, { messages, drafts }: Delivery): void {
  if (!subscription.active) return;
  try {
    subscription.listener(messages, drafts);
  } catch (error) {
    logError(error);
  }
}

/** An error in a listener must not affect the log or the other listeners. */
function logError(error: unknown): void {
  getLogger(["bcast", "log"]).error("A listener of the log failed: {error}", { error });
}

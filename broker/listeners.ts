import { getLogger } from "@logtape/logtape";
import type { Message } from "../protocol.ts";
import type { MessageDraft, MessageListener } from "./broker.ts";

/**
 * Those who want what is appended. A listener may append, subscribe and dispose while it is called,
 * and may throw: every listener still gets everything since its subscription, once, in order.
 */
export class LogListeners {
  #subscriptions: readonly Subscription[] = [];
  #waiting: Delivery[] = [];
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
   * Calls every listener. What is appended by a listener waits until all of them have the messages
   * before it; it has been delivered when the outermost call returns.
   */
  deliver(messages: readonly Message[], drafts?: readonly MessageDraft[]): void {
    if (messages.length === 0) return;
    this.#waiting.push({ to: this.#subscriptions, messages, drafts });
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (const subscription of next.to) notify(subscription, next);
    }
    this.#delivering = false;
  }

  /** Nothing is delivered any more. */
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
    // A fault of a listener is not a fault of the log, nor of the other listeners.
    getLogger(["bcast", "log"]).error("A listener of the log failed: {error}", { error });
  }
}

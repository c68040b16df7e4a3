import {
  type ClientConnection,
  type ClientEvent,
  connect,
  type ConnectOptions,
} from "../../client.ts";
import type { History, RoomPosition, Who } from "../../protocol.ts";
import { roomOf } from "../state/threads.ts";
import type { ThreadKey, UnsentMessage } from "../state/types.ts";
import { MessageSender } from "./message_sender.ts";
import type { Store } from "./store.ts";
import type { TabQuestion, TabRequest } from "./tabs.ts";

/** Receives what happens on the connection. */
export interface HubListener {
  event(event: ClientEvent): void;
  /** It is over and will not come back by itself. */
  end(error: unknown): void;
}

/** The connection to the hub, in the tab that has it; the other tabs have none. */
export class TabConnection {
  readonly #delivery: MessageSender;
  #conversation: ClientConnection | undefined;
  /** Rooms that the user left and that the hub may still believe them to be in. */
  readonly #leaving = new Set<string>();

  constructor(store: Store, private readonly listener: HubListener) {
    this.#delivery = new MessageSender(store);
  }

  /** The name that the hub gave. */
  get sender(): string | undefined {
    return this.#conversation?.sender;
  }

  get session(): string | undefined {
    return this.#conversation?.session;
  }

  /** Where reading stopped. */
  get positions(): readonly RoomPosition[] {
    return this.#conversation?.positions ?? [];
  }

  /**
   * Connects, and sends what waits.
   *
   * @param inherited whether another tab had the connection until now.
   */
  connect(options: ConnectOptions, inherited = false): void {
    const conversation = connect({ ...options, retryFirst: true });
    this.#conversation = conversation;
    void this.#follow(conversation);
    if (inherited) this.#delivery.takeOver(conversation);
    else this.#delivery.resend(conversation);
  }

  /** Ends the session: the hub frees the name at once. */
  async close(): Promise<void> {
    await this.#conversation?.close();
  }

  /** Another tab has the connection now. The hub ends this one when it sees the other. */
  drop(): void {
    this.#conversation = undefined;
  }

  /** Looks whether the connection is alive; `false` where there is none. */
  wake(): boolean {
    this.#conversation?.wake();
    return this.#conversation !== undefined;
  }

  send(key: ThreadKey, pending: UnsentMessage): void {
    if (this.#conversation !== undefined) {
      void this.#delivery.send(this.#conversation, key, pending);
    }
  }

  /** Sends what had to wait until it is known again who is here. */
  sendHeld(): void {
    if (this.#conversation !== undefined) this.#delivery.resend(this.#conversation, "held");
  }

  leave(room: string): void {
    this.#leaving.add(room);
    this.#conversation?.leave(room);
  }

  /** Carries out what needs nothing but the connection. */
  perform(order: TabRequest): void {
    const conversation = this.#conversation;
    switch (order.do) {
      case "join":
        this.#leaving.delete(order.position.room);
        return conversation?.join(order.position);
      case "leave": {
        const room = roomOf(order.key);
        return room === undefined ? undefined : this.leave(room);
      }
      case "nick":
        return conversation?.nick(order.name);
      case "typing":
        return conversation?.typing(order.room, order.typing);
      case "wake":
        return conversation?.wake();
    }
  }

  ask(question: TabQuestion): Promise<History | Who> {
    const conversation = this.#conversation;
    if (conversation === undefined) throw new Error("There is no conversation yet");
    return question.ask === "who"
      ? conversation.who(question.room)
      : conversation.history(question.room, question.query);
  }

  async #follow(conversation: ClientConnection): Promise<void> {
    const isCurrent = (): boolean => this.#conversation === conversation;
    try {
      for await (const event of conversation) {
        if (!isCurrent()) {
          // Another tab has the session: this connection must not take it back.
          if (event.type === "offline" || event.type === "connecting") void conversation.close();
        } else if (!this.#isLeft(event)) this.listener.event(event);
      }
    } catch (error) {
      if (isCurrent()) this.listener.end(error);
    }
  }

  /** Whether `event` tells of a room that the user has left, and so is to be ignored. */
  #isLeft(event: ClientEvent): boolean {
    if (event.type === "left") return this.#leaving.delete(event.room);
    return event.type === "joined" && this.#leaving.has(event.room);
  }
}

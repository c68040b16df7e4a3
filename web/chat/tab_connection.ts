import {
  type ClientConnection,
  type ClientEvent,
  connect,
  type ConnectOptions,
  type HistoryPage,
} from "../../client.ts";
import type { Members, RoomPosition } from "../../protocol.ts";
import { roomOf } from "../state/threads.ts";
import type { ThreadKey, UnsentMessage } from "../state/types.ts";
import { MessageSender } from "./message_sender.ts";
import type { Store } from "./store.ts";
import type { TabQuestion, TabRequest } from "./tabs.ts";

/** Receives the events of the connection. */
export interface HubListener {
  event(event: ClientEvent): void;
  /** The connection has ended for good. */
  end(error: unknown): void;
}

/** The connection to the hub. Only one tab has it. */
export class TabConnection {
  readonly #sender: MessageSender;
  #connection: ClientConnection | undefined;
  /** Rooms that the user left and the hub has not confirmed yet. */
  readonly #leaving = new Set<string>();

  constructor(store: Store, private readonly listener: HubListener) {
    this.#sender = new MessageSender(store);
  }

  /** The name that the hub granted. */
  get sender(): string | undefined {
    return this.#connection?.sender;
  }

  get session(): string | undefined {
    return this.#connection?.session;
  }

  /** The last messages received. */
  get positions(): readonly RoomPosition[] {
    return this.#connection?.positions ?? [];
  }

  /**
   * Connects, and sends pending messages.
   *
   * @param inherited whether another tab had the connection until now.
   */
  connect(options: ConnectOptions, inherited = false): void {
    const connection = connect({ ...options, retryFirst: true });
    this.#connection = connection;
    void this.#follow(connection);
    if (inherited) this.#sender.takeOver(connection);
    else this.#sender.resend(connection);
  }

  /** Ends the session, which frees the name at once. */
  async close(): Promise<void> {
    await this.#connection?.close();
  }

  /** Another tab has the connection now. The hub ends this one when it sees the other. */
  drop(): void {
    this.#connection = undefined;
  }

  /** Checks whether the connection is alive. Returns `false` without one. */
  wake(): boolean {
    this.#connection?.wake();
    return this.#connection !== undefined;
  }

  send(key: ThreadKey, pending: UnsentMessage): void {
    if (this.#connection !== undefined) void this.#sender.send(this.#connection, key, pending);
  }

  /** Sends the private messages that waited until the hub told who is online. */
  sendHeld(): void {
    if (this.#connection !== undefined) this.#sender.resend(this.#connection, "held");
  }

  /** Carries out requests that need only the connection. */
  perform(request: TabRequest): void {
    const connection = this.#connection;
    switch (request.do) {
      case "join":
        this.#leaving.delete(request.position.room);
        return connection?.join(request.position);
      case "leave": {
        const room = roomOf(request.key);
        if (room === undefined) return;
        this.#leaving.add(room);
        return connection?.leave(room);
      }
      case "nick":
        return connection?.nick(request.name);
      case "typing":
        return connection?.typing(request.room, request.active);
      case "wake":
        return connection?.wake();
    }
  }

  ask(question: TabQuestion): Promise<HistoryPage | Members> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error("The page is not connected yet");
    return question.ask === "members"
      ? connection.members(question.room)
      : connection.history(question.room, question.query);
  }

  async #follow(connection: ClientConnection): Promise<void> {
    const isCurrent = (): boolean => this.#connection === connection;
    try {
      for await (const event of connection) {
        if (!isCurrent()) {
          // Another tab has the session, which this connection must not take back.
          if (event.type === "offline" || event.type === "connecting") void connection.close();
        } else if (!this.#isLeft(event)) this.listener.event(event);
      }
    } catch (error) {
      if (isCurrent()) this.listener.end(error);
    }
  }

  /** Whether to ignore an event, because the user has left its room. */
  #isLeft(event: ClientEvent): boolean {
    if (event.type === "left") return this.#leaving.delete(event.room);
    return event.type === "joined" && this.#leaving.has(event.room);
  }
}

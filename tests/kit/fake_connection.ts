import { EventQueue } from "../../client/event_queue.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  type OutgoingMessage,
  RequestError,
} from "../../client/types.ts";
import {
  type Ack,
  type Content,
  DEFAULT_LIMITS,
  type Direct,
  type ErrorCode,
  type History,
  type Message,
  type Pong,
  type RoomPosition,
  type Welcome,
  type Who,
} from "../../protocol.ts";

/** A sent message, which the test acks or rejects. */
export interface SentMessage {
  readonly message: OutgoingMessage;
  ack(): void;
  reject(code: ErrorCode, reason: string): void;
  fail(error: Error): void;
}

/** A connection without a hub: the test emits the events and inspects the requests. */
export class FakeConnection implements ClientConnection {
  state: ClientConnection["state"] = "online";
  sender: string | undefined = "Alice";
  readonly session: string | undefined;
  limits: Welcome["limits"] = DEFAULT_LIMITS;
  readonly positions: readonly RoomPosition[] = [];
  /** All requests, as short texts: `join dev`. */
  readonly requests: string[] = [];
  readonly sent: SentMessage[] = [];
  /** The messages of the next `history()` responses; without any, each has one message. */
  readonly pages: (readonly Message[])[] = [];
  /** If set, the next private message is rejected with this text. */
  refuseDirect: string | undefined;
  readonly #events = new EventQueue<ClientEvent>();
  readonly #open = new Set<SentMessage>();
  #idle: PromiseWithResolvers<void>[] = [];

  get pending(): number {
    return this.#open.size;
  }

  emit(...events: readonly ClientEvent[]): void {
    for (const event of events) this.#events.push(event);
  }

  /** Ends the connection with an error. */
  fail(error: ConnectError): void {
    this.state = "closed";
    this.#events.end(error);
  }

  send(message: OutgoingMessage): Promise<Ack> {
    const { promise, resolve, reject } = Promise.withResolvers<Ack>();
    const settle = (complete: () => void): void => {
      this.#open.delete(sent);
      complete();
      if (this.#open.size === 0) this.#idle.splice(0).forEach(({ resolve }) => resolve());
    };
    const id = this.sent.length + 1;
    const sent: SentMessage = {
      message,
      ack: () =>
        settle(() => resolve({ type: "ack", ref: id, room: "lobby", id, timestamp: TIMESTAMP })),
      reject: (code, reason) =>
        settle(() => reject(new RequestError({ type: "error", code, message: reason }))),
      fail: (error) => settle(() => reject(error)),
    };
    this.sent.push(sent);
    this.#open.add(sent);
    return promise;
  }

  direct(to: string, content: Content): Promise<Direct> {
    this.requests.push(`direct ${to} ${content.message}`);
    const sender = this.sender ?? "";
    const reason = this.refuseDirect;
    this.refuseDirect = undefined;
    if (reason !== undefined) {
      return Promise.reject(
        new RequestError({ type: "error", code: "no_such_user", message: reason }),
      );
    }
    return Promise.resolve({ type: "direct", sender, to, timestamp: TIMESTAMP, ...content });
  }

  join({ room }: RoomPosition): void {
    this.requests.push(`join ${room}`);
  }

  leave(room: string): void {
    this.requests.push(`leave ${room}`);
  }

  nick(sender: string): void {
    this.requests.push(`nick ${sender}`);
  }

  typing(room: string, typing: boolean): void {
    this.requests.push(`typing ${room} ${typing}`);
  }

  history(
    room: string,
    query: {
      readonly limit?: number;
      readonly after?: number;
      readonly before?: number;
      readonly query?: string;
    } = {},
  ): Promise<History> {
    const { limit, after, before, query: words } = query;
    const more = [
      after === undefined ? "" : ` after ${after}`,
      before === undefined ? "" : ` before ${before}`,
      words === undefined ? "" : ` ${words}`,
    ];
    this.requests.push(`history ${room} ${limit}${more.join("")}`);
    const messages = this.pages.shift() ?? [chatMessage("Bob", "earlier")];
    return Promise.resolve({ type: "history", room, messages, more: this.pages.length > 0 });
  }

  who(room: string): Promise<Who> {
    this.requests.push(`who ${room}`);
    return Promise.resolve({ type: "who", room, online: 2, members: ["Alice", "Bob"] });
  }

  ping(): Promise<Pong> {
    return Promise.resolve({ type: "pong" });
  }

  wake(): void {}

  flush(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    const idle = Promise.withResolvers<void>();
    this.#idle.push(idle);
    return idle.promise;
  }

  close(): Promise<void> {
    this.state = "closed";
    const error = new ConnectError("closed", "closed");
    for (const { reject } of this.#idle.splice(0)) reject(error);
    for (const sent of [...this.#open]) sent.fail(error);
    this.#events.end();
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The timestamp of every fake message. */
export const TIMESTAMP = "2026-01-31T10:30:40.000Z";

/** A message in the log of the lobby. */
export function chatMessage(sender: string, message: string, more: Partial<Message> = {}): Message {
  return {
    type: "message",
    room: "lobby",
    id: 1,
    sender,
    timestamp: TIMESTAMP,
    message,
    ...more,
  } as Message;
}

/** The first events of a connection that joins the lobby. */
export function connectedEvents(
  sender = "Alice",
  members: readonly string[] = ["Alice"],
): ClientEvent[] {
  const room = {
    room: "lobby",
    epoch: "e",
    last: 0,
    recovered: false,
    online: members.length,
    members,
    history: [],
  };
  return [
    { type: "connecting", attempt: 1 },
    {
      type: "online",
      reconnected: false,
      missed: 0,
      welcome: {
        type: "welcome",
        sender,
        session: "s",
        server: { name: "bcast", version: "0" },
        limits: DEFAULT_LIMITS,
        rooms: [room],
      },
    },
    { type: "joined", rejoined: false, ...room },
  ];
}

import { EventQueue } from "../../client/event_queue.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  type HistoryPage,
  type Online,
  type OutgoingMessage,
  RequestError,
  type RoomJoined,
} from "../../client/types.ts";
import {
  type Ack,
  type Content,
  DEFAULT_LIMITS,
  type Direct,
  type ErrorCode,
  type ErrorFrame,
  type Members,
  type Message,
  type Pong,
  type RoomPosition,
  type Welcome,
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
        settle(() =>
          resolve({ type: "ack", ref: id, room: "lobby", id, epoch: "e", timestamp: TIMESTAMP })
        ),
      reject: (code, reason) =>
        settle(() => reject(new RequestError(errorFrame(code, reason, { re: "message" })))),
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
        new RequestError(errorFrame("no_such_user", reason, { re: "direct" })),
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

  nick(name: string): void {
    this.requests.push(`nick ${name}`);
  }

  typing(room: string, active: boolean): void {
    this.requests.push(`typing ${room} ${active}`);
  }

  history(
    room: string,
    query: {
      readonly limit?: number;
      readonly after?: number;
      readonly before?: number;
      readonly query?: string;
    } = {},
  ): Promise<HistoryPage> {
    const { limit, after, before, query: words } = query;
    const more = [
      after === undefined ? "" : ` after ${after}`,
      before === undefined ? "" : ` before ${before}`,
      words === undefined ? "" : ` ${words}`,
    ];
    this.requests.push(`history ${room} ${limit}${more.join("")}`);
    const messages = this.pages.shift() ?? [chatMessage("Bob", "earlier")];
    return Promise.resolve(historyPage(room, messages, this.pages.length > 0));
  }

  members(room: string): Promise<Members> {
    this.requests.push(`members ${room}`);
    return Promise.resolve({ type: "members", room, online: 2, members: ["Alice", "Bob"] });
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

/** An error of the hub. */
export function errorFrame(
  code: ErrorCode,
  message: string,
  more: Partial<ErrorFrame> = {},
): ErrorFrame {
  return { type: "error", code, message, final: true, ...more };
}

/** A page of history whose messages are all that it has. */
export function historyPage(
  room: string,
  messages: readonly Message[],
  more = false,
): HistoryPage {
  const [oldest, newest] = [messages[0]?.id, messages.at(-1)?.id];
  return {
    type: "history",
    room,
    epoch: "e",
    messages,
    more,
    ...oldest === undefined || newest === undefined ? {} : { oldest, newest },
  };
}

/** The event that a room without messages was joined. */
export function roomJoined(room: string, more: Partial<RoomJoined> = {}): RoomJoined {
  return {
    type: "joined",
    room,
    epoch: "e",
    first: 1,
    last: more.messages?.at(-1)?.id ?? 0,
    recovered: false,
    online: more.members?.length ?? 1,
    messages: [],
    more: false,
    rejoined: false,
    missed: 0,
    ...more,
  };
}

/** The event that a connection is online. */
export function onlineEvent(sender: string, rooms: readonly string[]): Online {
  return {
    type: "online",
    reconnected: false,
    welcome: {
      type: "welcome",
      protocol: 1,
      sender,
      session: "s",
      resumed: false,
      time: TIMESTAMP,
      server: { name: "bcast", version: "0" },
      features: {},
      limits: DEFAULT_LIMITS,
      rooms,
    },
  };
}

/** The first events of a connection that joins the lobby. */
export function connectedEvents(
  sender = "Alice",
  members: readonly string[] = ["Alice"],
): ClientEvent[] {
  return [
    { type: "connecting", attempt: 1 },
    onlineEvent(sender, ["lobby"]),
    roomJoined("lobby", { members }),
    { type: "live", room: "lobby", id: 0 },
  ];
}

import {
  type Ack,
  type Content,
  type Direct,
  type ErrorFrame,
  fitsBytes,
  type History,
  isRoomName,
  type Limits,
  type Members,
  type Message,
  type Pong,
  type RoomPosition,
  type SenderAnnotations,
  visible,
} from "../protocol.ts";
import { ConnectionState } from "./connection_state.ts";
import type { Environment } from "./environment.ts";
import { MessageRequest } from "./message_request.ts";
import { ReconnectLoop } from "./reconnect_loop.ts";
import {
  type ClientRequest,
  directRequest,
  joinRequest,
  leaveRequest,
  messageFields,
  nickRequest,
  queryRequest,
  typingRequest,
} from "./request.ts";
import { tooLargeError } from "./send_loop.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  type ConnectOptions,
  type HistoryPage,
  type OutgoingMessage,
} from "./types.ts";
import { shownUrl } from "./url.ts";

/** Random bytes in the prefix of `key`s, which tells the clients of a session or account apart. */
const KEY_RANDOM_BYTES = 9;

/** The connection that `connect()` opens. */
export class HubConnection implements ClientConnection {
  readonly #state: ConnectionState;
  readonly #loop: ReconnectLoop;
  readonly #keyPrefix = randomPrefix();
  #keys = 0;

  constructor(private readonly url: URL, options: ConnectOptions, environment: Environment) {
    for (const position of options.rooms ?? []) {
      const problem = positionProblem(position);
      if (problem !== undefined) throw new TypeError(problem);
    }
    this.#state = new ConnectionState(options);
    this.#loop = new ReconnectLoop(url, options, this.#state, environment);
    const { signal } = options;
    if (signal?.aborted === true) {
      void this.close();
      return;
    }
    signal?.addEventListener("abort", () => void this.close(), { signal: this.#loop.over });
    this.#loop.dial();
  }

  get state(): ClientConnection["state"] {
    return this.#loop.status;
  }

  get sender(): string | undefined {
    return this.#state.sender;
  }

  get session(): string | undefined {
    return this.#state.session;
  }

  get limits(): Limits | undefined {
    return this.#state.limits;
  }

  get positions(): readonly RoomPosition[] {
    return this.#state.rooms.positions;
  }

  get pending(): number {
    return this.#state.outbox.messages;
  }

  send(message: OutgoingMessage): Promise<Ack> {
    const closed = this.#closedError();
    if (closed !== undefined) return Promise.reject(closed);
    let request: MessageRequest;
    try {
      request = new MessageRequest(
        this.#state.nextRef(),
        message.key ?? this.#key(),
        message,
        () => this.#state.rooms.first,
      );
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#add(request, request.acked);
  }

  direct(to: string, content: Content & SenderAnnotations): Promise<Direct> {
    const fields = { ref: this.#state.nextRef(), key: this.#key(), ...messageFields(content) };
    const frame = { type: "direct", to, ...fields };
    return this.#ask(() => directRequest(frame, this.state !== "online"));
  }

  async history(
    room: string,
    query: Parameters<ClientConnection["history"]>[1] = {},
  ): Promise<HistoryPage> {
    const frame = { type: "history", room, ...query, ref: this.#state.nextRef() };
    return historyPage(await this.#ask(() => queryRequest("read", frame, "history")));
  }

  members(room: string): Promise<Members> {
    const frame = { type: "members", room, ref: this.#state.nextRef() };
    return this.#ask(() => queryRequest("read", frame, "members"));
  }

  ping(): Promise<Pong> {
    const frame = { type: "ping", ref: this.#state.nextRef() };
    return this.#ask(() => queryRequest("read", frame, "pong"));
  }

  join(position: RoomPosition): void {
    if (this.#closedError() !== undefined) return;
    const { room } = position;
    if (!isRoomName(room)) {
      const message = "Invalid room name: use at most 64 of a-z 0-9 . _ -";
      this.#emitError({ re: "join", code: "bad_room", message });
      return;
    }
    const problem = positionProblem(position);
    if (problem !== undefined) {
      this.#emitError({ re: "join", code: "bad_frame", message: problem, room });
      return;
    }
    const { outbox, rooms } = this.#state;
    const leave = outbox.find("leave", room);
    const isLeaving = leave !== undefined && outbox.isSent(leave);
    // Not sent yet.
    if (!isLeaving) outbox.remove(leave);
    rooms.subscribe(position);
    // A room that is not left resumes from its own position.
    const from = isLeaving ? position : rooms.position(room) ?? position;
    outbox.add(joinRequest(this.#state.nextRef(), from));
    this.#loop.sendLoop.schedule();
  }

  leave(room: string): void {
    if (this.#closedError() !== undefined) return;
    const { outbox, rooms, events } = this.#state;
    if (!rooms.has(room)) {
      const message = `You are not in #${visible(room)}`;
      this.#emitError({ re: "leave", code: "not_in_room", message, room });
      return;
    }
    if (this.state !== "online" && this.#state.everOnline && !outbox.hasMessagesTo(room)) {
      // The next `hello` will not name it.
      outbox.remove(outbox.find("join", room));
      rooms.unsubscribe(room);
      events.push({ type: "left", room });
      return;
    }
    outbox.add(leaveRequest(this.#state.nextRef(), room));
    this.#loop.sendLoop.schedule();
  }

  nick(name: string): void {
    if (this.#closedError() !== undefined) return;
    const request = nickRequest(this.#state.nextRef(), name, (accepted) => {
      this.#state.sender = accepted;
    });
    this.#state.outbox.add(request);
    this.#loop.sendLoop.schedule();
  }

  typing(room: string, active: boolean): void {
    if (this.state !== "online") return;
    this.#state.outbox.add(typingRequest(this.#state.nextRef(), room, active));
    this.#loop.sendLoop.schedule();
  }

  wake(): void {
    this.#loop.wake();
  }

  async flush(): Promise<void> {
    const closed = this.#closedError();
    if (closed !== undefined) throw closed;
    const messages = [...this.#state.outbox.open].filter((request) =>
      request instanceof MessageRequest
    );
    for (const outcome of await Promise.allSettled(messages.map(({ acked }) => acked))) {
      // A refusal settles a message; the end of the connection does not.
      if (outcome.status === "rejected" && outcome.reason instanceof ConnectError) {
        throw outcome.reason;
      }
    }
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent, undefined> {
    return this.#state.events[Symbol.asyncIterator]();
  }

  /** The error for a call after the connection was closed. */
  #closedError(): ConnectError | undefined {
    const { ended } = this.#loop;
    if (ended === undefined) return undefined;
    return new ConnectError("closed", `The connection to ${shownUrl(this.url)} is closed`, {
      cause: ended,
      code: ended.code,
    });
  }

  #ask<T>(
    make: () => { readonly request: ClientRequest; readonly response: Promise<T> },
  ): Promise<T> {
    const closed = this.#closedError();
    if (closed !== undefined) return Promise.reject(closed);
    try {
      const { request, response } = make();
      return this.#add(request, response);
    } catch (error) {
      // `data` is not valid JSON.
      return Promise.reject(error);
    }
  }

  #add<T>(request: ClientRequest, response: Promise<T>): Promise<T> {
    const { limits, outbox } = this.#state;
    if (limits !== undefined && !fitsBytes(request.text(), limits.maxMessageBytes)) {
      request.fail(tooLargeError(request, limits));
      return response;
    }
    outbox.add(request);
    this.#loop.sendLoop.schedule();
    return response;
  }

  /** Emits an error that needs no answer of the hub. */
  #emitError(error: Omit<ErrorFrame, "type" | "final">): void {
    this.#state.events.push({ type: "error", ...error, final: true });
  }

  /** A `key` that no other message of the account or session has. */
  #key(): string {
    return `${this.#keyPrefix}-${(++this.#keys).toString(36)}`;
  }
}

/** What is wrong with a position, and what to do. */
function positionProblem({ room, epoch, after = 0 }: RoomPosition): string | undefined {
  if (after <= 0 || epoch !== undefined) return undefined;
  return `The position of #${
    visible(room)
  } has no epoch: give the "epoch" that "after" belongs to, ` +
    "or start at 0";
}

function historyPage({ messages, ...page }: History): HistoryPage {
  const oldest = messages[0]?.id;
  const newest = messages.at(-1)?.id;
  return {
    ...page,
    messages: messages.filter((entry): entry is Message => entry.type === "message"),
    ...(oldest === undefined ? {} : { oldest }),
    ...(newest === undefined ? {} : { newest }),
  };
}

function randomPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_RANDOM_BYTES));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

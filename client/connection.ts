import {
  type Ack,
  type Content,
  type Direct,
  type ErrorCode,
  fitsBytes,
  type History,
  isRoomName,
  type Limits,
  normalizeName,
  type Pong,
  type RoomPosition,
  type SenderAnnotations,
  type Who,
} from "../protocol.ts";
import { ConnectionState } from "./connection_state.ts";
import type { Environment } from "./environment.ts";
import { MessageRequest } from "./message_request.ts";
import { ReconnectLoop } from "./reconnect_loop.ts";
import {
  type ClientRequest,
  commandRequest,
  directRequest,
  joinKey,
  leaveKey,
  nickRequest,
  queryRequest,
} from "./request.ts";
import { tooLargeError } from "./send_loop.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  type ConnectOptions,
  type OutgoingMessage,
} from "./types.ts";
import { shownUrl } from "./url.ts";

/** Random bytes in the prefix of `ref`s, which keeps connections of one session apart. */
const REF_RANDOM_BYTES = 6;

/** The connection that `connect()` opens. */
export class HubConnection implements ClientConnection {
  readonly #state: ConnectionState;
  readonly #loop: ReconnectLoop;
  readonly #refPrefix = randomPrefix();
  #refs = 0;

  constructor(private readonly url: URL, options: ConnectOptions, environment: Environment) {
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
        message.ref ?? this.#ref(),
        message,
        () => this.#state.rooms.first,
      );
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#add(request, request.acked);
  }

  direct(
    to: string,
    { message, data, format, via }: Content & SenderAnnotations,
  ): Promise<Direct> {
    const frame = { type: "direct", to, message, data, format, via, ref: this.#ref() };
    return this.#ask(() => directRequest(frame, this.state !== "online"));
  }

  history(
    room: string,
    query: Parameters<ClientConnection["history"]>[1] = {},
  ): Promise<History> {
    const frame = { type: "history", room, ...query, ref: this.#ref() };
    return this.#ask(() => queryRequest("read", frame, "history"));
  }

  who(room: string): Promise<Who> {
    const frame = { type: "who", room, ref: this.#ref() };
    return this.#ask(() => queryRequest("read", frame, "who"));
  }

  ping(): Promise<Pong> {
    const frame = { type: "ping", ref: this.#ref() };
    return this.#ask(() => queryRequest("read", frame, "pong"));
  }

  join(position: RoomPosition): void {
    if (this.#closedError() !== undefined) return;
    const { room } = position;
    if (!isRoomName(room)) {
      this.#emitError("bad_room", "Invalid room name: use at most 64 of a-z 0-9 . _ -");
      return;
    }
    const { outbox, rooms } = this.#state;
    const leave = outbox.get(leaveKey(room));
    const isLeaving = leave !== undefined && outbox.isSent(leave);
    // Not sent yet.
    if (leave !== undefined) outbox.remove(leave.key);
    rooms.subscribe(position);
    // A room that is not left resumes from its own position.
    const from = isLeaving ? position : rooms.position(room) ?? position;
    outbox.add(commandRequest("join", joinKey(room), { type: "join", ...from }));
    this.#loop.sendLoop.schedule();
  }

  leave(room: string): void {
    if (this.#closedError() !== undefined) return;
    const { outbox, rooms, events } = this.#state;
    if (!rooms.has(room)) {
      this.#emitError("not_in_room", `You are not in #${room}`);
      return;
    }
    const hasMessages = outbox.messagesTo(room, "open") > 0;
    if (this.state !== "online" && this.#state.everOnline && !hasMessages) {
      // The next `hello` will not name it.
      outbox.remove(joinKey(room));
      rooms.unsubscribe(room);
      events.push({ type: "left", room });
      return;
    }
    outbox.add(commandRequest("leave", leaveKey(room), { type: "leave", room }));
    this.#loop.sendLoop.schedule();
  }

  nick(sender: string): void {
    if (this.#closedError() !== undefined) return;
    const request = nickRequest(this.#ref(), sender, () => {
      this.#state.sender = normalizeName(sender) ?? sender;
    });
    this.#state.outbox.add(request);
    this.#loop.sendLoop.schedule();
  }

  typing(room: string, typing: boolean): void {
    if (this.state !== "online") return;
    const request = commandRequest("typing", `typing ${room}`, { type: "typing", room, typing });
    this.#state.outbox.add(request);
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
  #emitError(code: ErrorCode, message: string): void {
    this.#state.events.push({ type: "error", code, message });
  }

  /** A `ref` that is unique in the session. */
  #ref(): string {
    return `${this.#refPrefix}-${(++this.#refs).toString(36)}`;
  }
}

function randomPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(REF_RANDOM_BYTES));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

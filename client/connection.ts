import {
  type Ack,
  type Content,
  type Direct,
  type ErrorCode,
  type ErrorFrame,
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
import {
  type ClientRequest,
  commandRequest,
  directRequest,
  nickRequest,
  queryRequest,
} from "./request.ts";
import { joinKey, leaveKey } from "./frame_handler.ts";
import { overError, ReconnectLoop } from "./reconnect_loop.ts";
import { ConnectionState } from "./connection_state.ts";
import { MessageRequest } from "./message_request.ts";
import { tooLarge } from "./send_loop.ts";
import type { Environment } from "./environment.ts";
import {
  type ClientConnection,
  type ClientEvent,
  ConnectError,
  type ConnectOptions,
  type OutgoingMessage,
} from "./types.ts";

/** Bytes of randomness in the part of a `ref` that tells conversations of one session apart. */
const REF_RANDOM_BYTES = 6;

/** The conversation that {@linkcode connect} starts. */
export class HubConnection implements ClientConnection {
  readonly #memory: ConnectionState;
  readonly #lifecycle: ReconnectLoop;
  readonly #refPrefix = randomPrefix();
  #refs = 0;

  constructor(private readonly url: URL, options: ConnectOptions, seams: Environment) {
    this.#memory = new ConnectionState(options);
    this.#lifecycle = new ReconnectLoop(url, options, this.#memory, seams);
    const { signal } = options;
    if (signal?.aborted === true) {
      void this.close();
      return;
    }
    signal?.addEventListener("abort", () => void this.close(), { signal: this.#lifecycle.over });
    this.#lifecycle.dial();
  }

  get state(): ClientConnection["state"] {
    return this.#lifecycle.state;
  }

  get sender(): string | undefined {
    return this.#memory.sender;
  }

  get session(): string | undefined {
    return this.#memory.session;
  }

  get limits(): Limits | undefined {
    return this.#memory.limits;
  }

  get positions(): readonly RoomPosition[] {
    return this.#memory.rooms.positions;
  }

  get pending(): number {
    return this.#memory.outbox.messages;
  }

  send(message: OutgoingMessage): Promise<Ack> {
    const over = this.#over();
    if (over !== undefined) return Promise.reject(over);
    let entry: MessageRequest;
    try {
      entry = new MessageRequest(
        message.ref ?? this.#ref(),
        message,
        () => this.#memory.rooms.first,
      );
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#request(entry, entry.acked);
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
    if (this.#over() !== undefined) return;
    const { room } = position;
    if (!isRoomName(room)) {
      this.#refuse("bad_room", `There is no room of that name: use a-z 0-9 . _ - (at most 64)`);
      return;
    }
    const { outbox, rooms } = this.#memory;
    const leave = outbox.get(leaveKey(room));
    const onTheWay = leave !== undefined && outbox.isSent(leave);
    // Not yet said: taken back.
    if (leave !== undefined) outbox.remove(leave.key);
    rooms.want(position);
    // Where reading goes on, it goes on from where it stopped.
    const from = onTheWay ? position : rooms.position(room) ?? position;
    outbox.add(commandRequest("join", joinKey(room), { type: "join", ...from }));
    this.#lifecycle.pump.schedule();
  }

  leave(room: string): void {
    if (this.#over() !== undefined) return;
    const { outbox, rooms, events } = this.#memory;
    if (!rooms.has(room)) {
      this.#refuse("not_in_room", `You are not in #${room}`);
      return;
    }
    const waiting = outbox.messagesTo(room, "open") > 0;
    if (this.state !== "online" && this.#lifecycle.everOnline && !waiting) {
      // The next hello just does not name it.
      outbox.remove(joinKey(room));
      rooms.forget(room);
      events.push({ type: "left", room });
      return;
    }
    outbox.add(commandRequest("leave", leaveKey(room), { type: "leave", room }));
    this.#lifecycle.pump.schedule();
  }

  nick(sender: string): void {
    if (this.#over() !== undefined) return;
    const entry = nickRequest(this.#ref(), sender, () => {
      this.#memory.sender = normalizeName(sender) ?? sender;
    });
    this.#memory.outbox.add(entry);
    this.#lifecycle.pump.schedule();
  }

  typing(room: string, typing: boolean): void {
    if (this.state !== "online") return;
    const entry = commandRequest("typing", `typing ${room}`, { type: "typing", room, typing });
    this.#memory.outbox.add(entry);
    this.#lifecycle.pump.schedule();
  }

  wake(): void {
    this.#lifecycle.wake();
  }

  async flush(): Promise<void> {
    const over = this.#over();
    if (over !== undefined) throw over;
    const messages = [...this.#memory.outbox.open].filter((entry) =>
      entry instanceof MessageRequest
    );
    for (const outcome of await Promise.allSettled(messages.map(({ acked }) => acked))) {
      // What the hub refused is settled; what the conversation's end cut off is not.
      if (outcome.status === "rejected" && outcome.reason instanceof ConnectError) {
        throw outcome.reason;
      }
    }
  }

  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent, undefined> {
    return this.#memory.events[Symbol.asyncIterator]();
  }

  #over(): ConnectError | undefined {
    const { ended } = this.#lifecycle;
    return ended === undefined ? undefined : overError(this.url, ended);
  }

  #ask<T>(
    make: () => { readonly entry: ClientRequest; readonly answered: Promise<T> },
  ): Promise<T> {
    const over = this.#over();
    if (over !== undefined) return Promise.reject(over);
    try {
      const { entry, answered } = make();
      return this.#request(entry, answered);
    } catch (error) {
      // Data that cannot be written as JSON.
      return Promise.reject(error);
    }
  }

  #request<T>(entry: ClientRequest, answered: Promise<T>): Promise<T> {
    const { limits, outbox } = this.#memory;
    if (limits !== undefined && !fitsBytes(entry.text(), limits.maxMessageBytes)) {
      entry.fail(tooLarge(entry, limits));
      return answered;
    }
    outbox.add(entry);
    this.#lifecycle.pump.schedule();
    return answered;
  }

  /** An error that needs no hub to tell it. */
  #refuse(code: ErrorCode, message: string): void {
    const frame: ErrorFrame = { type: "error", code, message };
    this.#memory.events.push(frame);
  }

  /** Unique in the session, in the order of sending. */
  #ref(): string {
    return `${this.#refPrefix}-${(++this.#refs).toString(36)}`;
  }
}

function randomPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(REF_RANDOM_BYTES));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

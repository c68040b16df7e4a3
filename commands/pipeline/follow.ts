import type { ClientConnection, ClientEvent, HistoryPage, RoomJoined } from "../../client.ts";
import type { Message } from "../../protocol.ts";

/** The messages that the hub stores for a room. */
export interface RoomHistory {
  /** Pages of stored messages with ids above `after`, oldest first, until they reach `before`. */
  between(room: string, after: number, before: number): AsyncIterable<HistoryPage>;
  /** The id of the last message before `time` (milliseconds since the Unix epoch), 0 if none. */
  idBefore(room: string, time: number): Promise<number>;
}

/** The last message that was read in a room. */
export interface FollowPosition {
  /** The epoch of the room's ids; unknown if the user gave only an id. */
  readonly epoch?: string;
  readonly id: number;
}

/** A message, with the epoch its id belongs to. */
export interface ReceivedMessage {
  readonly message: Message;
  readonly epoch: string;
}

/** Progress in a room: a new message, or a new position without one. */
export interface FollowEvent {
  readonly room: string;
  readonly epoch: string;
  readonly id: number;
  readonly message?: Message;
}

export interface FollowOptions {
  readonly connection: ClientConnection;
  readonly history: RoomHistory;
  /** The position to resume from in a room, asked once joined; `undefined`: only new messages. */
  readonly start: (room: string) => Promise<FollowPosition | undefined>;
  /** Called with a sentence about missing messages, before the messages after them; may throw. */
  readonly onGap: (sentence: string) => void;
  readonly onEvent: (event: ClientEvent) => void;
}

/**
 * Yields every message of the joined rooms once and in order, from where reading stopped before.
 * Reads from history what the hub does not replay, and reports what it no longer stores as a gap.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<FollowEvent> {
  const { connection, onEvent } = options;
  const readers = new Map<string, RoomReader>();
  for await (const event of connection) {
    onEvent(event);
    if (event.type === "joined") {
      const from = readers.get(event.room) ?? await options.start(event.room);
      const reader = new RoomReader(event, from, options);
      readers.set(event.room, reader);
      yield* reader.catchUp(event);
    } else if (event.type === "message") {
      yield* readers.get(event.room)?.read(event) ?? [];
    } else if (event.type === "live") {
      yield* readers.get(event.room)?.skipTo(event.id) ?? [];
    }
  }
}

/** The reading position in one room, since it was last joined. */
class RoomReader implements FollowPosition {
  readonly epoch: string;
  id: number;
  readonly #room: string;
  /** Reading starts with the oldest stored message, whichever that is: nothing before it is a gap. */
  #fromStart: boolean;
  readonly #options: FollowOptions;

  constructor(
    { room, epoch, last }: RoomJoined,
    from: FollowPosition | undefined,
    options: FollowOptions,
  ) {
    this.#room = room;
    this.#options = options;
    this.epoch = epoch;
    this.id = from?.id ?? last;
    this.#fromStart = from?.epoch === undefined && this.id === 0;
    if (from?.epoch !== undefined && from.epoch !== epoch) {
      options.onGap(
        `The history of ${room} started over since message ${from.id}, the last one read: ` +
          "this may be another hub, or other data",
      );
      this.id = 0;
    } else if (this.id > last) {
      options.onGap(
        from?.epoch === undefined
          ? `--after ${this.id} is beyond the newest message of ${room} (${last})`
          : `The history of ${room} ends at message ${last}, but message ${this.id} was already read`,
      );
      this.id = last;
    }
  }

  /** Reads the stored messages up to those that follow as events. */
  async *catchUp({ recovered, messages: [first], last }: RoomJoined): AsyncGenerator<FollowEvent> {
    yield this.#position();
    // Then the events continue at this position, or before it.
    if (recovered) return;
    const end = first === undefined ? last : first.prev ?? first.id - 1;
    if (this.id >= end) return;
    for await (const page of this.#options.history.between(this.#room, this.id, end + 1)) {
      // The log started over meanwhile: the client reconnects.
      if (page.epoch !== this.epoch) return;
      yield* this.#readPage(page, end);
    }
    if (this.id >= end) return;
    this.#reportMissing(this.id + 1, end);
    yield* this.skipTo(end);
  }

  /** Yields the messages of a page up to the id `end`. */
  *#readPage({ messages, oldest, newest }: HistoryPage, end: number): Generator<FollowEvent> {
    if (oldest === undefined || newest === undefined) return;
    const [first] = messages;
    const previous = first?.id === oldest ? first.prev ?? oldest - 1 : oldest - 1;
    if (previous > this.id) this.#reportMissing(this.id + 1, Math.min(previous, end));
    for (const message of messages) if (message.id <= end) yield* this.read(message);
    yield* this.skipTo(Math.min(newest, end));
  }

  /**
   * Yields a message, unless it was read before. A greater step than 1 is no gap: entries between
   * cannot be shown. The client reconnects after a gap.
   */
  *read(message: Message): Generator<FollowEvent> {
    if (message.id <= this.id) return;
    this.id = message.id;
    this.#fromStart = false;
    yield { ...this.#position(), message };
  }

  /** All entries up to `id` were read, also those that cannot be shown. */
  *skipTo(id: number): Generator<FollowEvent> {
    if (id <= this.id) return;
    this.id = id;
    this.#fromStart = false;
    yield this.#position();
  }

  #position(): FollowEvent {
    return { room: this.#room, epoch: this.epoch, id: this.id };
  }

  #reportMissing(from: number, to: number): void {
    if (this.#fromStart) return;
    const ids = from === to ? `Message ${from}` : `Messages ${from} to ${to}`;
    const verb = from === to ? "is" : "are";
    this.#options.onGap(`${ids} of ${this.#room} ${verb} missing: no longer stored on the hub`);
  }
}

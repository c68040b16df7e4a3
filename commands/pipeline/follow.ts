import type { ClientConnection, ClientEvent, RoomJoined } from "../../client.ts";
import type { Message } from "../../protocol.ts";
import type { RoomHistory } from "./history_reader.ts";

/** Where somebody stopped reading a room. */
export interface FollowPosition {
  /** The life of the room's numbering; unknown where a person named the id. */
  readonly epoch?: string;
  /** The last id read. */
  readonly id: number;
}

/** One step through a room: a message, or a place from which to go on. */
export interface FollowEvent {
  readonly room: string;
  readonly epoch: string;
  readonly id: number;
  /** Absent where a place was reached without a message. */
  readonly message?: Message;
}

/** Messages that nobody will see here any more. */
export interface Gap {
  readonly room: string;
  /** One sentence that says what is missing, and why. */
  readonly sentence: string;
}

/** What following takes. */
export interface FollowOptions {
  readonly conversation: ClientConnection;
  readonly past: RoomHistory;
  /** Where to begin in a room, once it is entered; `undefined` for with what comes from now on. */
  readonly start: (room: string) => Promise<FollowPosition | undefined>;
  /** Told of a gap before anything that comes after it; what it throws ends the following. */
  readonly onGap: (gap: Gap) => void;
  /** Told of everything that happens. */
  readonly onEvent: (event: ClientEvent) => void;
}

/**
 * Everything said in the rooms of a conversation, each message once and in order, from where reading
 * stopped before. What the hub does not replay by itself is read from the past; what it no longer
 * keeps is told as a gap.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<FollowEvent> {
  const { conversation, onEvent } = options;
  const places = new Map<string, FollowState>();
  for await (const event of conversation) {
    onEvent(event);
    if (event.type === "joined") {
      const place = places.get(event.room);
      const from = place ?? await options.start(event.room);
      const entered = new FollowState(event, from, options);
      places.set(event.room, entered);
      yield* entered.enter(event);
    } else if (event.type === "message") {
      yield* places.get(event.room)?.pass(event) ?? [];
    }
  }
}

/** Where in a room the reader is. */
class FollowState implements FollowPosition {
  readonly epoch: string;
  id: number;
  readonly #room: string;
  /** Whether all there is was asked for, however much that is. */
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
      this.#gap(
        `The history of ${room} began anew since message ${from.id}, the last one read: ` +
          "it may be another hub, or other data",
      );
      this.id = 0;
    } else if (this.id > last) {
      this.#gap(
        `The history of ${room} ends at message ${last}, before message ${this.id}, after which ` +
          "reading was to go on",
      );
      this.id = last;
    }
  }

  /** What is to be read before the messages that follow by themselves. */
  async *enter({ history, last }: RoomJoined): AsyncGenerator<FollowEvent> {
    const { past } = this.#options;
    yield this.#step();
    const next = history[0]?.id ?? last + 1;
    if (this.id + 1 >= next) return;
    for await (const message of past.between(this.#room, this.id, next)) yield* this.pass(message);
    if (this.id + 1 >= next) return;
    this.#missing(this.id + 1, next - 1);
    this.id = next - 1;
    yield this.#step();
  }

  /** The step of a message, unless it was read before. */
  *pass(message: Message): Generator<FollowEvent> {
    const { id } = message;
    if (id <= this.id) return;
    if (id > this.id + 1) this.#missing(this.id + 1, id - 1);
    this.id = id;
    this.#fromStart = false;
    yield { ...this.#step(), message };
  }

  #step(): FollowEvent {
    return { room: this.#room, epoch: this.epoch, id: this.id };
  }

  #missing(from: number, to: number): void {
    if (this.#fromStart) return;
    const which = from === to ? `Message ${from}` : `Messages ${from} to ${to}`;
    const verb = from === to ? "is" : "are";
    this.#gap(`${which} of ${this.#room} ${verb} missing: the hub no longer keeps them`);
  }

  #gap(sentence: string): void {
    this.#options.onGap({ room: this.#room, sentence });
  }
}

import type { Broker, Range } from "../broker/broker.ts";
import type { Clock } from "../lib/clock.ts";
import { CLOSE, type RoomPosition } from "../protocol.ts";
import type { Connection } from "./connection.ts";
import { type EncodedMessage, encodeMessage } from "./encoders/encoder.ts";
import type { Room } from "./room.ts";

/** UTF-16 units of JSON in one page of replayed history: well under any outbox. */
const PAGE_LENGTH = 256 * 1024;

/** Messages read from the log at once while replaying. */
const PAGE_MESSAGES = 500;

/** Milliseconds between two looks at the output of a client that reads slowly. */
const DRAIN_POLL = 20;

/** The history that a joining client gets first. */
export interface ReplayStart {
  readonly messages: readonly EncodedMessage[];
  /** The newest id of the room. */
  readonly last: number;
  /** Whether `messages` continues the client's position without a gap. */
  readonly recovered: boolean;
  /** The JSON array of `messages`, if it was cached. */
  readonly json?: string | undefined;
}

/** Sends history to clients that join or resume, from memory where possible. */
export class Replay {
  constructor(
    private readonly broker: Pick<Broker, "read">,
    private readonly clock: Clock,
    /** Messages sent to clients that ask for no number. */
    private readonly defaultCount: number,
  ) {}

  /** Reads the first page for a client at `position`. */
  async start(room: Room, position: RoomPosition): Promise<ReplayStart> {
    return await this.#resumeFrom(room, position) ?? await this.#newest(room, position);
  }

  /** Sends the messages after `cursor`, then lets `connection` take part in the live fan-out. */
  continue(room: Room, connection: Connection, cursor: number): void {
    room.replayCursors.set(connection, cursor);
    if (this.#finish(room, connection)) return;
    this.#readAll(room, connection).catch((error) => connection.fail(error));
  }

  /** The messages after the client's position; `undefined` if it has none, or cannot resume there. */
  async #resumeFrom(room: Room, { after, epoch }: RoomPosition): Promise<ReplayStart | undefined> {
    if (after === undefined || (epoch !== undefined && epoch !== room.epoch)) return undefined;
    const { last } = room;
    if (after > last) return undefined;
    const cached = this.#cached(room, after);
    if (cached !== undefined) {
      const messages = page(cached, "oldest");
      const json = messages.length === cached.length ? room.recent.json(cached) : undefined;
      return { messages, last, recovered: true, json };
    }
    const messages = await this.#read(room.name, { after, limit: PAGE_MESSAGES });
    if (messages[0]?.message.id !== after + 1) return undefined;
    return { messages, last, recovered: true };
  }

  /** The newest messages, for new clients and those that cannot resume. */
  async #newest(room: Room, { history = this.defaultCount }: RoomPosition): Promise<ReplayStart> {
    const { last } = room;
    if (history === 0 || last === 0) return { messages: [], last, recovered: false };
    const cached = this.#cached(room, Math.max(0, last - history));
    if (cached !== undefined) {
      const messages = page(cached, "newest");
      return { messages, last, recovered: false, json: room.recent.json(messages) };
    }
    const range = { before: last + 1, limit: history };
    return { messages: await this.#read(room.name, range, "newest"), last, recovered: false };
  }

  /** The messages after `after`; `undefined` if memory does not reach back that far. */
  #cached(room: Room, after: number): readonly EncodedMessage[] | undefined {
    room.recent.expire(this.clock.now());
    return room.recent.since(after, room.last);
  }

  async #read(
    room: string,
    range: Range,
    keep: "oldest" | "newest" = "oldest",
  ): Promise<readonly EncodedMessage[]> {
    return page((await this.broker.read(room, range)).map(encodeMessage), keep);
  }

  /** Sends the rest from memory and goes live; false if memory does not reach back that far. */
  #finish(room: Room, connection: Connection): boolean {
    const cursor = room.replayCursors.get(connection);
    if (cursor === undefined) return true;
    const rest = this.#cached(room, cursor);
    if (rest === undefined || page(rest, "oldest").length < rest.length) return false;
    room.goLive(connection, room.last);
    connection.enqueue(connection.encoder.messages(rest, room.epoch));
    return true;
  }

  /** Sends the log page by page, no faster than the client reads, until memory has the rest. */
  async #readAll(room: Room, connection: Connection): Promise<void> {
    while (!this.#finish(room, connection)) {
      const cursor = room.replayCursors.get(connection);
      if (cursor === undefined || !connection.open) return;
      const messages = await this.#read(room.name, { after: cursor, limit: PAGE_MESSAGES });
      // The client may have left or disconnected meanwhile.
      if (room.replayCursors.get(connection) !== cursor || !connection.open) return;
      if (messages[0]?.message.id !== cursor + 1) {
        connection.close(CLOSE.fellBehind, "The history you were reading was trimmed: reconnect");
        return;
      }
      room.replayCursors.set(connection, messages.at(-1)?.message.id ?? cursor);
      connection.enqueue(connection.encoder.messages(messages, room.epoch));
      connection.flush();
      await this.#drained(connection);
    }
  }

  #drained(connection: Connection): Promise<void> {
    return new Promise((resolve) => {
      const poll = (): void => {
        if (!connection.open || connection.transport.bufferedAmount < PAGE_LENGTH) resolve();
        else this.clock.after(DRAIN_POLL, poll);
      };
      poll();
    });
  }
}

/** The messages from one end that fit a page; at least one, so that replay always advances. */
function page(
  messages: readonly EncodedMessage[],
  keep: "oldest" | "newest",
): readonly EncodedMessage[] {
  let length = 0;
  let count = 0;
  while (count < messages.length) {
    const index = keep === "oldest" ? count : messages.length - 1 - count;
    length += messages[index]?.json.length ?? 0;
    if (count > 0 && length > PAGE_LENGTH) break;
    count++;
  }
  return keep === "oldest" ? messages.slice(0, count) : messages.slice(messages.length - count);
}

import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../lib/clock.ts";
import type { RoomPosition } from "../protocol.ts";
import { type EncodedMessage, encodeMessage } from "./encoders/encoder.ts";
import type { JoinState, Room } from "./room.ts";

/** UTF-16 units of JSON in one page of replayed history: well under any outbox, and one frame. */
const PAGE_LENGTH = 256 * 1024;

/** Attempts to read the start of a history that is being trimmed. */
const MAX_TRIES = 3;

/** Messages read from the log at once while replaying. */
const PAGE_MESSAGES = 500;

/** The messages that a joining client gets first. */
export interface ReplayStart extends JoinState {
  readonly messages: readonly EncodedMessage[];
  /** Messages above this id follow. */
  readonly cursor: number;
  /** The JSON array of `messages`, if it was cached. */
  readonly json?: string | undefined;
}

/** Where to start reading. */
type Start = JoinState & { readonly cursor: number };

/** Reads history for clients that join or resume, from memory where possible. */
export class Replay {
  constructor(
    private readonly broker: Pick<Broker, "read" | "head">,
    private readonly clock: Clock,
    /** Messages for clients that ask for no number. */
    private readonly defaultCount: number,
  ) {}

  /**
   * Reads the first page for a client at `position`, oldest message first. More may follow above its
   * `cursor`.
   */
  async start(room: Room, position: RoomPosition, tries = MAX_TRIES): Promise<ReplayStart> {
    const start = await this.#findStart(room, position);
    const { cursor } = start;
    const cached = this.#cached(room, cursor);
    const { last } = room;
    if (cached !== undefined) {
      const messages = page(cached, "oldest");
      const json = room.recent.json(messages);
      return { ...start, last, messages, json, cursor: idOf(messages.at(-1)) ?? last };
    }
    const messages = page(await this.#readAll(room.name, cursor), "oldest");
    if (idOf(messages[0]) === cursor + 1) {
      return { ...start, last, messages, cursor: idOf(messages.at(-1)) ?? last };
    }
    // Trimmed meanwhile: what is left begins later.
    if (tries > 1) return await this.start(room, position, tries - 1);
    const { after } = position;
    return { ...start, ...notRecovered(after), last, messages: [], more: true, cursor: last };
  }

  /**
   * Reads the newest messages that fit into `length` UTF-16 units, for a client that gets one page
   * only. If it resumes and they do not all fit, the oldest ones, and more follow.
   */
  async startBounded(room: Room, position: RoomPosition, length: number): Promise<ReplayStart> {
    const start = await this.#findStart(room, position);
    const { cursor, recovered } = start;
    const cached = this.#cached(room, cursor);
    const { last } = room;
    const all = cached ?? await this.#readAll(room.name, cursor);
    const messages = page(all, recovered ? "oldest" : "newest", length, 0);
    const json = cached === undefined ? undefined : room.recent.json(messages);
    if (recovered) {
      return { ...start, last, messages, json, cursor: idOf(messages.at(-1)) ?? cursor };
    }
    const more = start.more || messages.length < all.length;
    return { ...start, last, messages, json, more, cursor: idOf(all.at(-1)) ?? last };
  }

  /** All messages above `cursor`, if they are in memory and fit a page. */
  rest(room: Room, cursor: number): readonly EncodedMessage[] | undefined {
    const cached = this.#cached(room, cursor);
    return cached !== undefined && page(cached, "oldest") === cached ? cached : undefined;
  }

  /** The messages above `cursor` that fit a page; `undefined` if they were trimmed meanwhile. */
  async next(room: Room, cursor: number): Promise<readonly EncodedMessage[] | undefined> {
    const cached = this.#cached(room, cursor);
    if (cached !== undefined) return page(cached, "oldest");
    const messages = page(await this.#readAll(room.name, cursor), "oldest");
    return idOf(messages[0]) === cursor + 1 ? messages : undefined;
  }

  async #findStart(room: Room, position: RoomPosition): Promise<Start> {
    const { first } = await this.broker.head(room.name);
    const { last } = room;
    const { after, epoch, max = Infinity, recent = this.defaultCount } = position;
    const reset = after === undefined
      ? undefined
      : epoch !== undefined && epoch !== room.epoch
      ? "epoch"
      : after > last
      ? "ahead"
      : after + 1 < first
      ? "trimmed"
      : undefined;
    if (after !== undefined && reset === undefined) {
      const cursor = Math.max(after, last - max);
      return { first, last, recovered: true, more: cursor > after, cursor };
    }
    // A client that wants everything from its position gets what is left of it.
    const count = reset === "trimmed" ? max : Math.min(recent, max);
    const cursor = Math.max(first - 1, last - count, 0);
    return { first, last, recovered: false, reset, more: cursor >= first, cursor };
  }

  /** The messages after `after`; `undefined` if memory does not reach back that far. */
  #cached(room: Room, after: number): readonly EncodedMessage[] | undefined {
    room.recent.expire(this.clock.now());
    return room.recent.since(after, room.last);
  }

  async #readAll(room: string, after: number): Promise<readonly EncodedMessage[]> {
    return (await this.broker.read(room, { after, limit: PAGE_MESSAGES })).map(encodeMessage);
  }
}

function notRecovered(after: number | undefined): Pick<JoinState, "recovered" | "reset"> {
  return { recovered: false, reset: after === undefined ? undefined : "trimmed" };
}

function idOf(entry: EncodedMessage | undefined): number | undefined {
  return entry?.message.id;
}

/** The messages from one end that fit a page; by default at least one, so that replay advances. */
function page(
  messages: readonly EncodedMessage[],
  keep: "oldest" | "newest",
  maxLength = PAGE_LENGTH,
  atLeast = 1,
): readonly EncodedMessage[] {
  let length = 0;
  let count = 0;
  while (count < messages.length) {
    const index = keep === "oldest" ? count : messages.length - 1 - count;
    length += messages[index]?.json.length ?? 0;
    if (count >= atLeast && length > maxLength) break;
    count++;
  }
  if (count === messages.length) return messages;
  return keep === "oldest" ? messages.slice(0, count) : messages.slice(messages.length - count);
}

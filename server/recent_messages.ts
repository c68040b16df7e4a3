import type { Retention } from "../broker/broker.ts";
import { MAX_CLOCK_LEAD } from "../broker/sqlite/retention.ts";
import { type EncodedMessage, jsonList } from "./encoders/encoder.ts";

/** Messages cached for a room. */
export const CACHE_MESSAGES = 256;

/** UTF-16 units of JSON cached for a room: the cost of an idle room. */
export const CACHE_LENGTH = 256 * 1024;

/** Cached JSON lists: clients that reconnect together share a few. */
const CACHED_LISTS = 16;

/** More than the messages in the cache. */
const MAX_LIST = 4096;

/**
 * The newest messages of a room, encoded. Clients that join or resume are served from here; only
 * older messages are read from the log.
 */
export class RecentMessages {
  /** Consecutive, ending with the room's newest message. */
  #messages: EncodedMessage[] = [];
  #length = 0;
  /** By the first id and the number of messages. */
  readonly #json = new Map<number, string>();
  readonly #retention: Retention;
  readonly #maxMessages: number;

  /** @param retention that of the log: the cache never shows messages that the log would not. */
  constructor(retention: Retention, maxMessages = CACHE_MESSAGES) {
    this.#retention = retention;
    this.#maxMessages = Math.min(maxMessages, retention.maxMessages);
  }

  /** The oldest cached id. */
  get first(): number | undefined {
    return this.#messages[0]?.message.id;
  }

  /** Appends the messages that follow the newest one. */
  push(messages: readonly EncodedMessage[]): void {
    this.#json.clear();
    for (const message of messages) {
      this.#messages.push(message);
      this.#length += message.json.length;
    }
    // Trimmed at twice the limit, so that a busy room does not move the array for every message.
    if (this.#messages.length > 2 * this.#maxMessages || this.#length > 2 * CACHE_LENGTH) {
      this.#trim();
    }
  }

  #trim(): void {
    let start = this.#messages.length;
    let length = 0;
    while (start > 0 && this.#messages.length - start < this.#maxMessages) {
      const size = this.#messages[start - 1]?.json.length ?? 0;
      if (length + size > CACHE_LENGTH) break;
      length += size;
      start--;
    }
    this.#messages = this.#messages.slice(start);
    this.#length = length;
  }

  /**
   * Drops messages that retention no longer keeps at the time `now`. Call it before
   * {@linkcode since}; `push` leaves it out because it runs for every message.
   */
  expire(now: number): void {
    const { maxAge, maxMessages } = this.#retention;
    const surplus = this.#messages.length - maxMessages;
    const start = Math.max(surplus, this.#firstYoung(now, now - maxAge));
    if (start <= 0) return;
    this.#json.clear();
    for (const { json } of this.#messages.splice(0, start)) this.#length -= json.length;
  }

  /** The index of the first message that is not too old, by the rule of the log (see Ages). */
  #firstYoung(now: number, oldest: number): number {
    const first = timeOf(this.#messages[0]);
    if (first >= oldest && first <= now + MAX_CLOCK_LEAD) return 0;
    return this.#messages.findLastIndex((message) => timeOf(message) < oldest) + 1;
  }

  /** The messages after `after`; `undefined` if the cache does not reach back that far. */
  since(after: number, last: number): readonly EncodedMessage[] | undefined {
    if (after >= last) return [];
    const { first } = this;
    if (first === undefined || after + 1 < first) return undefined;
    return this.#messages.slice(after + 1 - first);
  }

  /** The JSON array of `messages`, which must be part of {@linkcode since}; cached. */
  json(messages: readonly EncodedMessage[]): string {
    const start = messages[0]?.message.id;
    if (start === undefined) return "[]";
    const key = start * MAX_LIST + messages.length;
    const cached = this.#json.get(key);
    if (cached !== undefined) return cached;
    const json = jsonList(messages);
    if (this.#json.size < CACHED_LISTS) this.#json.set(key, json);
    return json;
  }
}

function timeOf(message: EncodedMessage | undefined): number {
  return message === undefined ? Infinity : Date.parse(message.message.timestamp);
}

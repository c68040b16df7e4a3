import { MAX_CLOCK_LEAD } from "../broker/sqlite/retention.ts";
import type { Retention } from "../broker/broker.ts";
import { encode, type Message } from "../protocol.ts";

/** A message with its encoding, made once for everybody. */
export interface EncodedMessage {
  readonly message: Message;
  /** The JSON that travels. */
  readonly json: string;
}

/** Encodes a message for delivery. */
export function encodeMessage(message: Message): EncodedMessage {
  return { message, json: encode(message) };
}

/** Messages that a tail holds at most. */
export const CACHE_MESSAGES = 256;

/** UTF-16 units of JSON that a tail holds at most: what an idle room may cost. */
export const CACHE_LENGTH = 256 * 1024;

/** Encodings of different starting points that are kept: returning herds know only a few. */
const CACHED_STARTS = 16;

/**
 * The newest messages of a room, encoded. Whoever joins or comes back is served from here, and
 * the log is read only for what lies further back.
 */
export class RecentMessages {
  /** Consecutive, ending with the room's newest message. */
  #entries: EncodedMessage[] = [];
  #length = 0;
  readonly #json = new Map<number, string>();

  readonly #retention: Retention;
  readonly #maxMessages: number;

  /** @param retention that of the log: the tail never shows what the log would not. */
  constructor(retention: Retention, maxMessages = CACHE_MESSAGES) {
    this.#retention = retention;
    this.#maxMessages = Math.min(maxMessages, retention.maxMessages);
  }

  /** The oldest id held, or `undefined` when there is none. */
  get first(): number | undefined {
    return this.#entries[0]?.message.id;
  }

  /** Appends messages that follow on what is held. */
  push(entries: readonly EncodedMessage[]): void {
    this.#json.clear();
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#length += entry.json.length;
    }
    // Cut at twice the limit, so that a busy room does not move the array for every message.
    if (this.#entries.length > 2 * this.#maxMessages || this.#length > 2 * CACHE_LENGTH) {
      this.#cut();
    }
  }

  #cut(): void {
    let start = this.#entries.length;
    let length = 0;
    while (start > 0 && this.#entries.length - start < this.#maxMessages) {
      const size = this.#entries[start - 1]?.json.length ?? 0;
      if (length + size > CACHE_LENGTH) break;
      length += size;
      start--;
    }
    this.#entries = this.#entries.slice(start);
    this.#length = length;
  }

  /**
   * Lets go of messages that retention no longer keeps at the time `now`. Call it before
   * {@linkcode since}: pushing leaves it out, as that is done for every message.
   */
  expire(now: number): void {
    const { maxAge, maxMessages } = this.#retention;
    const surplus = this.#entries.length - maxMessages;
    const start = Math.max(surplus, this.#firstYoung(now, now - maxAge));
    if (start <= 0) return;
    this.#json.clear();
    for (const { json } of this.#entries.splice(0, start)) this.#length -= json.length;
  }

  /** The place of the first message that is not too old, by the rule of the log (see Ages). */
  #firstYoung(now: number, oldest: number): number {
    const first = timeOf(this.#entries[0]);
    if (first >= oldest && first <= now + MAX_CLOCK_LEAD) return 0;
    return this.#entries.findLastIndex((entry) => timeOf(entry) < oldest) + 1;
  }

  /** Everything above `after`, or `undefined` when the tail does not reach back that far. */
  since(after: number, last: number): readonly EncodedMessage[] | undefined {
    if (after >= last) return [];
    const first = this.first;
    if (first === undefined || after + 1 < first) return undefined;
    return this.#entries.slice(after + 1 - first);
  }

  /** The JSON list of `entries`, which came from this tail; remembered for the next who asks. */
  json(entries: readonly EncodedMessage[]): string {
    const start = entries[0]?.message.id;
    if (start === undefined) return "[]";
    const known = this.#json.get(start);
    if (known !== undefined) return known;
    const json = jsonList(entries);
    if (this.#json.size < CACHED_STARTS) this.#json.set(start, json);
    return json;
  }
}

function timeOf(entry: EncodedMessage | undefined): number {
  return entry === undefined ? Infinity : Date.parse(entry.message.timestamp);
}

/** Entries as a JSON list, without encoding anything again. */
export function jsonList(entries: readonly EncodedMessage[]): string {
  return `[${entries.map((entry) => entry.json).join(",")}]`;
}

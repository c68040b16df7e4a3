/**
 * Finds the messages in a `bcast.v1` frame without decoding it: at millions of deliveries a
 * second, parsing JSON would make the load generator the slower end.
 *
 * @module
 */

import { isFields } from "../../protocol/fields.ts";
import { parseJson } from "../../protocol/parse.ts";

/** Told of each object of a frame. The bytes are on loan. */
export interface ObjectSink {
  /** Whether it must be told of every object that is no message; else some may be passed over. */
  readonly wantsOthers: boolean;
  /** A message of the room. */
  message(id: number, bytes: Uint8Array, start: number, end: number): void;
  /** Anything else. */
  other(bytes: Uint8Array, start: number, end: number): void;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COLON = 0x3a;
const BRACE = 0x7b;
const LETTER_D = 0x64;
const LETTER_I = 0x69;
const LETTER_M = 0x6d;
/** Where the first letter of the type stands in an object that begins with `{"type":"`. */
const TYPE_AT = 9;
const NO_ID = -1;

const decoder = new TextDecoder();

/**
 * Reads frames for clients that are all in one and the same room.
 *
 * A hub writes every message of a room alike up to its id: `{"type":"message","room":"r","id":`. The
 * first message is parsed to learn where its id stands; later ones are recognized by a few bytes
 * around that place, and whatever is not recognized is parsed.
 */
export class BatchScanner {
  /** Where the digits of the id stand in a message, once learnt. */
  #idAt = 0;
  /** Messages that had to be parsed; stays small when the hub writes as expected. */
  parsed = 0;

  /** Hands on every object of the frame, in order. */
  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): void {
    let at = start;
    let size = 0;
    let id = this.#readId(bytes, at, end);
    while (at < end) {
      if (id === NO_ID) {
        const stop = lineEnd(bytes, at, end);
        this.#unusual(bytes, at, stop, sink);
        at = stop + 1;
        size = 0;
        id = this.#readId(bytes, at, end);
        continue;
      }
      // Messages of one load are as long as the one before, so the next newline is most likely
      // there. It is taken only when the message behind it has the next id: then no message was
      // skipped, because ids have no holes. Everything else is searched for.
      let stop = at + size;
      let next = size > 0 && !sink.wantsOthers && stop < end && bytes[stop] === NEWLINE
        ? this.#readId(bytes, stop + 1, end)
        : NO_ID;
      if (next !== id + 1) {
        stop = lineEnd(bytes, at, end);
        next = this.#readId(bytes, stop + 1, end);
      }
      sink.message(id, bytes, at, stop);
      size = stop - at;
      at = stop + 1;
      id = next;
    }
  }

  /** The id of the message at `at`, or `NO_ID` for anything that is not beyond doubt one. */
  #readId(bytes: Uint8Array, at: number, end: number): number {
    let i = at + this.#idAt;
    if (
      this.#idAt === 0 || i >= end || bytes[at + TYPE_AT] !== LETTER_M || bytes[at] !== BRACE ||
      bytes[i - 1] !== COLON || bytes[i - 2] !== QUOTE || bytes[i - 3] !== LETTER_D ||
      bytes[i - 4] !== LETTER_I || bytes[i - 5] !== QUOTE
    ) return NO_ID;
    const first = i;
    let id = 0;
    for (; i < end; i++) {
      const digit = (bytes[i] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      id = id * 10 + digit;
    }
    return i === first ? NO_ID : id;
  }

  #unusual(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): void {
    if (start === end) return;
    // No other type begins with "m", so acks and presence are told apart by one letter.
    const typed = bytes[start + TYPE_AT - 1] === QUOTE && bytes[start + TYPE_AT - 2] === COLON &&
      bytes[start] === BRACE;
    if (typed && bytes[start + TYPE_AT] !== LETTER_M) {
      sink.other(bytes, start, end);
      return;
    }
    const text = decoder.decode(bytes.subarray(start, end));
    const value = parseJson(text);
    this.parsed++;
    if (isFields(value) && value["type"] === "message" && typeof value["id"] === "number") {
      this.#learn(text, value["id"]);
      sink.message(value["id"], bytes, start, end);
    } else {
      sink.other(bytes, start, end);
    }
  }

  #learn(text: string, id: number): void {
    const at = text.indexOf(`"id":${id}`);
    // What stands before the id must be the same in every message: type and room, nothing else.
    if (/^\{"type":"message",("room":"[^"]*",)?$/.test(text.slice(0, Math.max(at, 0)))) {
      this.#idAt = at + `"id":`.length;
    }
  }
}

/** Where the object at `at` ends: JSON holds no raw newline, so the next one is the separator. */
function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  // Not `indexOf`: it knows no end, and would search the whole buffer behind the last object.
  let stop = at;
  while (stop < end && bytes[stop] !== NEWLINE) stop++;
  return stop;
}

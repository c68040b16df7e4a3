/**
 * Finds the messages in a `bcast.v1` frame without decoding it: at millions of deliveries a second, a
 * JSON parser would make the load generator slower than the hub.
 *
 * @module
 */

import { isFields, parseJson } from "../../protocol/fields.ts";

/** Receives each object of a frame. The bytes are only valid during the call. */
export interface ObjectSink {
  /** Whether it needs all objects that are not messages; else some may be skipped. */
  readonly wantsOthers: boolean;
  message(id: number, bytes: Uint8Array, start: number, end: number): void;
  other(bytes: Uint8Array, start: number, end: number): void;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COLON = 0x3a;
const BRACE = 0x7b;
const LETTER_D = 0x64;
const LETTER_I = 0x69;
const LETTER_M = 0x6d;
/** The position of the type's first letter in an object that starts with `{"type":"`. */
const TYPE_AT = 9;
const NO_ID = -1;

const decoder = new TextDecoder();

/**
 * Reads frames for clients in one room.
 *
 * A hub writes all messages of a room alike up to the id: `{"type":"message","room":"r","id":`. The
 * first message is parsed to find the position of its id. Later ones are recognized by a few bytes
 * around that position, and all others are parsed.
 */
export class BatchScanner {
  /** The position of the id's digits in a message; 0 until it is known. */
  #idAt = 0;
  /** Messages that were parsed; stays small if the hub writes as expected. */
  parsedMessages = 0;

  /** Passes on every object of the frame, in order. */
  scan(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): void {
    let at = start;
    let size = 0;
    let id = this.#readId(bytes, at, end);
    while (at < end) {
      if (id === NO_ID) {
        const stop = lineEnd(bytes, at, end);
        this.#scanOther(bytes, at, stop, sink);
        at = stop + 1;
        size = 0;
        id = this.#readId(bytes, at, end);
        continue;
      }
      // Messages of a load usually have the same length, so the next newline is probably there. That
      // is certain if the message after it has the next id, as ids have no gaps. Otherwise, the
      // newline is searched for.
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

  /** The id of the message at `at`; `NO_ID` unless it certainly is one. */
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

  #scanOther(bytes: Uint8Array, start: number, end: number, sink: ObjectSink): void {
    if (start === end) return;
    // No other type that a load client gets starts with "m", so one letter is enough.
    const typed = bytes[start + TYPE_AT - 1] === QUOTE && bytes[start + TYPE_AT - 2] === COLON &&
      bytes[start] === BRACE;
    if (typed && bytes[start + TYPE_AT] !== LETTER_M) {
      sink.other(bytes, start, end);
      return;
    }
    const text = decoder.decode(bytes.subarray(start, end));
    const value = parseJson(text);
    this.parsedMessages++;
    if (isFields(value) && value["type"] === "message" && typeof value["id"] === "number") {
      this.#learn(text, value["id"]);
      sink.message(value["id"], bytes, start, end);
    } else {
      sink.other(bytes, start, end);
    }
  }

  #learn(text: string, id: number): void {
    const at = text.indexOf(`"id":${id}`);
    // Only type and room may precede the id: these are the same in every message.
    if (/^\{"type":"message",("room":"[^"]*",)?$/.test(text.slice(0, Math.max(at, 0)))) {
      this.#idAt = at + `"id":`.length;
    }
  }
}

/** The end of the object at `at`: JSON contains no raw newline, so the next one is the separator. */
function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  // Not `indexOf`, which has no end and would search the rest of the buffer after the last object.
  let stop = at;
  while (stop < end && bytes[stop] !== NEWLINE) stop++;
  return stop;
}

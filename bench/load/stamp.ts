/**
 * The text of load messages: publisher, sequence number and time as digits at fixed positions, so that
 * reading and writing them allocates nothing.
 *
 * `~ppp~sssssssss~tttttttttttt~` and filler: publisher, sequence number, microseconds.
 *
 * @module
 */

const MARK = 0x7e; // "~"
const ZERO = 0x30;
const PUBLISHER_AT = 1;
const PUBLISHER_DIGITS = 3;
const SEQUENCE_AT = 5;
const SEQUENCE_DIGITS = 9;
const TIME_AT = 15;
const TIME_DIGITS = 12;

/** Bytes of a stamp, and the smallest payload. */
export const STAMP_BYTES = 28;

/** The number of publishers that a stamp can distinguish. */
export const MAX_PUBLISHERS = 10 ** PUBLISHER_DIGITS;

/** A payload of `size` bytes with an empty stamp. */
export function blankPayload(size: number): string {
  if (size < STAMP_BYTES) {
    throw new RangeError(`Cannot make a payload of ${size} bytes: the least is ${STAMP_BYTES}`);
  }
  const blank = `~${"0".repeat(3)}~${"0".repeat(9)}~${"0".repeat(12)}~`;
  return blank + "x".repeat(size - STAMP_BYTES);
}

export function writeStamp(
  bytes: Uint8Array,
  at: number,
  publisher: number,
  sequence: number,
  micros: number,
): void {
  writeDigits(bytes, at + PUBLISHER_AT, PUBLISHER_DIGITS, publisher);
  writeDigits(bytes, at + SEQUENCE_AT, SEQUENCE_DIGITS, sequence);
  writeDigits(bytes, at + TIME_AT, TIME_DIGITS, micros);
}

/** Whether the four separators of a stamp are at `at`. */
export function isStamp(bytes: Uint8Array, at: number, end: number): boolean {
  return at + STAMP_BYTES <= end && bytes[at] === MARK && bytes[at + 4] === MARK &&
    bytes[at + 14] === MARK && bytes[at + 27] === MARK;
}

/** The position of the first stamp between `from` and `end`; -1 if there is none. */
export function findStamp(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at + STAMP_BYTES <= end; at++) {
    if (bytes[at] === MARK && isStamp(bytes, at, end)) return at;
  }
  return -1;
}

/** The publisher in the stamp at `at`. */
export function stampPublisher(bytes: Uint8Array, at: number): number {
  return readDigits(bytes, at + PUBLISHER_AT, PUBLISHER_DIGITS);
}

/** The sequence number in the stamp at `at`. */
export function stampSequence(bytes: Uint8Array, at: number): number {
  return readDigits(bytes, at + SEQUENCE_AT, SEQUENCE_DIGITS);
}

/** The time in the stamp at `at`, in microseconds of the publisher's clock. */
export function stampMicros(bytes: Uint8Array, at: number): number {
  return readDigits(bytes, at + TIME_AT, TIME_DIGITS);
}

/** Writes `value` as exactly `digits` decimal digits. */
export function writeDigits(bytes: Uint8Array, at: number, digits: number, value: number): void {
  let rest = Math.floor(value);
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    bytes[i] = ZERO + rest - next * 10;
    rest = next;
  }
}

function readDigits(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) value = value * 10 + (bytes[i] ?? ZERO) - ZERO;
  return value;
}

import type { ErrorCode } from "./codes.ts";
import { visible } from "./text.ts";

/** A JSON object with unchecked fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** Stops the parser; never leaves it. */
export class FieldError extends Error {
  override readonly name = "FieldError";
  constructor(readonly code: ErrorCode, message: string) {
    super(message);
  }
}

/** Whether `value` is a JSON object (not an array, not null). */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A short, harmless excerpt of an untrusted value, for an error message. */
export function quote(value: unknown): string {
  if (typeof value === "object") return Array.isArray(value) ? "(a list)" : "(an object)";
  const text = String(value);
  if (typeof value !== "string") return text;
  return `"${visible(text.length > 40 ? text.slice(0, 40) + "…" : text)}"`;
}

/** Whether a field is not given: many JSON encoders write `null` for that. */
export function missing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** A lone surrogate has no UTF-8 encoding, so the log would return another string. */
export function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** Parses JSON, also after a byte order mark; `undefined` if it is invalid, which JSON never yields. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    // A RangeError if deep nesting exhausts the parser's stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** An identifier that a program chose for itself. */
const PROGRAM_ID = /^[\w.-]{1,64}$/;

/** Whether `item` is valid in `via`: 1 to 64 of `A-Z a-z 0-9 _ . -`. */
export function isProgramId(item: unknown): item is string {
  return typeof item === "string" && PROGRAM_ID.test(item);
}

import type { ErrorCode } from "./codes.ts";
import type { Content, MessageKind, Ref, SenderAnnotations, TextFormat } from "./frames.ts";
import { MAX_DATA_DEPTH, MAX_REF_LENGTH, MAX_VIA } from "./limits.ts";
import { isRoomName, normalizeName } from "./names.ts";
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

/** A string field of at most `max` UTF-16 units. */
export function string(fields: Fields, name: string, max = Number.MAX_SAFE_INTEGER): string {
  const value = fields[name];
  if (typeof value !== "string") {
    throw new FieldError("bad_frame", `"${name}" must be a string`);
  }
  if (value.length > max) {
    throw new FieldError("bad_frame", `"${name}" must have at most ${max} characters`);
  }
  // A lone surrogate has no UTF-8 encoding, so the log would return another string.
  return value.isWellFormed() ? value : value.toWellFormed();
}

export function boolean(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") {
    throw new FieldError("bad_frame", `"${name}" must be true or false`);
  }
  return value;
}

/** A whole number from `min` to `max`. */
export function integer(
  fields: Fields,
  name: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    const upTo = max === Number.MAX_SAFE_INTEGER ? "up" : `to ${max}`;
    throw new FieldError("bad_frame", `"${name}" must be a whole number from ${min} ${upTo}`);
  }
  return value;
}

export function room(fields: Fields, name = "room"): string {
  const value = fields[name];
  if (typeof value === "string" && isRoomName(value)) return value;
  const problem = missing(value) ? `"${name}" is missing` : `${quote(value)} is not a room`;
  throw new FieldError(
    "bad_room",
    `${problem}: use 1 to 64 of a-z 0-9 . _ - and start with a letter or digit`,
  );
}

/** A user name, normalized. */
export function personName(fields: Fields, name = "sender"): string {
  const value = fields[name];
  const shown = typeof value === "string" ? normalizeName(value) : undefined;
  if (shown !== undefined) return shown;
  const problem = missing(value) ? `"${name}" is missing` : `${quote(value)} is not a name`;
  throw new FieldError("bad_name", `${problem}: use 1 to 32 visible characters without / @ # :`);
}

/** The client's reference for a request. */
export function ref(fields: Fields): Ref {
  const value = fields["ref"];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "string" && value.length > 0 && value.length <= MAX_REF_LENGTH) {
    return value.toWellFormed();
  }
  throw new FieldError(
    "bad_frame",
    `"ref" must be a number or a string of 1 to ${MAX_REF_LENGTH} characters`,
  );
}

export function kind(fields: Fields): MessageKind {
  if (fields["kind"] !== "action") {
    throw new FieldError("bad_frame", `"kind" must be "action", or left out`);
  }
  return "action";
}

function format(fields: Fields): TextFormat {
  if (fields["format"] !== "markdown") {
    throw new FieldError("bad_frame", `"format" must be "markdown", or left out`);
  }
  return "markdown";
}

/** An identifier that a program chose for itself. */
const VIA = /^[\w.-]{1,64}$/;

/** Whether `item` is valid in `via`: 1 to 64 of `A-Z a-z 0-9 _ . -`. */
export function isProgramId(item: unknown): item is string {
  return typeof item === "string" && VIA.test(item);
}

export function via(fields: Fields): readonly string[] {
  const list = fields["via"];
  if (!Array.isArray(list) || list.length > MAX_VIA || !list.every(isProgramId)) {
    throw new FieldError(
      "bad_frame",
      `"via" must be a list of at most ${MAX_VIA} identifiers of A-Z a-z 0-9 _ . -`,
    );
  }
  return list;
}

/** The `format` and `via` of a message, both optional. */
export function annotations(fields: Fields): SenderAnnotations {
  return { ...optional(fields, "format", format), ...optional(fields, "via", via) };
}

/** The `message` and `data` of a message: at least one of them. */
export function content(fields: Fields): Content {
  const data = fields["data"];
  if (data !== undefined) checkData(data, MAX_DATA_DEPTH);
  if (missing(fields["message"])) {
    if (data === undefined) {
      throw new FieldError("bad_frame", `a message needs "message" (text), "data" (JSON), or both`);
    }
    return { data };
  }
  const message = string(fields, "message");
  if (message === "" && data === undefined) {
    throw new FieldError("bad_frame", `"message" is empty`);
  }
  return data === undefined ? { message } : { message, data };
}

/** Rejects values that JSON cannot round-trip, and nesting beyond `depth`. */
function checkData(value: unknown, depth: number): void {
  // JSON.parse() turns 1e400 into Infinity, which JSON cannot represent.
  if (value === Infinity || value === -Infinity) {
    throw new FieldError("bad_frame", `a number in "data" is too large: send it as a string`);
  }
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) {
    throw new FieldError("bad_frame", `"data" is nested deeper than ${MAX_DATA_DEPTH} levels`);
  }
  for (const inner of Object.values(value)) checkData(inner, depth - 1);
}

/** Reads a field with `read` if it is given. */
export function optional<K extends string, T>(
  fields: Fields,
  name: K,
  read: (fields: Fields, name: K) => T,
): { readonly [P in K]?: T } {
  if (missing(fields[name])) return {};
  return { [name]: read(fields, name) } as { readonly [P in K]?: T };
}

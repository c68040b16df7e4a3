import type { ErrorCode } from "./codes.ts";
import { type Fields, isFields, isProgramId, missing, quote, wellFormed } from "./fields.ts";
import { isExtensionName } from "./extensions.ts";
import { MAX_DATA_DEPTH, MAX_REF_LENGTH, MAX_VIA } from "./limits.ts";
import { isRoomName, normalizeName } from "./names.ts";

/** What a field type accepts, as data: the JSON Schema is generated from it. */
export type Shape =
  | { readonly kind: "room" | "name" | "ref" | "key" | "boolean" | "true" | "json" }
  | { readonly kind: "timestamp" | "programId" | "messageKind" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  /** Any finite number from 0 up. */
  | { readonly kind: "number" }
  /** Lengths in UTF-16 units. */
  | { readonly kind: "string"; readonly min: number; readonly max: number }
  | { readonly kind: "oneOf"; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly item: FieldType; readonly max: number }
  | { readonly kind: "map"; readonly value: FieldType }
  | { readonly kind: "object"; readonly fields: FieldTable }
  /** Entries of a room's log. */
  | { readonly kind: "entries" };

/** A type of fields. */
export interface FieldType {
  readonly shape: Shape;
  /**
   * The value as a frame has it; `undefined` if it is invalid.
   *
   * @param frame the object that has the field.
   */
  read(value: unknown, frame: Fields): unknown;
  /** What is wrong with a value that `read` does not take, and what to do. */
  problem(name: string, value: unknown): string;
  /** Default: `bad_frame`. */
  readonly code?: ErrorCode;
}

/** A field of a frame. */
export interface Field extends FieldType {
  readonly isOptional?: true;
}

/** The fields of an object, in the order in which they are read and written. */
export type FieldTable = Readonly<Record<string, Field>>;

/** The field may be left out. */
export function optional(type: FieldType): Field {
  return { ...type, isOptional: true };
}

const MAX = Number.MAX_SAFE_INTEGER;

function type(
  shape: Shape,
  read: FieldType["read"],
  expected: string,
): FieldType {
  return { shape, read, problem: (name) => `"${name}" must be ${expected}` };
}

export const ROOM: FieldType = {
  shape: { kind: "room" },
  read: (value) => typeof value === "string" && isRoomName(value) ? value : undefined,
  code: "bad_room",
  problem(name, value) {
    const problem = missing(value) ? `"${name}" is missing` : `${quote(value)} is not a room`;
    return `${problem}: use 1 to 64 of a-z 0-9 . _ - and start with a letter or digit`;
  },
};

/** A user name, normalized. */
export const NAME: FieldType = {
  shape: { kind: "name" },
  read: (value) => typeof value === "string" ? normalizeName(value) : undefined,
  code: "bad_name",
  problem(name, value) {
    const problem = missing(value) ? `"${name}" is missing` : `${quote(value)} is not a name`;
    return `${problem}: use 1 to 32 visible characters without / @ # :`;
  },
};

/** The client's reference for a request. */
export const REF = type(
  { kind: "ref" },
  (value) => {
    if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
    if (typeof value !== "string" || value === "" || value.length > MAX_REF_LENGTH) {
      return undefined;
    }
    return wellFormed(value);
  },
  `a number or a string of 1 to ${MAX_REF_LENGTH} characters`,
);

const KEY_PATTERN = /^[\x21-\x7e]+$/;

/** What makes a repeat of a message safe. */
export const KEY = type(
  { kind: "key" },
  (value) => isKey(value) ? value : undefined,
  `1 to ${MAX_REF_LENGTH} visible ASCII characters`,
);

/** Whether `value` is a valid `key`: 1 to 64 visible ASCII characters. */
export function isKey(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_REF_LENGTH && KEY_PATTERN.test(value);
}

export const BOOLEAN = type(
  { kind: "boolean" },
  (value) => typeof value === "boolean" ? value : undefined,
  "true or false",
);

/** A mark that is either `true` or absent. */
export const TRUE = type({ kind: "true" }, (value) => value === true ? true : undefined, "true");

/** A string of `min` to `max` UTF-16 units. */
export function string(min: number, max: number = MAX): FieldType {
  return {
    shape: { kind: "string", min, max },
    read(value) {
      if (typeof value !== "string" || value.length < min || value.length > max) return undefined;
      return wellFormed(value);
    },
    problem(name, value) {
      if (typeof value !== "string") return `"${name}" must be a string`;
      if (min === 0) return `"${name}" must have at most ${max} characters`;
      return `"${name}" must have ${min} to ${max} characters`;
    },
  };
}

/** Any string. */
export const TEXT = string(0);

/** ISO 8601 UTC, as the hub writes it. A reader takes any string. */
export const TIMESTAMP: FieldType = { ...TEXT, shape: { kind: "timestamp" } };

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number = MAX): FieldType {
  return type(
    { kind: "integer", min, max },
    (value) =>
      Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
        ? value
        : undefined,
    `a whole number from ${min} ${max === MAX ? "up" : `to ${max}`}`,
  );
}

/** A finite number from 0 up. */
export const NUMBER = type(
  { kind: "number" },
  (value) => typeof value === "number" && value >= 0 && value < Infinity ? value : undefined,
  "a number from 0 up",
);

/** Any JSON that can be encoded again. */
export const JSON_VALUE: FieldType = {
  shape: { kind: "json" },
  read: (value) => jsonProblem(value, MAX_DATA_DEPTH) === undefined ? value : undefined,
  problem: (name, value) => jsonProblem(value, MAX_DATA_DEPTH)?.(name) ?? `"${name}" is missing`,
};

function jsonProblem(value: unknown, depth: number): ((name: string) => string) | undefined {
  // JSON.parse() turns 1e400 into Infinity, which JSON cannot represent.
  if (value === Infinity || value === -Infinity) {
    return (name) => `a number in "${name}" is too large: send it as a string`;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === 0) {
    return (name) => `"${name}" is nested deeper than ${MAX_DATA_DEPTH} levels`;
  }
  for (const inner of Object.values(value)) {
    const problem = jsonProblem(inner, depth - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** One of some words. */
export function oneOf(values: readonly string[]): FieldType {
  const quoted = values.map((value) => `"${value}"`);
  const last = quoted.pop();
  return type(
    { kind: "oneOf", values },
    (value) => typeof value === "string" && values.includes(value) ? value : undefined,
    quoted.length === 0 ? `${last}, or left out` : `${quoted.join(", ")} or ${last}`,
  );
}

/** One of some words; a reader takes another word, of a later version, as `fallback`. */
export function oneOfOr(values: readonly string[], fallback: string): FieldType {
  return type(
    { kind: "oneOf", values },
    (value) => typeof value !== "string" ? undefined : values.includes(value) ? value : fallback,
    "a string",
  );
}

/** `action`, or the kind of a program. */
export const MESSAGE_KIND: FieldType = {
  shape: { kind: "messageKind" },
  read: (value) => value === "action" || isExtensionName(value) ? value : undefined,
  code: "unsupported",
  problem: (name, value) =>
    `this hub knows no ${name} ${quote(value)}: use "action" or a name like x-owner-name, ` +
    "or leave it out",
};

const PROGRAM_ID = type(
  { kind: "programId" },
  (value) => isProgramId(value) ? value : undefined,
  "",
);

/** The programs that caused a message. */
export const VIA = list(
  PROGRAM_ID,
  `a list of at most ${MAX_VIA} identifiers of A-Z a-z 0-9 _ . -`,
  MAX_VIA,
);

/** A list of at most `max` items, all of which are valid. */
export function list(item: FieldType, expected: string, max: number = MAX): FieldType {
  return type({ kind: "list", item, max }, (value, frame) => {
    if (!Array.isArray(value) || value.length > max) return undefined;
    const items = value.map((each) => item.read(each, frame));
    return items.includes(undefined) ? undefined : items;
  }, expected);
}

/** A list of which a reader takes the valid items. */
export function openList(item: FieldType): FieldType {
  return type(
    { kind: "list", item, max: MAX },
    (value, frame) =>
      Array.isArray(value)
        ? value.map((each) => item.read(each, frame)).filter((each) => each !== undefined)
        : undefined,
    "a list",
  );
}

/** An object of names and values, of which a reader takes the valid ones. It has no prototype. */
export function map(value: FieldType): FieldType {
  return type({ kind: "map", value }, (given, frame) => {
    if (!isFields(given)) return undefined;
    const read = Object.entries(given).map(([key, each]) =>
      [key, value.read(each, frame)] as const
    );
    const entries = Object.fromEntries(read.filter(([, each]) => each !== undefined));
    // A name may be `constructor`.
    return Object.setPrototypeOf(entries, null);
  }, "an object");
}

/** An object with the given fields. */
export function object(fields: FieldTable, expected: string): FieldType {
  const table = Object.entries(fields);
  return type({ kind: "object", fields }, (value) => {
    if (!isFields(value)) return undefined;
    const read: Record<string, unknown> = {};
    for (const [name, field] of table) {
      const given = value[name];
      const item = missing(given) ? undefined : field.read(given, value);
      if (item !== undefined) read[name] = item;
      else if (field.isOptional !== true || !missing(given)) return undefined;
    }
    return read;
  }, expected);
}

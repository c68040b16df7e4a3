import type { Content, ExtensionName } from "./frames.ts";
import { type Fields, missing } from "./fields.ts";
import { type Field, JSON_VALUE, optional, TEXT } from "./field_types.ts";

/** A condition on several fields of a frame, beside the conditions on each. */
export interface Rule {
  readonly kind: "content" | "position";
  /** What is wrong with the frame, and what to do; `undefined`: nothing. */
  problem(frame: Fields): string | undefined;
}

/** A type of frames. */
export interface FrameType<Names extends string = string> {
  readonly fields: Readonly<Record<Names, Field>>;
  readonly rule?: Rule;
  /** Whether programs may add `x-OWNER-NAME` fields. */
  readonly isExtensible?: true;
}

/** The names of a frame's fields, but of `type` and those of programs. */
export type FieldNames<Frame> = Frame extends unknown
  ? Exclude<keyof Frame & string, "type" | ExtensionName>
  : never;

/** The types of frames of one direction: the parser, the schema and the documentation use it. */
export type FrameTable<Frame extends { readonly type: string }> = {
  readonly [T in Frame["type"]]: FrameType<FieldNames<Extract<Frame, { readonly type: T }>>>;
};

/** The fields of {@linkcode Content}; the last ones of a message. */
export const CONTENT: Readonly<Record<keyof Content, Field>> = {
  message: optional(TEXT),
  data: optional(JSON_VALUE),
};

/** Messages have text, data, or both. */
export const HAS_CONTENT: Rule = {
  kind: "content",
  problem({ message, data }) {
    if (data !== undefined || (message !== undefined && message !== "")) return undefined;
    if (message === "") return `"message" is empty`;
    return `a message needs "message" (text), "data" (JSON), or both`;
  },
};

/** An id says nothing without the numbering that it belongs to. */
export const HAS_EPOCH: Rule = {
  kind: "position",
  problem: ({ after, epoch }) =>
    after === undefined || after === 0 || epoch !== undefined
      ? undefined
      : `"after" needs the "epoch" of that id: send both, or neither`,
};

/** A type of frames, prepared for parsing. */
export interface TypeReader {
  readonly type: FrameType;
  readonly fields: readonly (readonly [name: string, field: Field])[];
  /** Whether an object is a valid frame as it is: its fields need no change, and none is unknown. */
  matches(fields: Fields): boolean;
}

/** @param name the value of `type`; `undefined` for objects inside of frames. */
export function typeReader(type: FrameType, name?: string): TypeReader {
  const fields = Object.entries<Field>(type.fields);
  const byName = new Map(fields);
  const required = fields.filter(([, { isOptional }]) => isOptional !== true).length +
    (name === undefined ? 0 : 1);

  // Most frames match, and copying one takes longer than reading it.
  const matches = (given: Fields): boolean => {
    let found = 0;
    // deno-lint-ignore guard-for-in -- what JSON yields inherits nothing enumerable
    for (const key in given) {
      const value = given[key];
      if (missing(value)) return false;
      if (key === "type" && value === name) {
        found++;
        continue;
      }
      const field = byName.get(key);
      if (field === undefined || field.read(value, given) !== value) return false;
      if (field.isOptional !== true) found++;
    }
    return found === required && type.rule?.problem(given) === undefined;
  };
  return { type, fields, matches };
}

import type { ErrorCode } from "./codes.ts";
import {
  annotations,
  boolean,
  content,
  FieldError,
  type Fields,
  integer,
  isFields,
  kind,
  missing,
  optional,
  personName,
  quote,
  ref,
  room,
  string,
} from "./fields.ts";
import type { ClientFrame, Publish, Ref, RoomPosition } from "./frames.ts";
import { DEFAULT_LIMITS, MAX_HISTORY_PAGE, MAX_QUERY_LENGTH, MAX_SECRET_LENGTH } from "./limits.ts";
import { fitsBytes } from "./text.ts";

/** Why a frame is invalid; fit for an `error` frame. */
export interface ParseError {
  readonly code: ErrorCode;
  readonly message: string;
  /** The `ref` of the frame, if it was readable. */
  readonly ref?: Ref;
}

/** The result of parsing: a frame, or why it is invalid. */
export type Parsed<Frame> =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly error: ParseError };

const EPOCH_LENGTH = 64;
// Far above any sensible `maxRooms`, which the hub checks itself.
const MAX_HELLO_ROOMS = 1024;

const secret = (fields: Fields, name: string): string => string(fields, name, MAX_SECRET_LENGTH);
const id = (fields: Fields, name: string): number => integer(fields, name, 0);
const epoch = (fields: Fields, name: string): string => string(fields, name, EPOCH_LENGTH);
const page = (fields: Fields, name: string): number => integer(fields, name, 1, MAX_HISTORY_PAGE);
const replay = (fields: Fields, name: string): number => integer(fields, name, 0, MAX_HISTORY_PAGE);

function position(fields: Fields): RoomPosition {
  return {
    room: room(fields),
    ...optional(fields, "epoch", epoch),
    ...optional(fields, "after", id),
    ...optional(fields, "history", replay),
  };
}

function positions(fields: Fields, name: string): readonly RoomPosition[] {
  const list = fields[name];
  if (!Array.isArray(list) || list.length > MAX_HELLO_ROOMS || !list.every(isFields)) {
    throw new FieldError("bad_frame", `"rooms" must be a list like [{"room":"lobby"}]`);
  }
  return list.map(position);
}

function publish(fields: Fields): Publish {
  const body = content(fields);
  // A fast path for the most common fields, since every message passes here.
  if (
    fields["kind"] === undefined && fields["sender"] === undefined &&
    fields["format"] === undefined && fields["via"] === undefined &&
    typeof fields["room"] === "string" && typeof fields["ref"] === "string"
  ) {
    return { type: "message", room: room(fields), ref: ref(fields), ...body };
  }
  return {
    type: "message",
    ...optional(fields, "room", room),
    ...optional(fields, "sender", personName),
    ...optional(fields, "ref", ref),
    ...optional(fields, "kind", kind),
    ...annotations(fields),
    ...body,
  };
}

type FrameOf<T extends ClientFrame["type"]> = Extract<ClientFrame, { readonly type: T }>;

const READERS: { readonly [T in ClientFrame["type"]]: (fields: Fields) => FrameOf<T> } = {
  hello: (fields) => ({
    type: "hello",
    ...optional(fields, "sender", personName),
    ...optional(fields, "token", secret),
    ...optional(fields, "session", secret),
    ...optional(fields, "rooms", positions),
    ...optional(fields, "echo", boolean),
  }),
  message: publish,
  direct: (fields) => ({
    type: "direct",
    to: personName(fields, "to"),
    ...optional(fields, "ref", ref),
    ...annotations(fields),
    ...content(fields),
  }),
  join: (fields) => ({ type: "join", ...position(fields) }),
  leave: (fields) => ({ type: "leave", room: room(fields) }),
  nick: (fields) => ({ type: "nick", sender: personName(fields) }),
  typing: (fields) => ({
    type: "typing",
    room: room(fields),
    typing: boolean(fields, "typing"),
  }),
  history: (fields) => ({
    type: "history",
    room: room(fields),
    ...optional(fields, "before", id),
    ...optional(fields, "after", id),
    ...optional(fields, "limit", page),
    ...optional(fields, "query", (f, name) => string(f, name, MAX_QUERY_LENGTH)),
    ...optional(fields, "ref", ref),
  }),
  who: (fields) => ({ type: "who", room: room(fields), ...optional(fields, "ref", ref) }),
  ping: (fields) => ({ type: "ping", ...optional(fields, "ref", ref) }),
};

/**
 * Parses a frame of a client. Never throws: problems are returned with a code and a message for the
 * client.
 *
 * @param adapt translates the fields of another protocol.
 */
export function parseClientFrame(
  text: string,
  maxMessageBytes: number = DEFAULT_LIMITS.maxMessageBytes,
  adapt?: (fields: Fields) => Fields,
): Parsed<ClientFrame> {
  if (!fitsBytes(text, maxMessageBytes)) {
    return failure(
      "too_big",
      `a message may have at most ${maxMessageBytes} bytes: shorten or split it`,
    );
  }
  const json = parseJson(text);
  if (json === undefined) {
    return failure("bad_json", `this is not JSON: send {"type":"message","message":"hi"}`);
  }
  if (!isFields(json)) {
    return failure("bad_frame", `a frame is one JSON object: {"type":"message","message":"hi"}`);
  }
  const value = adapt === undefined ? json : adapt(json);
  const type = value["type"];
  if (typeof type !== "string" || !Object.hasOwn(READERS, type)) {
    const known = Object.keys(READERS).join(", ");
    const what = missing(type) ? `"type" is missing` : `unknown type ${quote(type)}`;
    return failure("unknown_type", `${what}: send one of ${known}`, value);
  }
  return parseFields(type as ClientFrame["type"], value);
}

/**
 * Parses the fields of a frame of a known type, for data that did not arrive as a frame. Applies the
 * same rules, except for the length. Never throws.
 */
export function parseFields<T extends ClientFrame["type"]>(
  type: T,
  fields: Fields,
): Parsed<FrameOf<T>> {
  try {
    return { ok: true, frame: READERS[type](fields) };
  } catch (error) {
    if (error instanceof FieldError) return failure(error.code, error.message, fields);
    throw error;
  }
}

/** Parses JSON; `undefined` if it is invalid, which JSON itself never yields. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // A RangeError if deep nesting exhausts the parser's stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function failure(code: ErrorCode, message: string, fields?: Fields): Parsed<never> {
  return { ok: false, error: { code, message, ...readableRef(fields) } };
}

function readableRef(fields: Fields | undefined): { readonly ref?: Ref } {
  if (fields === undefined) return {};
  try {
    return optional(fields, "ref", ref);
  } catch (error) {
    if (error instanceof FieldError) return {};
    throw error;
  }
}

/**
 * Splits a WebSocket message of `bcast.v1` into frames, at newlines: JSON has no raw newline inside a
 * token.
 */
export function splitBatch(frame: string): readonly string[] {
  if (!frame.includes("\n")) return [frame];
  return frame.split("\n").filter((line) => line.trim() !== "");
}

/** Encodes a frame as JSON. */
export function encode(frame: object): string {
  return JSON.stringify(frame);
}

import { CLIENT_TABLE, POSITION } from "./client_table.ts";
import type { ErrorCode } from "./codes.ts";
import { checkExtensions, extensions } from "./extensions.ts";
import { JSON_VALUE, REF } from "./field_types.ts";
import { FieldError, type Fields, isFields, missing, parseJson, quote } from "./fields.ts";
import { type TypeReader, typeReader } from "./frame_table.ts";
import type { ClientFrame, Ref, RequestType } from "./frames.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { MAX_ROOM_LENGTH } from "./names.ts";
import { fitsBytes, visible } from "./text.ts";

/** Why a frame is invalid; fit for an `error` frame. */
export interface ParseError {
  readonly code: ErrorCode;
  readonly message: string;
  /** The type of the frame, if it is known. */
  readonly re?: RequestType;
  /** What the frame has as `room`, if that is text: harmless, at most 64 characters of it. */
  readonly room?: string;
  /** The `ref` of the frame, if it was readable. */
  readonly ref?: Ref;
}

/** An entry of `rooms` in `hello` that is invalid, and so does not count. */
export interface BadRoom {
  readonly code: ErrorCode;
  readonly message: string;
  /** As in {@linkcode ParseError}. */
  readonly room?: string;
}

/** The result of parsing: a frame, or why it is invalid. */
export type Parsed<Frame> =
  | {
    readonly ok: true;
    readonly frame: Frame;
    /** The entries of `rooms` that `frame` lacks; absent if there are none. */
    readonly badRooms?: readonly BadRoom[];
  }
  | { readonly ok: false; readonly error: ParseError };

type FrameOf<T extends RequestType> = Extract<ClientFrame, { readonly type: T }>;

// Pure, so that the web page, which reads no frames of clients, does not contain them.
const READERS: ReadonlyMap<string, TypeReader> = /* @__PURE__ */ (() =>
  new Map(
    Object.entries(CLIENT_TABLE).map(([name, type]) => [name, typeReader(type, name)]),
  ))();
const POSITION_READER = /* @__PURE__ */ typeReader(POSITION);

/** @throws {FieldError} */
function read(reader: TypeReader, start: Fields, given: Fields): Fields {
  if (reader.matches(given)) return given;
  const frame: Record<string, unknown> = { ...start };
  for (const [name, field] of reader.fields) {
    const value = given[name];
    if (missing(value) && field.isOptional === true) continue;
    const item = field.read(value, given);
    if (item === undefined) {
      throw new FieldError(field.code ?? "bad_frame", field.problem(name, value));
    }
    frame[name] = item;
  }
  const problem = reader.type.rule?.problem(frame);
  if (problem !== undefined) throw new FieldError("bad_frame", problem);
  if (reader.type.isExtensible === true) addExtensions(given, frame);
  return frame;
}

function addExtensions(fields: Fields, frame: Record<string, unknown>): void {
  const found = extensions(fields);
  if (found === undefined) return;
  for (const [name, value] of Object.entries(found)) {
    if (JSON_VALUE.read(value, fields) === undefined) {
      throw new FieldError("bad_frame", JSON_VALUE.problem(name, value));
    }
  }
  checkExtensions(found);
  Object.assign(frame, found);
}

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
    return tooBig(text, `a message may have at most ${maxMessageBytes} bytes: shorten or split it`);
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
  if (typeof type !== "string" || !READERS.has(type)) {
    const known = [...READERS.keys()].join(", ");
    const what = missing(type) ? `"type" is missing` : `unknown type ${quote(type)}`;
    return failure("unknown_type", `${what}: send one of ${known}`, value);
  }
  return parseFields(type as RequestType, value);
}

/** UTF-16 units of a frame that is parsed only to say which request it was: a few milliseconds. */
const MAX_TOO_BIG = 1024 * 1024;

function tooBig(text: string, message: string): Parsed<never> {
  const json = text.length <= MAX_TOO_BIG ? parseJson(text) : undefined;
  if (!isFields(json)) return failure("too_big", message);
  const { type } = json;
  const isKnown = typeof type === "string" && READERS.has(type);
  return failure("too_big", message, json, isKnown ? type as RequestType : undefined);
}

/**
 * Parses the fields of a frame of a known type, for data that did not arrive as a frame. Applies the
 * same rules, except for the length. Never throws.
 */
export function parseFields<T extends RequestType>(type: T, fields: Fields): Parsed<FrameOf<T>> {
  const reader = READERS.get(type);
  if (reader === undefined) throw new TypeError(`unknown type ${type}`);
  try {
    const frame = read(reader, { type }, fields);
    // The table has the fields of each type, which a test checks.
    if (type !== "hello") return { ok: true, frame: frame as unknown as FrameOf<T> };
    return readRooms(frame) as Parsed<FrameOf<T>>;
  } catch (error) {
    if (error instanceof FieldError) return failure(error.code, error.message, fields, type);
    throw error;
  }
}

/** Reads the entries of `rooms`, of which only the valid ones count. */
function readRooms(hello: Fields): Parsed<Fields> {
  const given = hello["rooms"];
  if (!Array.isArray(given)) return { ok: true, frame: hello };
  const badRooms: BadRoom[] = [];
  const rooms: Fields[] = [];
  for (const entry of given) {
    try {
      if (!isFields(entry)) throw new FieldError("bad_frame", NO_POSITION);
      rooms.push(read(POSITION_READER, {}, entry));
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      const room = isFields(entry) ? entry["room"] : entry;
      badRooms.push({ code: error.code, message: error.message, ...givenRoom(room) });
    }
  }
  const frame = { ...hello, rooms };
  return badRooms.length === 0 ? { ok: true, frame } : { ok: true, frame, badRooms };
}

const NO_POSITION = `an entry of "rooms" is an object like {"room":"lobby"}`;

function failure(
  code: ErrorCode,
  message: string,
  fields: Fields = {},
  re?: RequestType,
): { readonly ok: false; readonly error: ParseError } {
  const ref = REF.read(fields["ref"], fields) as Ref | undefined;
  return {
    ok: false,
    error: {
      code,
      message,
      ...(re === undefined ? {} : { re }),
      ...givenRoom(fields["room"]),
      ...(ref === undefined ? {} : { ref }),
    },
  };
}

function givenRoom(room: unknown): { readonly room?: string } {
  if (typeof room !== "string") return {};
  // Cut at a character; twice the limit of units holds as many characters.
  const start = [...room.slice(0, 2 * MAX_ROOM_LENGTH)].slice(0, MAX_ROOM_LENGTH);
  return { room: visible(start.join("")) };
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

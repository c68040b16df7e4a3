import { ERROR_CODES, type ErrorCode } from "./codes.ts";
import {
  boolean,
  content,
  FieldError,
  type Fields,
  integer,
  isFields,
  optional,
  quote,
  ref,
  string,
} from "./fields.ts";
import type {
  Annotations,
  HubFrame,
  Joined,
  Message,
  Presence,
  System,
  SystemEvent,
} from "./frames.ts";
import type { Limits } from "./limits.ts";
import { type Parsed, parseJson } from "./parse.ts";

const text = (fields: Fields, name: string): string => string(fields, name);
const count = (fields: Fields, name: string): number => integer(fields, name, 0);

function list<T>(fields: Fields, name: string, read: (item: unknown) => T): readonly T[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new FieldError("bad_frame", `"${name}" must be a list`);
  return value.map(read);
}

function object(value: unknown): Fields {
  if (!isFields(value)) throw new FieldError("bad_frame", "expected an object");
  return value;
}

function names(fields: Fields, name: string): readonly string[] {
  return list(fields, name, (item) => text({ item }, "item"));
}

function amount(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !(value >= 0 && Number.isFinite(value))) {
    throw new FieldError("bad_frame", `"${name}" must be a number from 0 up`);
  }
  return value;
}

/** Drops unknown formats and identifiers, which a newer hub may send. */
function annotations(fields: Fields): Annotations {
  const via = fields["via"];
  return {
    ...(fields["format"] === "markdown" ? { format: "markdown" } : {}),
    ...(fields["verified"] === true ? { verified: true } : {}),
    ...(isStrings(via) ? { via } : {}),
  };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function message(fields: Fields): Message {
  return {
    type: "message",
    room: text(fields, "room"),
    id: integer(fields, "id", 1),
    sender: text(fields, "sender"),
    timestamp: text(fields, "timestamp"),
    // Ignores an unknown kind of a newer hub: dropping the message would be a gap.
    ...(fields["kind"] === "action" ? { kind: "action" } : {}),
    ...annotations(fields),
    ...content(fields),
  };
}

function messages(fields: Fields, name: string): readonly Message[] {
  return list(fields, name, (item) => message(object(item)));
}

function joined(fields: Fields): Joined {
  return {
    room: text(fields, "room"),
    epoch: text(fields, "epoch"),
    last: count(fields, "last"),
    recovered: boolean(fields, "recovered"),
    online: count(fields, "online"),
    ...optional(fields, "members", names),
    history: messages(fields, "history"),
  };
}

function limits(fields: Fields): Limits {
  return {
    maxMessageBytes: count(fields, "maxMessageBytes"),
    maxRooms: count(fields, "maxRooms"),
    replay: count(fields, "replay"),
    rate: amount(fields, "rate"),
    burst: amount(fields, "burst"),
  };
}

function presence(fields: Fields): Presence {
  return {
    type: "presence",
    room: text(fields, "room"),
    online: count(fields, "online"),
    ...optional(fields, "joined", names),
    ...optional(fields, "left", names),
    ...optional(fields, "renamed", (f, name) =>
      list(f, name, (item) => {
        const change = object(item);
        return { from: text(change, "from"), to: text(change, "to") };
      })),
  };
}

const SYSTEM_EVENTS: readonly string[] = [
  "join",
  "leave",
  "rename",
  "presence",
  "shutdown",
  "notice",
  "announcement",
];

function system(fields: Fields): System {
  const event = text(fields, "event");
  return {
    type: "system",
    message: text(fields, "message"),
    timestamp: text(fields, "timestamp"),
    // An unknown event of a newer hub still has a readable message.
    event: SYSTEM_EVENTS.includes(event) ? event as SystemEvent : "notice",
    ...optional(fields, "room", text),
    ...optional(fields, "online", count),
  };
}

function errorCode(fields: Fields): ErrorCode {
  const code = text(fields, "code");
  return (ERROR_CODES as readonly string[]).includes(code) ? code as ErrorCode : "internal";
}

const READERS: { readonly [T in HubFrame["type"]]: (fields: Fields) => HubFrame } = {
  welcome: (fields) => {
    const server = object(fields["server"]);
    return {
      type: "welcome",
      sender: text(fields, "sender"),
      session: text(fields, "session"),
      server: { name: text(server, "name"), version: text(server, "version") },
      limits: limits(object(fields["limits"])),
      rooms: list(fields, "rooms", (item) => joined(object(item))),
    };
  },
  joined: (fields) => ({ type: "joined", ...joined(fields) }),
  left: (fields) => ({ type: "left", room: text(fields, "room") }),
  message,
  ack: (fields) => ({
    type: "ack",
    ref: ref(fields),
    room: text(fields, "room"),
    id: integer(fields, "id", 1),
    timestamp: text(fields, "timestamp"),
    ...(fields["duplicate"] === true ? { duplicate: true } : {}),
  }),
  direct: (fields) => ({
    type: "direct",
    sender: text(fields, "sender"),
    to: text(fields, "to"),
    timestamp: text(fields, "timestamp"),
    ...optional(fields, "ref", ref),
    ...annotations(fields),
    ...content(fields),
  }),
  presence,
  typing: (fields) => ({
    type: "typing",
    room: text(fields, "room"),
    sender: text(fields, "sender"),
    typing: boolean(fields, "typing"),
  }),
  system,
  history: (fields) => ({
    type: "history",
    room: text(fields, "room"),
    messages: messages(fields, "messages"),
    more: boolean(fields, "more"),
    ...optional(fields, "ref", ref),
  }),
  who: (fields) => ({
    type: "who",
    room: text(fields, "room"),
    online: count(fields, "online"),
    members: names(fields, "members"),
    ...optional(fields, "ref", ref),
  }),
  pong: (fields) => ({ type: "pong", ...optional(fields, "ref", ref) }),
  error: (fields) => ({
    type: "error",
    code: errorCode(fields),
    message: text(fields, "message"),
    ...optional(fields, "ref", ref),
    ...optional(fields, "retryAfter", amount),
  }),
};

/**
 * Parses a frame of a hub. Never throws. For a type that this version does not know, the error code is
 * `unknown_type`: clients ignore such frames, which a newer hub may send.
 */
export function parseHubFrame(frame: string): Parsed<HubFrame> {
  const value = parseJson(frame);
  if (!isFields(value)) {
    return { ok: false, error: { code: "bad_json", message: "the hub sent no JSON object" } };
  }
  const type = value["type"];
  if (typeof type !== "string" || !Object.hasOwn(READERS, type)) {
    return { ok: false, error: { code: "unknown_type", message: `unknown type ${quote(type)}` } };
  }
  try {
    return { ok: true, frame: READERS[type as HubFrame["type"]](value) };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { ok: false, error: { code: error.code, message: `${type}: ${error.message}` } };
  }
}

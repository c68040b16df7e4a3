import {
  BOOLEAN,
  type FieldTable,
  integer,
  KEY,
  list,
  MESSAGE_KIND,
  NAME,
  object,
  oneOf,
  optional,
  REF,
  ROOM,
  string,
  VIA,
} from "./field_types.ts";
import { CONTENT, type FrameTable, type FrameType, HAS_CONTENT, HAS_EPOCH } from "./frame_table.ts";
import type { ClientFrame, RoomPosition } from "./frames.ts";
import {
  MAX_EXTENSION_NAME,
  MAX_FEATURES,
  MAX_HISTORY_PAGE,
  MAX_MISSED,
  MAX_QUERY_LENGTH,
  MAX_SECRET_LENGTH,
} from "./limits.ts";

// All of this is marked as pure: bundlers leave it out of the web page, which reads no such frames.

// Far above any sensible `maxRooms`, which the hub checks itself.
const MAX_HELLO_ROOMS = 1024;

const ID = /* @__PURE__ */ integer(0);
const EPOCH = /* @__PURE__ */ string(0, 64);
const SECRET = /* @__PURE__ */ string(0, MAX_SECRET_LENGTH);
const PROGRAM_TEXT = /* @__PURE__ */ string(1, 64);
const ANSWERED = { ref: /* @__PURE__ */ optional(REF) };
const ANNOTATIONS = {
  format: /* @__PURE__ */ optional(/* @__PURE__ */ oneOf(["markdown"])),
  via: /* @__PURE__ */ optional(VIA),
};

/** The fields of a {@linkcode RoomPosition}. */
export const POSITION: FrameType<keyof RoomPosition> = /* @__PURE__ */ (() => ({
  fields: {
    room: ROOM,
    epoch: optional(EPOCH),
    after: optional(ID),
    recent: optional(integer(0, MAX_HISTORY_PAGE)),
    max: optional(integer(1, MAX_MISSED)),
    presence: optional(oneOf(["names", "count", "none"])),
  },
  rule: HAS_EPOCH,
}))();

/** The rooms of `hello`. Its entries are read one by one, as a bad one does not spoil the others. */
const ROOMS = /* @__PURE__ */ (() => ({
  ...list(
    object(POSITION.fields as FieldTable, ""),
    `a list like [{"room":"lobby"}] of at most ${MAX_HELLO_ROOMS} rooms`,
    MAX_HELLO_ROOMS,
  ),
  read: (value: unknown) =>
    Array.isArray(value) && value.length <= MAX_HELLO_ROOMS ? value : undefined,
}))();

/** All frames that a client may send. */
export const CLIENT_TABLE: FrameTable<ClientFrame> = /* @__PURE__ */ (() => ({
  hello: {
    fields: {
      protocol: optional(integer(1)),
      client: optional(object(
        { name: PROGRAM_TEXT, version: PROGRAM_TEXT },
        `an object like {"name":"my-app","version":"1.2"}, with texts of 1 to 64 characters`,
      )),
      features: optional(list(
        string(1, MAX_EXTENSION_NAME),
        `a list of at most ${MAX_FEATURES} texts of 1 to ${MAX_EXTENSION_NAME} characters`,
        MAX_FEATURES,
      )),
      sender: optional(NAME),
      token: optional(SECRET),
      session: optional(SECRET),
      rooms: optional(ROOMS),
      echo: optional(BOOLEAN),
      ...ANSWERED,
    },
  },
  message: {
    fields: {
      room: optional(ROOM),
      sender: optional(NAME),
      ...ANSWERED,
      key: optional(KEY),
      kind: optional(MESSAGE_KIND),
      ...ANNOTATIONS,
      ...CONTENT,
    },
    rule: HAS_CONTENT,
    isExtensible: true,
  },
  direct: {
    fields: { to: NAME, ...ANSWERED, key: optional(KEY), ...ANNOTATIONS, ...CONTENT },
    rule: HAS_CONTENT,
    isExtensible: true,
  },
  join: { fields: { ...POSITION.fields, ...ANSWERED }, rule: HAS_EPOCH },
  leave: { fields: { room: ROOM, ...ANSWERED } },
  nick: { fields: { name: NAME, ...ANSWERED } },
  token: { fields: { token: SECRET, ...ANSWERED } },
  typing: { fields: { room: ROOM, active: BOOLEAN, ...ANSWERED } },
  history: {
    fields: {
      room: ROOM,
      before: optional(ID),
      after: optional(ID),
      limit: optional(integer(1, MAX_HISTORY_PAGE)),
      query: optional(string(0, MAX_QUERY_LENGTH)),
      ...ANSWERED,
    },
  },
  members: { fields: { room: ROOM, ...ANSWERED } },
  ping: { fields: ANSWERED },
}))();

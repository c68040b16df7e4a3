import { ERROR_CODES } from "./codes.ts";
import { ANNOTATIONS, ENTRIES, ENTRY_ID, MESSAGE } from "./entries.ts";
import {
  BOOLEAN,
  type FieldType,
  integer,
  JSON_VALUE,
  map,
  NUMBER,
  object,
  oneOf,
  oneOfOr,
  openList,
  optional,
  REF,
  TEXT,
  TIMESTAMP,
  TRUE,
} from "./field_types.ts";
import { CONTENT, type FrameTable, HAS_CONTENT } from "./frame_table.ts";
import type { HubFrame, RequestType, SystemEvent } from "./frames.ts";
import type { Limits } from "./limits.ts";

const COUNT = integer(0);
const NAMES = openList(TEXT);
const ACCOUNTS = optional(map(TEXT));
const ANSWER = { ref: optional(REF) };

const PROGRAM = object({ name: TEXT, version: TEXT }, "an object");
const RENAME = object({ from: TEXT, to: TEXT }, "an object");
const LIMITS: Readonly<Record<keyof Limits, FieldType>> = {
  maxMessageBytes: COUNT,
  maxRooms: COUNT,
  maxFrameBytes: COUNT,
  recent: COUNT,
  rate: NUMBER,
  burst: NUMBER,
  heartbeat: NUMBER,
};

const REQUESTS: Readonly<Record<RequestType, true>> = {
  hello: true,
  message: true,
  direct: true,
  join: true,
  leave: true,
  nick: true,
  token: true,
  typing: true,
  history: true,
  members: true,
  ping: true,
};
const REQUEST = optional(oneOf(Object.keys(REQUESTS)));

const EVENTS: Readonly<Record<SystemEvent, true>> = {
  join: true,
  leave: true,
  rename: true,
  presence: true,
  shutdown: true,
  notice: true,
  announcement: true,
};

/** All frames that a hub may send. Readers ignore fields that are not here. */
export const HUB_TABLE: FrameTable<HubFrame> = {
  welcome: {
    fields: {
      protocol: integer(1),
      sender: TEXT,
      account: optional(TEXT),
      session: TEXT,
      resumed: BOOLEAN,
      expires: optional(TIMESTAMP),
      time: TIMESTAMP,
      server: PROGRAM,
      features: map(map(JSON_VALUE)),
      limits: object(LIMITS, "an object"),
      rooms: NAMES,
      ...ANSWER,
    },
  },
  joined: {
    fields: {
      room: TEXT,
      epoch: TEXT,
      first: COUNT,
      last: COUNT,
      recovered: BOOLEAN,
      reset: optional(oneOf(["epoch", "trimmed", "ahead"])),
      online: COUNT,
      members: optional(NAMES),
      accounts: ACCOUNTS,
      messages: ENTRIES,
      more: BOOLEAN,
      ...ANSWER,
    },
  },
  // An empty room is live at 0.
  live: { fields: { room: TEXT, id: COUNT } },
  left: { fields: { room: TEXT, ...ANSWER } },
  message: MESSAGE,
  ack: {
    fields: {
      ...ANSWER,
      room: TEXT,
      id: ENTRY_ID,
      epoch: TEXT,
      timestamp: TIMESTAMP,
      duplicate: optional(TRUE),
    },
  },
  direct: {
    fields: {
      sender: TEXT,
      account: optional(TEXT),
      to: TEXT,
      timestamp: TIMESTAMP,
      ...ANSWER,
      duplicate: optional(TRUE),
      ...ANNOTATIONS,
      ...CONTENT,
    },
    rule: HAS_CONTENT,
    isExtensible: true,
  },
  presence: {
    fields: {
      room: TEXT,
      online: COUNT,
      members: optional(NAMES),
      accounts: ACCOUNTS,
      joined: optional(NAMES),
      left: optional(NAMES),
      renamed: optional(openList(RENAME)),
    },
  },
  renamed: { fields: { from: TEXT, name: TEXT } },
  typing: { fields: { room: TEXT, sender: TEXT, active: BOOLEAN } },
  system: {
    fields: {
      message: TEXT,
      timestamp: TIMESTAMP,
      event: oneOfOr(Object.keys(EVENTS), "notice"),
      room: optional(TEXT),
      online: optional(COUNT),
    },
  },
  history: {
    fields: { room: TEXT, epoch: TEXT, messages: ENTRIES, more: BOOLEAN, ...ANSWER },
  },
  members: {
    fields: { room: TEXT, online: COUNT, members: NAMES, accounts: ACCOUNTS, ...ANSWER },
  },
  pong: { fields: ANSWER },
  ok: {
    fields: { ...ANSWER, re: REQUEST, name: optional(TEXT), expires: optional(TIMESTAMP) },
  },
  error: {
    fields: {
      code: oneOfOr(ERROR_CODES, "internal"),
      message: TEXT,
      re: REQUEST,
      room: optional(TEXT),
      ...ANSWER,
      final: BOOLEAN,
      retryAfter: optional(NUMBER),
    },
  },
  bye: {
    fields: {
      code: COUNT,
      reconnect: BOOLEAN,
      retryAfter: optional(NUMBER),
      url: optional(TEXT),
      message: TEXT,
    },
  },
};

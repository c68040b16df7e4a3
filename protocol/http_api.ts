/**
 * Bodies of the HTTP API as schemas. The types, the client's check of a response and the OpenAPI
 * document come from here.
 *
 * Only the server's API and, lazily, the client import values from this file; everything else takes
 * the types from `protocol.ts`. That keeps the schema library out of the page.
 *
 * @module
 */

import * as v from "valibot";
import type { Message } from "./frames.ts";
import { MAX_REF_LENGTH, MAX_VIA } from "./limits.ts";
import { MAX_ROOM_LENGTH } from "./names.ts";

/** `schema` with a description. */
export function about<T extends v.GenericSchema>(schema: T, description: string) {
  return v.pipe(schema, v.description<v.InferOutput<T>, string>(description));
}

/** JSON Schema that requires at least one of `fields`. */
export function requireAny(...fields: readonly string[]) {
  return { anyOf: fields.map((field) => ({ required: [field] })) };
}

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const rate = v.pipe(v.number(), v.minValue(0));

const ROOM_PATTERN = new RegExp(`^[a-z0-9][a-z0-9._-]{0,${MAX_ROOM_LENGTH - 1}}$`);

/** A key of a message: visible ASCII. */
export const KEY_PATTERN = new RegExp(`^[\\x21-\\x7e]{1,${MAX_REF_LENGTH}}$`);

/** The name of a room in a request. */
export const ROOM = v.pipe(
  v.string(),
  v.regex(ROOM_PATTERN, "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit"),
);

// In answers, described but not checked: clients show whatever another version of the hub has.
const room = v.pipe(v.string(), v.metadata({ pattern: ROOM_PATTERN.source }));
const time = v.pipe(v.string(), v.metadata({ format: "date-time" }));

/** One of some words in an answer; a later version of the hub may have others. */
function oneOf(...words: readonly string[]) {
  return about(v.string(), `One of ${words.join(", ")}, or a word of a later version`);
}

const epoch = about(
  text,
  "Identifies this numbering of the room: ids of another epoch are invalid",
);

const content = {
  message: v.optional(about(text, "The text")),
  data: v.optional(about(v.unknown(), "Any JSON")),
};

/** Names of kinds and fields that programs define for themselves. */
const EXTENSION_PATTERN = /^x-[a-z0-9]+(?:-[a-z0-9._]+)+$/;

/** JSON Schema of the fields that programs define for themselves. */
const EXTENSIONS = {
  patternProperties: {
    [EXTENSION_PATTERN.source]: {
      description: "A field of a program, for programs that know it: any JSON",
    },
  },
};

const via = v.optional(about(
  v.pipe(v.array(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/))), v.maxLength(MAX_VIA)),
  "Programs that reacted to a message and so caused this one, oldest first",
));

/**
 * A stored message. Open in every field: it may be of another version, or of another type of entry.
 * Clients and hub read messages with the parsers of frames, not with this.
 */
const entry = {
  type: about(text, "`message`; ignore entries of other types"),
  room,
  id: v.pipe(v.number(), v.integer(), v.minValue(1)),
  prev: v.optional(
    about(count, "The id of the entry before it that you may see; absent: `id` - 1"),
  ),
  sender: text,
  account: v.optional(about(text, "The name that a token proved")),
  timestamp: time,
  kind: v.optional(about(text, "`action`: sent with /me; programs have kinds like x-OWNER-NAME")),
  format: v.optional(about(text, "`markdown`: a person typed the text; else it is literal")),
  via,
  ...content,
};

const message = v.pipe(v.object(entry), v.metadata(EXTENSIONS)) as v.GenericSchema<Message>;

/** A message with the epoch of its id. */
const messageReport = v.pipe(
  v.object({ ...entry, epoch }),
  v.metadata(EXTENSIONS),
) as v.GenericSchema<Message & { readonly epoch: string }>;

/** A message to publish. The hub reads it with the parser of frames. */
const post = v.pipe(
  v.object({
    ...content,
    kind: v.optional(about(
      v.union([v.literal("action"), v.pipe(v.string(), v.regex(EXTENSION_PATTERN))]),
      "`action` is sent with /me; programs define their own kinds, x-OWNER-NAME",
    )),
    format: v.optional(about(
      v.literal("markdown"),
      "A person typed the text; without it, text is literal",
    )),
    via,
    sender: v.optional(about(text, "The sender's name, unless the token gives one")),
    key: v.optional(about(
      v.pipe(v.string(), v.regex(KEY_PATTERN)),
      "As Idempotency-Key, which takes precedence",
    )),
  }),
  v.metadata({ ...requireAny("message", "data"), ...EXTENSIONS }),
);

const publishReport = v.object({
  room,
  id: v.pipe(v.number(), v.integer(), v.minValue(1)),
  epoch,
  sender: text,
  timestamp: time,
  duplicate: v.optional(about(v.literal(true), "The message was stored before")),
});

const messagesReport = v.object({
  room,
  epoch,
  messages: about(v.array(message), "Oldest first"),
  more: about(v.boolean(), "Whether there is another page in the same direction"),
});

const memberReport = v.object({
  name: text,
  account: v.optional(about(text, "The name that a token proved")),
  rooms: about(v.array(room), "In the order of joining"),
  away: v.optional(about(v.boolean(), "The connection broke and may come back")),
});

const membersReport = v.object({
  online: count,
  members: about(v.array(memberReport), "By name; a large hub does not list all of them"),
});

const roomReport = v.object({
  room,
  online: count,
  messages: about(count, "Messages kept"),
  last: about(count, "The newest id, 0 before the first message"),
  epoch,
});

const roomsReport = v.object({
  defaults: about(v.array(room), "Rooms of clients that name none; they write to the first"),
  total: count,
  rooms: about(v.array(roomReport), "By name; a large hub lists those with most people"),
});

const statusReport = v.object({
  name: text,
  version: text,
  uptime: about(count, "Seconds"),
  connections: about(count, "Open now"),
  sessions: about(count, "Names in use, also of clients that may come back"),
  rooms: about(count, "Rooms with people in them"),
  accepted: about(count, "Connections accepted since the start"),
  turnedAway: about(count, "Connections and requests rejected"),
  messages: about(count, "Messages stored since the start"),
  messagesPerSecond: rate,
  deliveries: about(count, "Messages handed to connections"),
  deliveriesPerSecond: rate,
  duplicates: about(count, "Repeated messages that were recognized"),
  resumes: about(count, "Sessions resumed"),
  slowConsumers: about(count, "Connections closed because they read too slowly"),
  refusals: about(v.record(v.string(), count), "Frames rejected, by error code"),
  log: v.object({ messages: count, rooms: count }),
  memory: about(v.object({ rss: count, heapUsed: count }), "Bytes"),
  loopLagMs: about(rate, "The longest recent delay of a timer"),
});

const sanctionReport = v.object({
  kind: oneOf("ban", "mute", "close"),
  name: v.optional(text),
  address: v.optional(about(text, "An IPv4 address, or the /64 network of an IPv6 address")),
  room: v.optional(room),
  reason: v.optional(text),
  by: about(text, "The moderator"),
  since: time,
  until: v.optional(about(time, "Absent if it has no end")),
});

const sanctionsReport = v.object({ measures: about(v.array(sanctionReport), "Oldest first") });

const moderationReport = v.object({
  affected: about(
    count,
    "Sessions and event streams ended, sessions muted, members removed, connections reached, or " +
      "sanctions lifted",
  ),
  addresses: v.optional(about(v.array(text), "Addresses of the clients that were disconnected")),
});

const apiError = v.object({
  error: v.object({
    code: text,
    message: about(text, "A sentence that says what to do"),
    retryAfter: v.optional(about(v.number(), "Seconds")),
  }),
});

/** The schemas that the OpenAPI document names. */
export const COMPONENTS = {
  Message: message,
  Post: post,
  Posted: publishReport,
  MessageWithEpoch: messageReport,
  Messages: messagesReport,
  Members: membersReport,
  Rooms: roomsReport,
  Status: statusReport,
  Error: apiError,
  Measures: sanctionsReport,
  Order: moderationReport,
  Notice: v.object({
    type: text,
    message: text,
    timestamp: time,
    event: oneOf("announcement", "notice"),
    room: v.optional(room),
  }),
  Reset: v.object({
    room,
    epoch,
    last: count,
    reason: oneOf("epoch", "ahead", "trimmed"),
    message: text,
  }),
};

type Immutable<T> = T extends readonly (infer Item)[] ? readonly Immutable<Item>[]
  : T extends object ? { readonly [K in keyof T]: Immutable<T[K]> }
  : T;

type Output<Schema extends v.GenericSchema> = Immutable<v.InferOutput<Schema>>;

/** A room that holds messages or people. */
export type RoomReport = Output<typeof roomReport>;
/** A connected person, or one that may come back. */
export type MemberReport = Output<typeof memberReport>;
/** `POST /api/rooms/ROOM/messages`: the message is stored. */
export type PublishReport = Output<typeof publishReport>;
/** `GET /api/rooms/ROOM/messages`. */
export type MessagesReport = Output<typeof messagesReport>;
/** `GET /api/rooms/ROOM/messages/ID`. */
export type MessageReport = Output<typeof messageReport>;
/** A ban, a mute or a closed room. */
export type SanctionReport = Output<typeof sanctionReport>;
/** Why a request below `/api/` failed. */
export type ApiError = Output<typeof apiError>;
/** `GET /api/rooms`. */
export type RoomsReport = Output<typeof roomsReport>;
/** `GET /api/people`, or `GET /api/rooms/ROOM/members` for those in one room. */
export type MembersReport = Output<typeof membersReport>;
/** `GET /api/status`. Counts are since the start, rates over the last seconds. */
export type StatusReport = Output<typeof statusReport>;
/** `GET /api/admin/bans`. */
export type SanctionsReport = Output<typeof sanctionsReport>;
/** The answer to a moderator's command. */
export type ModerationReport = Output<typeof moderationReport>;

/** The answers that a client reads, by the name of their schema. */
export type Reports = {
  readonly [Name in "Rooms" | "Members" | "Status" | "Measures" | "Order"]: Output<
    typeof COMPONENTS[Name]
  >;
};

/** Checks the JSON of an answer; `undefined` for anything else, which a stranger may have sent. */
export function readReport<Name extends keyof Reports>(
  name: Name,
  json: unknown,
): Reports[Name] | undefined {
  const result = v.safeParse(COMPONENTS[name], json);
  return result.success ? result.output as Reports[Name] : undefined;
}

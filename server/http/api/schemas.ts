import { MAX_REF_LENGTH, MAX_ROOM_LENGTH, MAX_VIA } from "../../../protocol.ts";

/** A part of a JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const count: Schema = { type: "integer", minimum: 0 };
const speed: Schema = { type: "number", minimum: 0 };
const time: Schema = { type: "string", format: "date-time" };
/** A room, as a regular expression. */
export const ROOM_PATTERN = `^[a-z0-9][a-z0-9._-]{0,${MAX_ROOM_LENGTH - 1}}$`;

const room: Schema = { type: "string", pattern: ROOM_PATTERN };
const epoch: Schema = {
  type: "string",
  description: "Names this life of the room's numbering: ids of another mean nothing",
};
const id: Schema = { type: "integer", minimum: 1 };
const message: Schema = { type: "string", description: "The text" };
const data: Schema = { description: "Any JSON" };
const format: Schema = {
  const: "markdown",
  description: "A person typed the text; without it, text is literal",
};
const via: Schema = {
  type: "array",
  items: { type: "string", pattern: "^[\\w.-]{1,64}$" },
  maxItems: MAX_VIA,
  description: "Programs that reacted to a message and so caused this one, oldest first",
};
const verified: Schema = { const: true, description: "A token proved the sender's name" };
const kind: Schema = { const: "action", description: "What /me says" };

function list(items: Schema): Schema {
  return { type: "array", items };
}

/** An object whose fields are all there but for those whose names end in `?`. */
function object(fields: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  const names = Object.keys(fields);
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, schema]) => [name.replace(/\?$/, ""), schema]),
    ),
    required: names.filter((name) => !name.endsWith("?")),
    ...more,
  };
}

/** A reference to one of {@linkcode SCHEMAS}. */
export function schemaRef(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const content: Schema = { anyOf: [{ required: ["message"] }, { required: ["data"] }] };

const person: Schema = object({
  name: text,
  rooms: list(room),
  "away?": { const: true, description: "The connection broke, and may come back" },
});

const roomReport: Schema = object({ room, online: count, messages: count, last: count, epoch });

const measure: Schema = object({
  kind: { enum: ["ban", "mute", "close"] },
  "name?": text,
  "address?": { type: "string", description: "An IPv4 address, or the /64 network of IPv6" },
  "room?": room,
  "reason?": text,
  by: { type: "string", description: "Who decided it" },
  since: time,
  "until?": { ...time, description: "Absent: until it is lifted" },
}, { oneOf: [{ required: ["name"] }, { required: ["address"] }, { required: ["room"] }] });

/** What travels below `/api/`, by name. */
export const SCHEMAS = {
  Message: object({
    type: { const: "message" },
    room,
    id,
    sender: text,
    timestamp: time,
    "kind?": kind,
    "format?": format,
    "verified?": verified,
    "via?": via,
    "message?": message,
    "data?": data,
  }, content),
  Post: object({
    "message?": message,
    "data?": data,
    "kind?": kind,
    "format?": format,
    "via?": via,
    "sender?": {
      type: "string",
      description: "The name to sign with; that of a token takes its place",
    },
    "ref?": {
      type: ["string", "number"],
      maxLength: MAX_REF_LENGTH,
      description: "As Idempotency-Key, which takes its place",
    },
  }, content),
  Posted: object({
    room,
    id,
    epoch,
    sender: text,
    timestamp: time,
    "duplicate?": { const: true, description: "It was stored before" },
  }),
  Messages: object({
    room,
    epoch,
    messages: list({ $ref: "#/components/schemas/Message" }),
    more: { type: "boolean" },
  }),
  People: object({ online: count, people: list(person) }),
  Rooms: object({ defaults: list(room), total: count, rooms: list(roomReport) }),
  Status: object({
    name: text,
    version: text,
    uptime: { ...count, description: "Seconds" },
    connections: count,
    sessions: count,
    rooms: count,
    accepted: count,
    turnedAway: count,
    messages: count,
    messagesPerSecond: speed,
    deliveries: count,
    deliveriesPerSecond: speed,
    duplicates: count,
    resumes: count,
    slowConsumers: count,
    refusals: { type: "object", additionalProperties: count },
    log: object({ messages: count, rooms: count }),
    memory: object({ rss: count, heapUsed: count }),
    loopLagMs: speed,
  }),
  Error: object({
    error: object({
      code: text,
      message: { type: "string", description: "A sentence that says what to do" },
      "retryAfter?": { type: "number", description: "Seconds" },
    }),
  }),
  Measures: object({ measures: list(measure) }),
  Order: object({
    affected: {
      ...count,
      description: "Sessions and event streams ended, sessions silenced, members that had to " +
        "leave, connections reached, or measures lifted",
    },
    "addresses?": list({ type: "string", description: "Where those who were sent away came from" }),
  }),
  Notice: object({
    type: { const: "system" },
    message: text,
    timestamp: time,
    event: { enum: ["announcement", "notice"] },
    "room?": room,
  }),
  Reset: object({
    room,
    epoch,
    last: count,
    reason: { enum: ["epoch", "ahead", "trimmed"] },
    message: text,
  }),
} satisfies Readonly<Record<string, Schema>>;

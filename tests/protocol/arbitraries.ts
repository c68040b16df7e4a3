import fc from "fast-check";
import {
  type ClientFrame,
  type Content,
  ERROR_CODES,
  type HubFrame,
  type Joined,
  MAX_HISTORY_PAGE,
  MAX_QUERY_LENGTH,
  MAX_REF_LENGTH,
  MAX_VIA,
  type Message,
  normalizeName,
  type RoomPosition,
} from "../../protocol.ts";

/** A record of `arbitraries`, of which only the `required` keys are always present. */
function fields<T>(
  required: { readonly [K in keyof T]?: fc.Arbitrary<T[K]> },
  optional: { readonly [K in keyof T]?: fc.Arbitrary<T[K]> } = {},
): fc.Arbitrary<T> {
  const requiredKeys = Object.keys(required);
  return fc.record({ ...required, ...optional } as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys,
    noNullPrototype: true,
  }) as fc.Arbitrary<T>;
}

/** Any well-formed text, which JSON over a WebSocket carries unchanged. */
export const text = fc.string({ unit: "binary", maxLength: 50 });

/** Any JSON value that round-trips. */
export const json: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 5 }).map((value) =>
  JSON.parse(JSON.stringify(value))
);

const ALNUM = [..."abcdefghijklmnopqrstuvwxyz0123456789"];

/** A room's name. */
export const room: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom(...ALNUM),
  fc.string({ unit: fc.constantFrom(...ALNUM, ".", "_", "-"), maxLength: 63 }),
).map(([first, rest]) => first + rest);

/** A normalized user name. */
export const name: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  fc.constantFrom("Alice", "guest-ab12", "Zoë", "山田 太郎", "👩‍👩‍👧‍👦", "می‌خواهم"),
).map(normalizeName).filter((shown) => shown !== undefined);

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const count = fc.maxSafeNat();
const page = fc.integer({ min: 1, max: MAX_HISTORY_PAGE });
const timestamp = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
  .map((date) => date.toISOString());
const ref = fc.oneof(
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: MAX_REF_LENGTH }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const kind = fc.constant("action" as const);
/** The annotations that a sender may set. */
const annotations = {
  format: fc.constant("markdown" as const),
  via: fc.array(
    fc.string({
      unit: fc.constantFrom(...ALNUM, ...ALNUM.join("").toUpperCase(), ".", "_", "-"),
      minLength: 1,
      maxLength: 64,
    }),
    { maxLength: MAX_VIA },
  ),
};
const verified = fc.constant(true as const);

const message = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });

/** Text, any JSON, or both. */
export const content: fc.Arbitrary<Content> = fc.oneof(
  fc.record({ message }, { noNullPrototype: true }),
  fc.record({ data: json }, { noNullPrototype: true }),
  fc.record({ message: text, data: json }, { noNullPrototype: true }),
);

function withContent<T>(frame: fc.Arbitrary<T>): fc.Arbitrary<T & Content> {
  return fc.tuple(frame, content).map(([head, body]) => ({ ...head, ...body }));
}

const position = fields<RoomPosition>({ room }, {
  epoch: fc.string({ unit: "binary-ascii", maxLength: 64 }),
  after: count,
  history: fc.integer({ min: 0, max: MAX_HISTORY_PAGE }),
});

function type<T extends string>(value: T): { readonly type: fc.Arbitrary<T> } {
  return { type: fc.constant(value) };
}

function frame<T extends { readonly type: string }, K extends T["type"]>(
  value: K,
  required: { readonly [P in keyof Extract<T, { type: K }>]?: fc.Arbitrary<unknown> } = {},
  optional: { readonly [P in keyof Extract<T, { type: K }>]?: fc.Arbitrary<unknown> } = {},
): fc.Arbitrary<Extract<T, { type: K }>> {
  return fields<Record<string, unknown>>({ ...type(value), ...required }, optional) as fc.Arbitrary<
    unknown
  > as fc.Arbitrary<Extract<T, { type: K }>>;
}

/** One arbitrary for each type of frame that a client sends. */
export const CLIENT_FRAMES: { readonly [T in ClientFrame["type"]]: fc.Arbitrary<ClientFrame> } = {
  hello: frame<ClientFrame, "hello">("hello", {}, {
    sender: name,
    token: text,
    session: text,
    rooms: fc.array(position, { maxLength: 4 }),
    echo: fc.boolean(),
  }),
  message: withContent(
    frame<ClientFrame, "message">("message", {}, { room, sender: name, ref, kind, ...annotations }),
  ) as fc.Arbitrary<ClientFrame>,
  direct: withContent(
    frame<ClientFrame, "direct">("direct", { to: name }, { ref, ...annotations }),
  ) as fc.Arbitrary<ClientFrame>,
  join: position.map((where) => ({ type: "join", ...where })),
  leave: frame<ClientFrame, "leave">("leave", { room }),
  nick: frame<ClientFrame, "nick">("nick", { sender: name }),
  typing: frame<ClientFrame, "typing">("typing", { room, typing: fc.boolean() }),
  history: frame<ClientFrame, "history">("history", { room }, {
    before: count,
    after: count,
    limit: page,
    query: fc.string({ unit: "binary", maxLength: MAX_QUERY_LENGTH / 2 }),
    ref,
  }),
  who: frame<ClientFrame, "who">("who", { room }, { ref }),
  ping: frame<ClientFrame, "ping">("ping", {}, { ref }),
};

const stored = withContent(
  frame<HubFrame, "message">("message", { room, id, sender: name, timestamp }, {
    kind,
    verified,
    ...annotations,
  }),
) as fc.Arbitrary<Message>;
const messages = fc.array(stored, { maxLength: 3 });
const names = fc.array(name, { maxLength: 4 });

const joined = fields<Joined>({
  room,
  epoch: text,
  last: count,
  recovered: fc.boolean(),
  online: count,
  history: messages,
}, { members: names });

/** One arbitrary for each type of frame that a hub sends. */
export const HUB_FRAMES: { readonly [T in HubFrame["type"]]: fc.Arbitrary<HubFrame> } = {
  welcome: frame<HubFrame, "welcome">("welcome", {
    sender: name,
    session: text,
    server: fields<{ name: string; version: string }>({ name: text, version: text }),
    limits: fields({
      maxMessageBytes: count,
      maxRooms: count,
      replay: count,
      rate: fc.double({ min: 0, max: 1e6, noNaN: true }),
      burst: count,
    }),
    rooms: fc.array(joined, { maxLength: 3 }),
  }),
  joined: joined.map((where) => ({ type: "joined", ...where })),
  left: frame<HubFrame, "left">("left", { room }),
  message: stored,
  ack: frame<HubFrame, "ack">("ack", { ref, room, id, timestamp }, {
    duplicate: fc.constant(true),
  }),
  direct: withContent(
    frame<HubFrame, "direct">("direct", { sender: name, to: name, timestamp }, {
      ref,
      verified,
      ...annotations,
    }),
  ) as fc.Arbitrary<HubFrame>,
  presence: frame<HubFrame, "presence">("presence", { room, online: count }, {
    joined: names,
    left: names,
    renamed: fc.array(fields<{ from: string; to: string }>({ from: name, to: name }), {
      maxLength: 3,
    }),
  }),
  typing: frame<HubFrame, "typing">("typing", { room, sender: name, typing: fc.boolean() }),
  system: frame<HubFrame, "system">("system", {
    message: text,
    timestamp,
    event: fc.constantFrom(
      "join",
      "leave",
      "rename",
      "presence",
      "shutdown",
      "notice",
      "announcement",
    ),
  }, { room, online: count }),
  history: frame<HubFrame, "history">("history", { room, messages, more: fc.boolean() }, { ref }),
  who: frame<HubFrame, "who">("who", { room, online: count, members: names }, { ref }),
  pong: frame<HubFrame, "pong">("pong", {}, { ref }),
  error: frame<HubFrame, "error">("error", {
    code: fc.constantFrom(...ERROR_CODES),
    message: text,
  }, { ref, retryAfter: fc.double({ min: 0, max: 1e6, noNaN: true }) }),
};

/** A frame of any type with one part changed, added or removed. */
export function mutated(
  frames: Readonly<Record<string, fc.Arbitrary<object>>>,
): fc.Arbitrary<string> {
  const one = fc.oneof(...Object.values(frames));
  const otherField = fc.tuple(one, fc.nat(), fc.option(json, { nil: undefined })).map(
    ([frame, which, value]) => {
      const keys = Object.keys(frame);
      return JSON.stringify({ ...frame, [keys[which % keys.length] ?? ""]: value });
    },
  );
  const mixed = fc.tuple(one, one).map(([a, b]) => JSON.stringify({ ...a, ...b }));
  const edited = fc.tuple(one, fc.nat(), fc.nat({ max: 5 }), fc.string({ maxLength: 4 })).map(
    ([frame, at, cut, put]) => {
      const encoded = JSON.stringify(frame);
      const start = at % (encoded.length + 1);
      return encoded.slice(0, start) + put + encoded.slice(start + cut);
    },
  );
  return fc.oneof(otherField, mixed, edited);
}

import fc from "fast-check";
import {
  type ClientFrame,
  type Content,
  ERROR_CODES,
  type HubFrame,
  type Joined,
  MAX_FEATURES,
  MAX_HISTORY_PAGE,
  MAX_MISSED,
  MAX_QUERY_LENGTH,
  MAX_REF_LENGTH,
  MAX_VIA,
  type Message,
  normalizeName,
  type Program,
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

/** A value of a field: `null` would mean that it is left out. */
const data = json.filter((value) => value !== null);

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
/** A short text: the name or version of a program, the name of a feature. */
const label = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 64 });
const ref = fc.oneof(
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: MAX_REF_LENGTH }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const word = fc.string({ unit: fc.constantFrom(...ALNUM), minLength: 1, maxLength: 8 });

/** The name of a program's field, kind or feature: `x-OWNER-NAME`. */
export const extensionName: fc.Arbitrary<`x-${string}`> = fc.tuple(
  word,
  fc.array(
    fc.string({ unit: fc.constantFrom(...ALNUM, ".", "_"), minLength: 1, maxLength: 8 }),
    { minLength: 1, maxLength: 3 },
  ),
).map(([owner, names]) => `x-${[owner, ...names].join("-")}` as const);

const kind = fc.oneof(fc.constant("action" as const), extensionName);
const key = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: MAX_REF_LENGTH,
});
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

const message = fc.string({ unit: "binary", minLength: 1, maxLength: 50 });

/** Text, any JSON, or both. */
export const content: fc.Arbitrary<Content> = fc.oneof(
  fc.record({ message }, { noNullPrototype: true }),
  fc.record({ data }, { noNullPrototype: true }),
  fc.record({ message: text, data }, { noNullPrototype: true }),
);

const extensions = fc.dictionary(extensionName, data, { maxKeys: 2, noNullPrototype: true })
  .filter((given) => new TextEncoder().encode(JSON.stringify(given)).length <= 4096);

function withContent<T>(frame: fc.Arbitrary<T>): fc.Arbitrary<T & Content> {
  return fc.tuple(frame, content, extensions)
    .map(([head, body, extra]) => ({ ...head, ...body, ...extra }));
}

const epoch = fc.string({ unit: "binary-ascii", maxLength: 64 });
const start = {
  recent: fc.integer({ min: 0, max: MAX_HISTORY_PAGE }),
  max: fc.integer({ min: 1, max: MAX_MISSED }),
  presence: fc.constantFrom("names" as const, "count" as const, "none" as const),
};
const position = fc.oneof(
  fields<RoomPosition>({ room }, { epoch, ...start }),
  fields<RoomPosition>({ room, after: fc.constant(0) }, { epoch, ...start }),
  fields<RoomPosition>({ room, epoch, after: count }, start),
);

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
    protocol: id,
    client: fields<Program>({ name: label, version: label }),
    features: fc.array(label, { maxLength: MAX_FEATURES }),
    sender: name,
    token: text,
    session: text,
    rooms: fc.array(position, { maxLength: 4 }),
    echo: fc.boolean(),
    ref,
  }),
  message: withContent(
    frame<ClientFrame, "message">("message", {}, {
      room,
      sender: name,
      ref,
      key,
      kind,
      ...annotations,
    }),
  ) as fc.Arbitrary<ClientFrame>,
  direct: withContent(
    frame<ClientFrame, "direct">("direct", { to: name }, { ref, key, ...annotations }),
  ) as fc.Arbitrary<ClientFrame>,
  join: fc.tuple(position, fields<{ ref?: string | number }>({}, { ref }))
    .map(([where, extra]) => ({ type: "join", ...where, ...extra })),
  leave: frame<ClientFrame, "leave">("leave", { room }, { ref }),
  nick: frame<ClientFrame, "nick">("nick", { name }, { ref }),
  token: frame<ClientFrame, "token">("token", { token: text }, { ref }),
  typing: frame<ClientFrame, "typing">("typing", { room, active: fc.boolean() }, { ref }),
  history: frame<ClientFrame, "history">("history", { room }, {
    before: count,
    after: count,
    limit: page,
    query: fc.string({ unit: "binary", maxLength: MAX_QUERY_LENGTH / 2 }),
    ref,
  }),
  members: frame<ClientFrame, "members">("members", { room }, { ref }),
  ping: frame<ClientFrame, "ping">("ping", {}, { ref }),
};

const stored = withContent(
  frame<HubFrame, "message">("message", { room, id, sender: name, timestamp }, {
    prev: count,
    account: name,
    kind,
    ...annotations,
  }),
) as fc.Arbitrary<Message>;
const messages = fc.array(stored, { maxLength: 3 });
const names = fc.array(name, { maxLength: 4 });
// The parser's has no prototype.
const accounts = fc.dictionary(name, name, { maxKeys: 3 });
const amount = fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => value + 0);

const joined = fields<Joined>({
  room,
  epoch: text,
  first: count,
  last: count,
  recovered: fc.boolean(),
  online: count,
  messages,
  more: fc.boolean(),
}, {
  reset: fc.constantFrom("epoch" as const, "trimmed" as const, "ahead" as const),
  members: names,
  accounts,
});

const request = fc.constantFrom(...Object.keys(CLIENT_FRAMES));

/** One arbitrary for each type of frame that a hub sends. */
export const HUB_FRAMES: { readonly [T in HubFrame["type"]]: fc.Arbitrary<HubFrame> } = {
  welcome: frame<HubFrame, "welcome">("welcome", {
    protocol: id,
    sender: name,
    session: text,
    resumed: fc.boolean(),
    time: timestamp,
    server: fields<Program>({ name: text, version: text }),
    features: fc.dictionary(label, fc.dictionary(label, data, { maxKeys: 2 }), { maxKeys: 2 }),
    limits: fields({
      maxMessageBytes: count,
      maxRooms: count,
      maxFrameBytes: count,
      recent: count,
      rate: amount,
      burst: count,
      heartbeat: amount,
    }),
    rooms: fc.array(room, { maxLength: 3 }),
  }, { account: name, expires: timestamp, ref }),
  joined: fc.tuple(joined, fields<{ ref?: string | number }>({}, { ref }))
    .map(([where, extra]) => ({ type: "joined", ...where, ...extra })),
  live: frame<HubFrame, "live">("live", { room, id: count }),
  left: frame<HubFrame, "left">("left", { room }, { ref }),
  message: stored,
  ack: frame<HubFrame, "ack">("ack", { room, id, epoch: text, timestamp }, {
    ref,
    duplicate: fc.constant(true),
  }),
  direct: withContent(
    frame<HubFrame, "direct">("direct", { sender: name, to: name, timestamp }, {
      ref,
      duplicate: fc.constant(true),
      account: name,
      ...annotations,
    }),
  ) as fc.Arbitrary<HubFrame>,
  presence: frame<HubFrame, "presence">("presence", { room, online: count }, {
    members: names,
    accounts,
    joined: names,
    left: names,
    renamed: fc.array(fields<{ from: string; to: string }>({ from: name, to: name }), {
      maxLength: 3,
    }),
  }),
  renamed: frame<HubFrame, "renamed">("renamed", { from: name, name }),
  typing: frame<HubFrame, "typing">("typing", { room, sender: name, active: fc.boolean() }),
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
  history: frame<HubFrame, "history">(
    "history",
    { room, epoch: text, messages, more: fc.boolean() },
    { ref },
  ),
  members: frame<HubFrame, "members">("members", { room, online: count, members: names }, {
    accounts,
    ref,
  }),
  pong: frame<HubFrame, "pong">("pong", {}, { ref }),
  ok: frame<HubFrame, "ok">("ok", { re: request }, { ref, name, expires: timestamp }),
  error: frame<HubFrame, "error">("error", {
    code: fc.constantFrom(...ERROR_CODES),
    message: text,
    final: fc.boolean(),
  }, { re: request, room, ref, retryAfter: amount }),
  bye: frame<HubFrame, "bye">("bye", {
    code: fc.integer({ min: 1000, max: 4999 }),
    reconnect: fc.boolean(),
    message: text,
  }, { retryAfter: amount, url: text }),
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

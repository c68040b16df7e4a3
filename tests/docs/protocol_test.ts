import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/2020";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
import { RENEWAL_GRACE_SECONDS } from "../../server/authentication.ts";
import { ADDRESS_BURST_SECONDS, DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { NEW_ROOMS_BURST, NEW_ROOMS_RATE } from "../../server/limits/room_limiter.ts";
import {
  CLOSE,
  DEDUPE_MINUTES,
  DEFAULT_LIMITS,
  ERROR_CODES,
  GRACE_SECONDS,
  HELLO_TIMEOUT_SECONDS,
  MAX_BATCH_MESSAGES,
  MAX_BATCH_OBJECTS,
  MAX_DATA_DEPTH,
  MAX_EXTENSION_LENGTH,
  MAX_EXTENSION_NAME,
  MAX_FEATURES,
  MAX_HISTORY_PAGE,
  MAX_MISSED,
  MAX_NAME_LENGTH,
  MAX_NAMED_MEMBERS,
  MAX_QUERY_LENGTH,
  MAX_REF_LENGTH,
  MAX_ROOM_LENGTH,
  MAX_SECRET_LENGTH,
  MAX_VIA,
  parseClientFrame,
  parseHubFrame,
  RETURN_SECONDS,
  shouldReconnect,
} from "../../protocol.ts";
import { CLIENT_TABLE } from "../../protocol/client_table.ts";
import type { FrameType } from "../../protocol/frame_table.ts";
import { HUB_TABLE } from "../../protocol/hub_table.ts";
import {
  codeWords,
  type DocumentedField,
  documentedFrames,
  protocolDocument,
  section,
  tableRows,
} from "../kit/protocol_document.ts";
import { fetchJson } from "../kit/http.ts";
import { startTestHub } from "../kit/test_hub.ts";

const requests = documentedFrames("Client to hub");
const frames = documentedFrames("Hub to client");

/** Fields, and whether every frame has them. */
type FieldSet = Record<string, boolean>;

function documented(fields: readonly DocumentedField[]): FieldSet {
  return sorted(fields.map(({ name, required }) => [name, required]));
}

function fieldsOf({ fields, isExtensible }: FrameType): FieldSet {
  const list = Object.entries(fields).map(([name, { isOptional }]): [string, boolean] => [
    name,
    isOptional !== true,
  ]);
  return sorted(isExtensible === true ? [...list, ["x-…", false]] : list);
}

function sorted(fields: readonly (readonly [string, boolean])[]): FieldSet {
  return Object.fromEntries(fields.toSorted(([a], [b]) => a < b ? -1 : 1));
}

Deno.test("docs/protocol.md lists exactly the frames that a client may send", () => {
  const answer = parseClientFrame(`{"type":"?"}`);
  assert(!answer.ok);
  const known = answer.error.message.split("send one of ")[1]?.split(", ");
  assertEquals(requests.map(({ type }) => type).toSorted(), known?.toSorted());
});

Deno.test("the overviews of docs/protocol.md list the frames that it describes", () => {
  for (const [heading, list] of [["Client to hub", requests], ["Hub to client", frames]] as const) {
    const overview = tableRows(section(heading), "type").map(([type]) => codeWords(type)[0]);
    assertEquals(overview, list.map(({ type }) => type));
  }
});

Deno.test("the parser reads every field of a client's example in docs/protocol.md", () => {
  for (const { type, example } of requests) {
    assertEquals(example["type"], type);
    assertEquals<unknown>(
      parseClientFrame(JSON.stringify(example)),
      { ok: true, frame: example },
      type,
    );
  }
});

Deno.test("the parser reads every field of a hub's example in docs/protocol.md", () => {
  for (const { type, example } of frames) {
    assertEquals(example["type"], type);
    assertEquals<unknown>(
      parseHubFrame(JSON.stringify(example)),
      { ok: true, frame: example },
      type,
    );
  }
});

Deno.test("the examples of docs/protocol.md fit the schema that a hub serves", async () => {
  await using hub = await startTestHub();
  const { body } = await fetchJson(hub, "/api/schema/v1.json");
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(body, "v1");
  for (const [direction, list] of [["client", requests], ["hub", frames]] as const) {
    for (const { type, example } of list) {
      const validate = ajv.getSchema(`v1#/$defs/${direction}.${type}`);
      assert(validate !== undefined, `${direction}.${type}`);
      assert(validate(example), `${type}: ${ajv.errorsText(validate.errors)}`);
    }
  }
});

Deno.test("docs/protocol.md describes every field of its examples", () => {
  for (const { type, fields, example } of [...requests, ...frames]) {
    const described = new Set(fields.map(({ name }) => name));
    for (const field of Object.keys(example)) {
      const name = field.startsWith("x-") ? "x-…" : field;
      assert(field === "type" || described.has(name), `${type}.${field}`);
    }
    for (const { name, required } of fields) {
      if (required) assert(Object.hasOwn(example, name), `${type} needs ${name}`);
    }
  }
});

Deno.test("the tables of docs/protocol.md have the fields of the parsers", () => {
  for (const { type, fields } of requests) {
    const known = fieldsOf(CLIENT_TABLE[type as keyof typeof CLIENT_TABLE]);
    assertEquals(documented(fields), known, type);
  }
  for (const { type, fields } of frames) {
    const known = fieldsOf(HUB_TABLE[type as keyof typeof HUB_TABLE]);
    // The hub always says it; a reader can do without.
    if (type === "ok") known["re"] = true;
    assertEquals(documented(fields), known, type);
  }
});

Deno.test("the reader of presence in docs/protocol.md takes swaps, takeovers and counts", () => {
  const [, code = ""] = /```js\n([^`]+)```/.exec(section("Rules")) ?? [];
  const read = new Function("list", "frame", `${code}\nreturn list && [...list].sort();`);
  const swap = [{ from: "Ann", to: "Bob" }, { from: "Bob", to: "Ann" }];
  const takeover = [{ from: "Ann", to: "Ann-2" }];
  const list = (): Set<string> => new Set(["Ann", "Bob"]);
  assertEquals(read(list(), { renamed: swap }), ["Ann", "Bob"]);
  assertEquals(read(list(), { renamed: takeover, joined: ["Ann"] }), ["Ann", "Ann-2", "Bob"]);
  assertEquals(read(list(), { left: ["Bob"], renamed: [{ from: "Ann", to: "Bob" }] }), ["Bob"]);
  assertEquals(read(list(), { members: ["Cid"] }), ["Cid"]);
  assertEquals(read(list(), {}), undefined);
  assertEquals(read(undefined, { joined: ["Cid"] }), undefined);
});

Deno.test("docs/protocol.md lists exactly the codes", () => {
  const codes = tableRows(section("Codes"), "code");
  assertEquals(codes.map(([code]) => codeWords(code)[0]), [...ERROR_CODES]);

  for (const [code, final] of codes) {
    const parsed = parseHubFrame(
      JSON.stringify({ type: "error", code: codeWords(code)[0], message: "" }),
    );
    assert(parsed.ok && parsed.frame.type === "error");
    assertEquals(parsed.frame.final, final === "yes", code);
  }

  const rows = tableRows(section("Rules"), "close code");
  assertEquals(rows.map(([code]) => Number(code)), Object.values(CLOSE).toSorted((a, b) => a - b));
  for (const [code, , reconnect] of rows) {
    assertEquals(shouldReconnect(Number(code)), reconnect === "yes", code);
  }
});

Deno.test("docs/protocol.md lists the limits of `welcome`", () => {
  const rows = tableRows(section("Limits"), "field");
  const documented = rows.map(([field, value]) => [codeWords(field)[0], Number(value)]);
  assertEquals(Object.fromEntries(documented), { ...DEFAULT_LIMITS });
});

Deno.test("docs/protocol.md states the real limits", () => {
  const limits = DEFAULT_SERVER_LIMITS;
  const rows = new Map(
    tableRows(section("Limits"), "what").map(([what = "", value = ""]) => [what, value]),
  );
  const numbers = (what: string): number[] =>
    [...(rows.get(what) ?? "").matchAll(/\d+/g)].map(([number]) => Number(number));
  assertEquals(numbers("one object"), [
    limits.maxMessageBytes,
    MAX_BATCH_MESSAGES,
    MAX_BATCH_OBJECTS,
  ]);
  assertEquals(numbers("rooms of a client"), [limits.maxRooms]);
  assertEquals(numbers("rooms of the hub"), [
    limits.maxRoomsTotal,
    NEW_ROOMS_BURST,
    NEW_ROOMS_RATE,
  ]);
  assertEquals(numbers("history of a room"), [
    DEFAULT_RETENTION.maxMessages,
    DEFAULT_RETENTION.maxAge / 86_400_000,
  ]);
  assertEquals(numbers("recent messages"), [limits.recent]);
  assertEquals(numbers("rate of a client"), [limits.rate, limits.burst]);
  assertEquals(numbers("rate of an address"), [
    limits.ratePerAddress,
    limits.ratePerAddress * ADDRESS_BURST_SECONDS,
  ]);
  assertEquals(numbers("wrong tokens"), [limits.maxFailures]);
  assertEquals(numbers("time for `hello`"), [limits.helloTimeout]);
  assertEquals(numbers("outbox of a client"), [limits.maxOutboxBytes]);
  assertEquals(numbers("connections"), [limits.maxConnections, limits.maxPerAddress]);
  assertEquals(numbers("heartbeat"), [limits.heartbeat]);
  for (
    const sentence of [
      `within ${HELLO_TIMEOUT_SECONDS} seconds`,
      `within ${RENEWAL_GRACE_SECONDS} seconds`,
      `1 to ${MAX_NAME_LENGTH} visible characters without`,
      `1 to ${MAX_ROOM_LENGTH} of \`a-z`,
      `string of 1 to ${MAX_REF_LENGTH} characters`,
      `1 to ${MAX_REF_LENGTH} visible ASCII characters`,
      `nested at most ${MAX_DATA_DEPTH} levels`,
      `1 to ${MAX_HISTORY_PAGE}`,
      `1 to ${MAX_MISSED}`,
      `up to ${MAX_FEATURES} names`,
      `up to ${MAX_VIA} identifiers`,
      `up to ${MAX_QUERY_LENGTH} characters`,
      `up to ${MAX_SECRET_LENGTH} characters`,
      `at most ${MAX_EXTENSION_NAME} characters`,
      `at most ${MAX_EXTENSION_LENGTH} bytes of JSON`,
      `within ${DEDUPE_MINUTES} minutes`,
      `keeps the session for ${GRACE_SECONDS} seconds`,
      `the first ${RETURN_SECONDS} seconds of a hub`,
      `more than ${MAX_NAMED_MEMBERS}`,
    ]
  ) {
    assert(protocolDocument.replaceAll(/\s+/g, " ").includes(sentence), sentence);
  }
});

Deno.test("docs/protocol.md lists the HTTP responses of the hub", async () => {
  await using hub = await startTestHub();
  const at = hub.url.replace("ws:", "http:").replace(/\/$/, "");
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(at + path, init);
    await response.body?.cancel();
    return response;
  };
  const text = section("Over HTTP");
  const paths = tableRows(text, "path").flatMap(([cell = ""]) =>
    /^`(\/.*)`$/.exec(cell)?.[1] ?? []
  );
  for (const path of paths) {
    const { status } = await ask(path, { headers: { accept: "text/html" } });
    assertEquals([path, status], [path, 200]);
  }
  const told = new Set(tableRows(text, "status").map(([status]) => Number(status)));
  const statuses = await Promise.all([
    ask("/ws"),
    ask("/api/people?room=No%20room"),
    ask("/api/nothing"),
    ask("/api/rooms", { method: "POST" }),
    ask("/api/rooms", { headers: { origin: "https://elsewhere.example" } }),
  ].map(async (answer) => (await answer).status));
  assertEquals(statuses, [426, 400, 404, 405, 403]);
  for (const status of statuses) assert(told.has(status), String(status));
});

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Ajv2020 } from "ajv/2020";
import fc from "fast-check";
import { parseClientFrame } from "../../../protocol.ts";
import { asyncapi } from "../../../server/http/api/asyncapi.ts";
import { frameSchemaDocument } from "../../../server/http/api/frame_schema.ts";
import { CLIENT_FRAMES, HUB_FRAMES, json } from "../../protocol/arbitraries.ts";
import { documentedFrames } from "../../kit/protocol_document.ts";
import { fetchJson, httpUrl } from "../../kit/http.ts";
import { startTestHub } from "../../kit/test_hub.ts";

// The parser counts names and dates itself.
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  validateFormats: false,
});
ajv.addSchema(frameSchemaDocument(), "v1");

/** Whether `frame` is valid, by the name of a schema. */
function fits(schema: string, frame: unknown): boolean {
  const result = ajv.validate(`v1#/$defs/${schema}`, frame);
  assert(typeof result === "boolean");
  return result;
}

/** All parts of a document. */
function* parts(value: unknown, path = "#"): Iterable<readonly [path: string, part: object]> {
  if (typeof value !== "object" || value === null) return;
  yield [path, value];
  for (const [name, inner] of Object.entries(value)) yield* parts(inner, `${path}/${name}`);
}

function assertReferences(document: object): void {
  const known = new Map(parts(document));
  let count = 0;
  for (const [path, part] of known) {
    if (!("$ref" in part)) continue;
    count++;
    assert(known.has(String(part.$ref)), `${path} refers to ${part.$ref}`);
  }
  assertGreater(count, 20);
}

for (
  const [direction, root, frames] of [
    ["client", "ClientFrame", CLIENT_FRAMES],
    ["hub", "HubFrame", HUB_FRAMES],
  ] as const
) {
  for (const [type, arbitrary] of Object.entries(frames)) {
    Deno.test(`the JSON Schema permits every ${type} of a ${direction}`, () => {
      fc.assert(fc.property(arbitrary, (frame) => {
        // As on the wire: without what JSON cannot represent.
        const sent = JSON.parse(JSON.stringify(frame));
        assert(fits(`${direction}.${type}`, sent), ajv.errorsText());
        assert(fits(root, sent), ajv.errorsText());
        assert(fits(root, { ...sent, new: [{}] }), "unknown fields");
      }));
    });
  }
}

Deno.test("the JSON Schema permits what the examples of docs/protocol.md show", () => {
  for (const { example, type } of documentedFrames("Client to hub")) {
    assert(fits("ClientFrame", example), `${type}: ${ajv.errorsText()}`);
  }
  for (const { example, type } of documentedFrames("Hub to client")) {
    assert(fits("HubFrame", example), `${type}: ${ajv.errorsText()}`);
  }
});

/** Values at and beyond the limits of many fields. */
const edge = fc.constantFrom<unknown>(
  ...[null, true, false, -1, 0, 1, 1.5, 500, 501, 10_000, 10_001, "", " ", "a", "A b", "a/b", {}],
  ...["x-a-b", "x-a", "action", "markdown", "names", "count", "a".repeat(64), "a".repeat(65)],
  ...[[], ["a"], ["a b"], [{ room: "a" }], [{ room: "a", after: 1 }], [1], { name: "a" }],
  ...[{ name: "a", version: "b" }, Array(16).fill("a"), Array(17).fill("a"), Array(65).fill("f")],
);

/** What the parser requires beyond the schema: names are normalized, data is bounded in depth. */
const BEYOND = /is not a name|nested deeper/;

Deno.test("the JSON Schema and the parser permit the same frames of clients", () => {
  const names = [
    ..."room to sender name message data ref key kind format via token session rooms echo".split(
      " ",
    ),
    ..."epoch after recent max presence protocol client features active before limit".split(" "),
    ..."query x-a-b".split(" "),
  ];
  const change = fc.tuple(fc.constantFrom(...names), fc.oneof(edge, json));
  const outcomes = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(
      fc.oneof(...Object.values(CLIENT_FRAMES)),
      fc.array(change, { minLength: 1, maxLength: 2 }),
      (frame, changes) => {
        const sent = JSON.parse(JSON.stringify({ ...frame, ...Object.fromEntries(changes) }));
        const parsed = parseClientFrame(JSON.stringify(sent));
        if (!parsed.ok && BEYOND.test(parsed.error.message)) return;
        const valid = parsed.ok && parsed.badRooms === undefined;
        outcomes[valid ? "valid" : "invalid"]++;
        assertEquals(fits("ClientFrame", sent), valid, JSON.stringify([sent, parsed]));
      },
    ),
    { numRuns: 3000 },
  );
  assertGreater(Math.min(outcomes.valid, outcomes.invalid), 300);
});

Deno.test("the JSON Schema of the hub's frames permits later values, types of entries and fields", () => {
  const message = { type: "message", room: "a", id: 1, sender: "b", timestamp: "t", kind: "edit" };
  const page = { type: "history", room: "a", epoch: "e", more: false };
  for (
    const frame of [
      message,
      { ...page, messages: [message, { type: "pin", room: "a", id: 2 }] },
      { type: "error", code: "new", message: "m", final: true, re: "react" },
      { type: "system", message: "m", timestamp: "t", event: "eclipse", new: 1 },
    ]
  ) assert(fits("HubFrame", frame), ajv.errorsText());
  assert(!fits("HubFrame", { ...page, messages: [{ type: "message", id: 1 }] }));
});

Deno.test("the JSON Schema describes every frame and every field", () => {
  for (const [path, part] of parts(frameSchemaDocument())) {
    if (!("properties" in part) || !("additionalProperties" in part)) continue;
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      assertGreater(String(field.description ?? "").length, 2, `${path}/properties/${name}`);
    }
  }
  assertReferences(frameSchemaDocument());
});

Deno.test("the AsyncAPI document names each frame in an operation, and refers only to its parts", () => {
  const document = asyncapi(new URL("https://example.com/chat/api/asyncapi.json"));
  assertReferences(document);
  const text = JSON.stringify(document["operations"]);
  for (const type of Object.keys(CLIENT_FRAMES)) {
    assert(text.includes(`/messages/client.${type}"`), type);
  }
  for (const type of Object.keys(HUB_FRAMES)) assert(text.includes(`/messages/hub.${type}"`), type);
  assertEquals(document["servers"], {
    hub: { host: "example.com", protocol: "wss", pathname: "/chat" },
  });
});

Deno.test("the hub serves the JSON Schema and the AsyncAPI document", async () => {
  await using hub = await startTestHub();
  const schema = await fetchJson(hub, "/api/schema/v1.json");
  assertEquals(schema.body, JSON.parse(JSON.stringify(frameSchemaDocument())));
  const described = await fetchJson(hub, "/api/asyncapi.json");
  const url = new URL(httpUrl(hub, "/api/asyncapi.json"));
  assertEquals(described.body, JSON.parse(JSON.stringify(asyncapi(url))));
});

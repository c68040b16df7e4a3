import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import {
  encode,
  ERROR_CODES,
  parseClientFrame,
  type Parsed,
  parseHubFrame,
  splitBatch,
  visible,
} from "../../protocol.ts";
import { CLIENT_FRAMES, HUB_FRAMES, json, mutated } from "./arbitraries.ts";

/** Checks a result of parsing: a frame that round-trips, or a known error with a harmless message. */
function assertSound<Frame extends object>(
  parse: (text: string) => Parsed<Frame>,
  input: string,
): void {
  const parsed = parse(input);
  if (parsed.ok) {
    assertEquals(parse(encode(parsed.frame)), parsed);
  } else {
    assert(ERROR_CODES.includes(parsed.error.code));
    assertGreater(parsed.error.message.length, 0);
    assertEquals(visible(parsed.error.message), parsed.error.message);
  }
}

const parseClient = (text: string) => parseClientFrame(text, 1024 * 1024);

for (const [type, frames] of Object.entries(CLIENT_FRAMES)) {
  Deno.test(`\`parseClientFrame()\` reads every ${type} that \`encode()\` writes`, () => {
    fc.assert(fc.property(frames, (frame) => {
      assertEquals(parseClient(encode(frame)), { ok: true, frame });
    }));
  });
}

for (const [type, frames] of Object.entries(HUB_FRAMES)) {
  Deno.test(`\`parseHubFrame()\` reads every ${type} that \`encode()\` writes`, () => {
    fc.assert(fc.property(frames, (frame) => {
      assertEquals(parseHubFrame(encode(frame)), { ok: true, frame });
    }));
  });
}

for (
  const [name, parse, frames] of [
    ["parseClientFrame", parseClient, CLIENT_FRAMES],
    ["parseHubFrame", parseHubFrame, HUB_FRAMES],
  ] as const
) {
  Deno.test(`\`${name}()\` never throws for any text`, () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0tfn1-e. \n\ud800') }),
    );
    fc.assert(fc.property(anything, (text) => assertSound<object>(parse, text)), { numRuns: 2000 });
  });

  Deno.test(`\`${name}()\` never throws for any JSON`, () => {
    fc.assert(fc.property(json, (value) => assertSound<object>(parse, JSON.stringify(value))));
  });

  Deno.test(`\`${name}()\` never throws for any fields of a known type`, () => {
    const keys = fc.constantFrom(
      ..."room rooms sender message data ref kind to typing before after limit query id epoch",
      "timestamp",
      "history",
      "messages",
      "members",
      "online",
      "__proto__",
      "toString",
    );
    const types = fc.constantFrom(...Object.keys(frames));
    fc.assert(
      fc.property(types, fc.dictionary(keys, json), (type, rest) => {
        assertSound<object>(parse, JSON.stringify({ ...rest, type }));
      }),
      { numRuns: 1000 },
    );
  });

  Deno.test(`\`${name}()\` never throws for a damaged frame`, () => {
    fc.assert(
      fc.property(mutated(frames), (text) => assertSound<object>(parse, text)),
      { numRuns: 2000 },
    );
  });

  Deno.test(`\`${name}()\` never throws for deep nesting`, () => {
    for (const [open, close] of [["[", "]"], [`{"a":`, "}"]] as const) {
      const deep = open.repeat(30_000) + "1" + close.repeat(30_000);
      for (
        const text of [
          deep,
          open.repeat(30_000),
          `{"type":"message","data":${deep}}`,
          `{"type":${deep}}`,
          `{"type":"ping","ref":${deep}}`,
          `{"type":"message","message":"x","junk":${deep}}`,
        ]
      ) assertSound<object>(parse, text);
    }
  });
}

Deno.test("`parseClientFrame()` returns an error with the `ref`, if there is one", () => {
  for (
    const [text, code, ref] of [
      ["", "bad_json"],
      ["hello", "bad_json"],
      ["{", "bad_json"],
      ["[]", "bad_frame"],
      ["null", "bad_frame"],
      [`"hi"`, "bad_frame"],
      ["{}", "unknown_type"],
      [`{"type":"nonsense","ref":"r"}`, "unknown_type", "r"],
      [`{"type":"__proto__"}`, "unknown_type"],
      [`{"type":"toString","ref":{}}`, "unknown_type"],
      [`{"type":"message","ref":7}`, "bad_frame", 7],
      [`{"type":"message","message":"","ref":7}`, "bad_frame", 7],
      [`{"type":"message","message":1}`, "bad_frame"],
      [`{"type":"message","message":"x","ref":true}`, "bad_frame"],
      [`{"type":"message","message":"x","kind":"shout"}`, "bad_frame"],
      [`{"type":"message","message":"x","room":"No Room","ref":1}`, "bad_room", 1],
      [`{"type":"join"}`, "bad_room"],
      [`{"type":"nick","sender":"a/b"}`, "bad_name"],
      [`{"type":"typing","room":"lobby","typing":"yes"}`, "bad_frame"],
      [`{"type":"history","room":"lobby","after":-1}`, "bad_frame"],
      [`{"type":"history","room":"lobby","after":1.5}`, "bad_frame"],
      [`{"type":"history","room":"lobby","limit":1e999}`, "bad_frame"],
      [`{"type":"hello","rooms":{}}`, "bad_frame"],
      [`{"type":"hello","rooms":[null]}`, "bad_frame"],
    ] as const
  ) {
    const parsed = parseClientFrame(text);
    assert(!parsed.ok, text);
    assertEquals([parsed.error.code, parsed.error.ref], [code, ref], text);
  }
});

Deno.test("`parseClientFrame()` treats null as a missing field", () => {
  assertEquals(
    parseClientFrame(
      `{"type":"message","room":null,"sender":null,"ref":null,"kind":null,"message":"hi"}`,
    ),
    { ok: true, frame: { type: "message", message: "hi" } },
  );
  assertEquals(parseClientFrame(`{"type":"message","room":"a","message":"hi","ref":null}`), {
    ok: true,
    frame: { type: "message", room: "a", message: "hi" },
  });
  assertEquals(parseClientFrame(`{"type":"message","room":null,"message":"hi","ref":"1"}`), {
    ok: true,
    frame: { type: "message", ref: "1", message: "hi" },
  });
  assertEquals(parseClientFrame(`{"type":"message","data":null}`), {
    ok: true,
    frame: { type: "message", data: null },
  });
  assertEquals(parseClientFrame(`{"type":"message","message":null,"data":["ש","👍"]}`), {
    ok: true,
    frame: { type: "message", data: ["ש", "👍"] },
  });
  assertEquals(parseClientFrame(`{"type":"direct","to":"Jean-Luc","message":null,"data":0}`), {
    ok: true,
    frame: { type: "direct", to: "Jean-Luc", data: 0 },
  });
});

Deno.test("`parseClientFrame()` describes a value of the wrong type", () => {
  for (
    const [text, words] of [
      [`{"type":5}`, "unknown type 5: send one of"],
      [`{"type":null}`, `"type" is missing: send one of`],
      [`{"type":["message"]}`, "unknown type (a list): send one of"],
      [`{"type":"join","room":5}`, "5 is not a room: use"],
      [`{"type":"join","room":[["lobby"]]}`, "(a list) is not a room: use"],
      [`{"type":"nick","sender":{"name":"Zoë"}}`, "(an object) is not a name: use"],
      [`{"type":"nick","sender":false}`, "false is not a name: use"],
      [`{"type":"nick","sender":"number"}`, undefined],
    ] as const
  ) {
    const parsed = parseClientFrame(text);
    const said = parsed.ok ? undefined : parsed.error.message.slice(0, words?.length);
    assertEquals(said, words, text);
  }
});

Deno.test("`parseClientFrame()` makes lone surrogates well-formed", () => {
  assertEquals(parseClientFrame(`{"type":"message","message":"\\ud800x","ref":"\\udc00"}`), {
    ok: true,
    frame: { type: "message", message: "\ufffdx", ref: "\ufffd" },
  });
});

Deno.test("`parseHubFrame()` ignores unknown parts of a newer hub's frames", () => {
  const message = { room: "a", id: 1, sender: "b", message: "c", timestamp: "t" };
  assertEquals(
    parseHubFrame(JSON.stringify({ type: "message", ...message, kind: "shout", extra: [1] })),
    { ok: true, frame: { type: "message", ...message } },
  );
  assertEquals(
    parseHubFrame(`{"type":"system","message":"m","timestamp":"t","event":"eclipse"}`),
    { ok: true, frame: { type: "system", message: "m", timestamp: "t", event: "notice" } },
  );
  assertEquals(parseHubFrame(`{"type":"error","code":"new","message":"m"}`), {
    ok: true,
    frame: { type: "error", code: "internal", message: "m" },
  });
  const unknown = parseHubFrame(`{"type":"reaction"}`);
  assert(!unknown.ok);
  assertEquals(unknown.error.code, "unknown_type");
});

Deno.test("`splitBatch()` returns the objects that were joined", () => {
  const batch = fc.array(fc.oneof(...Object.values(CLIENT_FRAMES)), { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(batch, (frames) => {
    const encoded = frames.map(encode);
    assertEquals(splitBatch(encoded.join("\n")), encoded);
    assertEquals(splitBatch(`\n${encoded.join("\r\n \n")}\n`).map((one) => one.trim()), encoded);
  }));
});

Deno.test("`splitBatch()` never throws, and drops only empty lines", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."{}a \n\r\u2028") }), (text) => {
    const parts = splitBatch(text);
    assertEquals(parts.join("").replaceAll(/\s/g, ""), text.replaceAll(/\s/g, ""));
    for (const part of parts) assert(!part.includes("\n"));
  }));
});

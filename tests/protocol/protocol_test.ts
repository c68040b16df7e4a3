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
    assertEquals(parse(encode(parsed.frame)), { ok: true, frame: parsed.frame });
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
      ..."room rooms sender message data ref kind to before after limit query id epoch".split(" "),
      ..."key name token active max recent presence protocol client features prev account".split(
        " ",
      ),
      ..."code final re retryAfter first last recovered more accounts x-a-b x-c".split(" "),
      "timestamp",
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

Deno.test("`parseClientFrame()` returns an error with the request's type, room and `ref`", () => {
  for (
    const [text, code, ref, re, room] of [
      ["", "bad_json"],
      ["hello", "bad_json"],
      ["{", "bad_json"],
      ["[]", "bad_frame"],
      ["null", "bad_frame"],
      [`"hi"`, "bad_frame"],
      ["{}", "unknown_type"],
      [`{"type":"nonsense","ref":"r","room":"a"}`, "unknown_type", "r", undefined, "a"],
      [`{"type":"__proto__"}`, "unknown_type"],
      [`{"type":"toString","ref":{}}`, "unknown_type"],
      [`{"type":"message","ref":7}`, "bad_frame", 7, "message"],
      [`{"type":"message","message":"","ref":7}`, "bad_frame", 7, "message"],
      [`{"type":"message","message":1}`, "bad_frame", undefined, "message"],
      [`{"type":"message","message":"x","ref":true}`, "bad_frame", undefined, "message"],
      [`{"type":"message","message":"x","kind":"shout"}`, "unsupported", undefined, "message"],
      [`{"type":"message","message":"x","kind":7}`, "unsupported", undefined, "message"],
      [`{"type":"message","message":"x","key":""}`, "bad_frame", undefined, "message"],
      [`{"type":"message","message":"x","key":"a b"}`, "bad_frame", undefined, "message"],
      [`{"type":"message","message":"x","key":7}`, "bad_frame", undefined, "message"],
      [
        `{"type":"message","message":"x","room":"No\u202e Room","ref":1}`,
        "bad_room",
        1,
        "message",
        "No<U+202E> Room",
      ],
      [`{"type":"join"}`, "bad_room", undefined, "join"],
      [`{"type":"join","room":5}`, "bad_room", undefined, "join"],
      [`{"type":"join","room":"a","after":3,"ref":2}`, "bad_frame", 2, "join", "a"],
      [`{"type":"join","room":"a","max":0}`, "bad_frame", undefined, "join", "a"],
      [`{"type":"join","room":"a","presence":"all"}`, "bad_frame", undefined, "join", "a"],
      [`{"type":"nick","name":"a/b"}`, "bad_name", undefined, "nick"],
      [`{"type":"token"}`, "bad_frame", undefined, "token"],
      [
        `{"type":"typing","room":"lobby","active":"yes"}`,
        "bad_frame",
        undefined,
        "typing",
        "lobby",
      ],
      [`{"type":"history","room":"lobby","after":-1}`, "bad_frame", undefined, "history", "lobby"],
      [`{"type":"history","room":"lobby","after":1.5}`, "bad_frame", undefined, "history", "lobby"],
      [`{"type":"history","room":"a","limit":1e999}`, "bad_frame", undefined, "history", "a"],
      [`{"type":"hello","rooms":{}}`, "bad_frame", undefined, "hello"],
      [`{"type":"hello","client":{"name":"x"}}`, "bad_frame", undefined, "hello"],
      [`{"type":"hello","features":["x",""]}`, "bad_frame", undefined, "hello"],
      [`{"type":"hello","protocol":0}`, "bad_frame", undefined, "hello"],
    ] as const
  ) {
    const parsed = parseClientFrame(text);
    assert(!parsed.ok, text);
    const { error } = parsed;
    assertEquals([error.code, error.ref, error.re, error.room], [code, ref, re, room], text);
  }
});

Deno.test("`parseClientFrame()` shows at most 64 characters of a bad room", () => {
  const parsed = parseClientFrame(JSON.stringify({ type: "leave", room: "👍".repeat(1000) }));
  assertEquals(!parsed.ok && parsed.error.room, "👍".repeat(64));
});

Deno.test("`parseClientFrame()` reports each bad room of `hello`, and reads the others", () => {
  const good = [{ room: "a", after: 0 }, { room: "b", epoch: "e", after: 7, max: 9 }];
  const bad = [{ room: "No\u001b" }, { room: "c", after: 7 }, "lobby", null, { after: 1 }, 5];
  const parsed = parseClientFrame(
    JSON.stringify({ type: "hello", rooms: [bad[0], good[0], ...bad.slice(1), good[1]] }),
  );
  assert(parsed.ok);
  assertEquals(parsed.frame, { type: "hello", rooms: good });
  assertEquals(parsed.badRooms?.map(({ code, room }) => [code, room]), [
    ["bad_room", "No␛"],
    ["bad_frame", "c"],
    ["bad_frame", "lobby"],
    ["bad_frame", undefined],
    ["bad_room", undefined],
    ["bad_frame", undefined],
  ]);
  const only = parseClientFrame(`{"type":"hello","rooms":[{"room":"lobby","future":1}]}`);
  assertEquals(only, { ok: true, frame: { type: "hello", rooms: [{ room: "lobby" }] } });
});

Deno.test("`parseClientFrame()` treats null as a missing field", () => {
  for (
    const [text, frame] of [
      [
        `{"type":"message","room":null,"sender":null,"ref":null,"kind":null,"message":"hi"}`,
        { type: "message", message: "hi" },
      ],
      [
        `{"type":"message","room":"a","message":"hi","ref":null,"x-a-b":null,"data":null}`,
        { type: "message", room: "a", message: "hi" },
      ],
      [
        `{"type":"message","room":null,"message":"hi","ref":"1","key":null}`,
        { type: "message", ref: "1", message: "hi" },
      ],
      [
        `{"type":"message","message":null,"data":["ש","👍",null]}`,
        { type: "message", data: ["ש", "👍", null] },
      ],
      [
        `{"type":"direct","to":"Jean-Luc","message":null,"data":0}`,
        { type: "direct", to: "Jean-Luc", data: 0 },
      ],
      [
        `{"type":"hello","rooms":[{"room":"a","after":null,"epoch":null}],"session":null}`,
        { type: "hello", rooms: [{ room: "a" }] },
      ],
      [`{"type":"join","room":"a","after":0,"epoch":null}`, { type: "join", room: "a", after: 0 }],
    ] as const
  ) assertEquals(parseClientFrame(text), { ok: true, frame } as unknown, text);
  for (
    const text of [
      `{"type":"message","data":null}`,
      `{"type":"message","message":null,"data":null}`,
      `{"type":"message","message":"","data":null}`,
      `{"type":"typing","room":"a","active":null}`,
      `{"type":"join","room":"a","after":1,"epoch":null}`,
    ]
  ) assert(!parseClientFrame(text).ok, text);
});

Deno.test("`parseClientFrame()` passes on the fields of programs, and no other unknown field", () => {
  const message = { type: "message", message: "x", "x-acme-color": [null], "x-a1-b.c_d-e": 0 };
  const other = { "x-": 1, "x-acme": 1, "x-Acme-color": 1, "x--a": 1, "x-a-": 1, "X-a-b": 1 };
  const long = `x-a-${"b".repeat(61)}`;
  const parsed = parseClientFrame(JSON.stringify({ ...message, ...other, [long]: 1, extra: 1 }));
  assertEquals(parsed, { ok: true, frame: message } as unknown);
  assertEquals(
    parseClientFrame(`{"type":"join","room":"a","x-a-b":1}`),
    { ok: true, frame: { type: "join", room: "a" } },
  );
});

Deno.test("`parseClientFrame()` skips a byte order mark", () => {
  assertEquals(parseClientFrame(`\ufeff{"type":"ping"}`), { ok: true, frame: { type: "ping" } });
});

Deno.test("`parseClientFrame()` describes a value of the wrong type", () => {
  for (
    const [text, words] of [
      [`{"type":5}`, "unknown type 5: send one of"],
      [`{"type":null}`, `"type" is missing: send one of`],
      [`{"type":["message"]}`, "unknown type (a list): send one of"],
      [`{"type":"join","room":5}`, "5 is not a room: use"],
      [`{"type":"join","room":[["lobby"]]}`, "(a list) is not a room: use"],
      [`{"type":"nick","name":{"name":"Zoë"}}`, "(an object) is not a name: use"],
      [`{"type":"nick","name":false}`, "false is not a name: use"],
      [`{"type":"nick","name":"number"}`, undefined],
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

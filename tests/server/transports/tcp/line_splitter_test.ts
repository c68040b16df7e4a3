import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type LineEvent, LineSplitter } from "../../../../server/transports/tcp/line_splitter.ts";

const IAC = 255;
const encoder = new TextEncoder();

function bytesOf(...parts: (string | number[])[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) => typeof part === "string" ? [...encoder.encode(part)] : part),
  );
}

/** The events for `bytes` in pieces that end at `cuts`. */
function split(bytes: Uint8Array, cuts: readonly number[] = [], maxBytes = 100): LineEvent[] {
  const splitter = new LineSplitter(maxBytes);
  const events: LineEvent[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    events.push(...splitter.push(bytes.subarray(start, cut)));
    start = Math.max(start, cut);
  }
  const last = splitter.end();
  return last === undefined ? events : [...events, last];
}

const GARBLED = "(not UTF-8)";

const texts = (events: readonly LineEvent[]): string[] =>
  events.flatMap((each) =>
    each.kind === "line" ? [each.text] : each.kind === "garbled" ? [GARBLED] : []
  );

for (
  const [what, bytes, lines] of [
    ["LF", bytesOf("a\nb\n"), ["a", "b"]],
    ["CR LF", bytesOf("a\r\nb\r\n"), ["a", "b"]],
    ["CR NUL", bytesOf("a\r\0b\r\0"), ["a", "b"]],
    ["a CR inside a line", bytesOf("a\rb\n"), ["a\rb"]],
    ["two CR before LF", bytesOf("a\r\r\n"), ["a\r"]],
    ["a NUL inside a line", bytesOf("a\0b\n"), ["a\0b"]],
    ["empty lines", bytesOf("\n\r\n\n"), ["", "", ""]],
    ["a last line without an end", bytesOf("a\nb"), ["a", "b"]],
    ["invalid UTF-8", bytesOf("a", [0xc3], "b\nc\n", [0xed, 0xa0, 0x80], "\n"), [
      GARBLED,
      "c",
      GARBLED,
    ]],
    ["0xff before text", bytesOf("a", [IAC], "b\n"), [GARBLED]],
    ["0xff before the end of a line", bytesOf("a", [IAC], "\nb\n"), [GARBLED, "b"]],
    ["0xff after a CR", bytesOf("a\r", [IAC], "b\n"), [GARBLED]],
    ["an escaped 0xff", bytesOf("a", [IAC, IAC], "b\n"), [GARBLED]],
    ["options of telnet", bytesOf([IAC, 253, 1], "a", [IAC, 251, 31], "b\n"), ["ab"]],
    ["a subnegotiation", bytesOf("a", [IAC, 250, 31, 0, 80, IAC, IAC, 24, IAC, 240], "b\n"), [
      "ab",
    ]],
    ["a subnegotiation without end", bytesOf([IAC, 250], "x".repeat(513), "a\n"), ["a"]],
    ["commands that need no answer", bytesOf("a", [IAC, 241, IAC, 249], "b\n"), ["ab"]],
    ["erase line", bytesOf("abc", [IAC, 248], "d\n"), ["d"]],
    ["a byte order mark", bytesOf("\ufeffa\n"), ["\ufeffa"]],
  ] as [string, Uint8Array, string[]][]
) {
  Deno.test(`\`LineSplitter\` reads ${what}, split at every byte`, () => {
    assertEquals(texts(split(bytes)), lines);
    const whole = split(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) assertEquals(split(bytes, [cut]), whole);
  });
}

Deno.test("`LineSplitter` emits the same events wherever the stream is split", () => {
  const interesting = fc.oneof(
    fc.constantFrom(0, 10, 13, 240, 244, 246, 248, 250, 251, 253, 255),
    fc.integer({ min: 0, max: 255 }),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 0 }).chain(() => fc.array(interesting, { maxLength: 200 })),
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 20 }),
      (numbers, cuts) => {
        const bytes = new Uint8Array(numbers);
        const sorted = cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b);
        assertEquals(split(bytes, sorted, 20), split(bytes, [], 20));
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("`LineSplitter` emits a line over the limit at once, longer than any message may be", () => {
  const splitter = new LineSplitter(10);
  assertEquals([...splitter.push(bytesOf("0123456789"))], []);
  assertEquals([...splitter.push(bytesOf("x"))], [
    { kind: "line", text: "0123456789…", crlf: false },
  ]);
  assertEquals([...splitter.push(bytesOf("y".repeat(100_000)))], []);
  assertEquals(texts([...splitter.push(bytesOf("z\r\nnext\n"))]), ["next"]);
});

Deno.test("`LineSplitter` accepts a line of exactly the limit", () => {
  assertEquals(texts(split(bytesOf("0123456789\n"), [], 10)), ["0123456789"]);
  assertEquals(texts(split(bytesOf("0123456789\r\n"), [], 10)), ["0123456789"]);
});

Deno.test("`LineSplitter` never buffers more than the limit", () => {
  const splitter = new LineSplitter(1024);
  const piece = new Uint8Array(64 * 1024).fill(0x61);
  let lines = 0;
  for (let count = 0; count < 200; count++) lines += [...splitter.push(piece)].length;
  assertEquals(lines, 1);
  assertEquals(splitter.end(), undefined);
});

Deno.test("`LineSplitter` refuses each telnet option once, and answers each timing mark", () => {
  const answers = (events: LineEvent[]): number[][] =>
    events.filter((each) => each.kind === "answer").map(({ bytes }) => [...bytes]);
  const asked = bytesOf([IAC, 253, 1, IAC, 251, 31, IAC, 253, 1, IAC, 254, 3, IAC, 252, 3]);
  assertEquals(answers(split(asked)), [[IAC, 252, 1], [IAC, 254, 31]]);
  const interrupted = split(bytesOf([IAC, 244, IAC, 253, 6, IAC, 244, IAC, 253, 6]));
  assertEquals(interrupted.map(({ kind }) => kind), [
    ...["interrupt", "answer", "interrupt", "answer"],
  ]);
  assert(answers(interrupted).every(([, verb, option]) => verb === 252 && option === 6));
});

Deno.test("`LineSplitter` stops answering a flood of timing marks", () => {
  const splitter = new LineSplitter(1000);
  const mark = [255, 253, 6];
  const count = (marks: number): number =>
    [...splitter.push(new Uint8Array(Array.from({ length: marks }, () => mark).flat()))].length;
  assertEquals(count(50), 50);
  assert(count(100_000) < 100);
  assertEquals(count(10), 0);
  assertEquals([...splitter.push(new TextEncoder().encode("日本\n"))], [
    { kind: "line", text: "日本", crlf: false },
  ]);
});

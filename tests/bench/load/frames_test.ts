import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type FrameConsumer,
  FrameReader,
  FrameWriter,
  FramingError,
  MaskSource,
  OPCODE,
} from "../../../bench/load/frames.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Records frames as text. */
class Record implements FrameConsumer {
  readonly seen: string[] = [];
  data(bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(decoder.decode(bytes.subarray(start, end)));
  }
  control(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`${opcode}:${decoder.decode(bytes.subarray(start, end))}`);
  }
}

/** A frame of a server. */
function frame(first: number, payload: string): number[] {
  const bytes = encoder.encode(payload);
  const size = bytes.length;
  const length = size < 126
    ? [size]
    : size < 65536
    ? [126, size >>> 8, size & 0xff]
    : [127, 0, 0, 0, 0, size >>> 24, (size >>> 16) & 0xff, (size >>> 8) & 0xff, size & 0xff];
  return [first, ...length, ...bytes];
}

function feed(reader: FrameReader, bytes: Uint8Array, sink: FrameConsumer): void {
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    assert(space.length > 0);
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    reader.advance(part.length, sink);
    at += part.length;
  }
}

const TEXTS = ["", "a", "x".repeat(125), "y".repeat(126), "z".repeat(300), "äöü€"];
const STREAM = new Uint8Array([
  ...TEXTS.flatMap((text) => frame(0x81, text)),
  ...frame(0x89, "ping"),
  ...frame(0x01, "in "),
  ...frame(0x80 | OPCODE.pong, ""),
  ...frame(0x00, "three "),
  ...frame(0x80, "parts"),
  ...frame(0x88, "\x03\xe8"),
]);
const EXPECTED = [...TEXTS, "9:ping", "10:", "in three parts", "8:\x03\xe8"];

Deno.test("FrameReader.advance() passes on every frame when they arrive at once", () => {
  const record = new Record();
  feed(new FrameReader(4096), STREAM, record);
  assertEquals(record.seen, EXPECTED);
});

Deno.test("FrameReader.advance() passes on every frame when they arrive split at any byte", () => {
  for (let split = 1; split < STREAM.length; split++) {
    const record = new Record();
    const reader = new FrameReader(1024);
    feed(reader, STREAM.subarray(0, split), record);
    feed(reader, STREAM.subarray(split), record);
    assertEquals(record.seen, EXPECTED, `split at ${split}`);
  }
});

Deno.test("FrameReader.advance() passes on every frame when they arrive byte by byte", () => {
  const record = new Record();
  const reader = new FrameReader(256);
  for (let i = 0; i < STREAM.length; i++) feed(reader, STREAM.subarray(i, i + 1), record);
  assertEquals(record.seen, EXPECTED);
});

Deno.test("FrameReader.advance() grows its buffer when a frame has a 64-bit length", () => {
  const large = "L".repeat(70_000);
  const bytes = new Uint8Array([
    ...frame(0x81, "before"),
    ...frame(0x81, large),
    ...frame(0x81, "after"),
  ]);
  for (const step of [1, 7, 1000, bytes.length]) {
    const record = new Record();
    const reader = new FrameReader(256);
    for (let at = 0; at < bytes.length; at += step) {
      feed(reader, bytes.subarray(at, at + step), record);
    }
    assertEquals(record.seen, ["before", large, "after"], `in steps of ${step}`);
  }
});

Deno.test("FrameReader.advance() throws when a frame breaks the protocol", () => {
  const broken: [string, number[]][] = [
    ["masked", [0x81, 0x81, 1, 2, 3, 4, 5]],
    ["reserved bits", [0xc1, 0]],
    ["a fragmented ping", [0x09, 0]],
    ["a continuation of nothing", [0x80, 0]],
    ["a text inside a fragmented one", [0x01, 0, 0x81, 0]],
    ["a size of exabytes", [0x81, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ];
  for (const [what, bytes] of broken) {
    const reader = new FrameReader(256);
    assertThrows(
      () => feed(reader, new Uint8Array(bytes), new Record()),
      FramingError,
      "Cannot read frame",
    );
    assert(what);
  }
});

/** Unmasks the frame at `at`. */
function unmask(bytes: Uint8Array, at: number): { opcode: number; text: string; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const short = view.getUint8(at + 1) & 0x7f;
  const size = short < 126
    ? short
    : short === 126
    ? view.getUint16(at + 2)
    : Number(view.getBigUint64(at + 2));
  const key = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
  const start = key + 4;
  const plain = bytes.slice(start, start + size).map((byte, i) =>
    byte ^ view.getUint8(key + i % 4)
  );
  return {
    opcode: view.getUint8(at),
    text: decoder.decode(plain),
    end: start + size,
  };
}

Deno.test("FrameWriter.append() masks every frame at all length boundaries", () => {
  const writer = new FrameWriter(new MaskSource());
  const texts = [0, 1, 2, 3, 4, 5, 125, 126, 127, 65535, 65536, 70_001].map((size) =>
    "m".repeat(size)
  );
  for (const text of texts) writer.append(OPCODE.text, encoder.encode(text));
  const bytes = writer.take();
  let at = 0;
  for (const text of texts) {
    const frame = unmask(bytes, at);
    assertEquals(frame.opcode, 0x81);
    assertEquals(frame.text, text);
    at = frame.end;
  }
  assertEquals(at, bytes.length);
  assertEquals(writer.length, 0);
});

Deno.test("FrameWriter.take() does not change taken bytes on later appends", () => {
  const writer = new FrameWriter(new MaskSource());
  writer.append(OPCODE.text, encoder.encode("first"));
  const first = writer.take();
  writer.append(OPCODE.text, encoder.encode("second"));
  assertEquals(unmask(first, 0).text, "first");
  writer.recycle(first);
  assertEquals(unmask(writer.take(), 0).text, "second");
  writer.append(OPCODE.text, encoder.encode("third"));
  assertEquals(unmask(writer.take(), 0).text, "third");
});

Deno.test("MaskSource.next() returns different keys", () => {
  const masks = new MaskSource();
  const keys = new Set(Array.from({ length: 3000 }, () => masks.next()));
  assert(keys.size > 2990);
});

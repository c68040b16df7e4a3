import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BatchScanner, type ObjectSink } from "../../../bench/load/scanner.ts";
import {
  blankPayload,
  findStamp,
  STAMP_BYTES,
  stampMicros,
  stampPublisher,
  stampSequence,
  writeStamp,
} from "../../../bench/load/stamp.ts";
import { IdTracker } from "../../../bench/load/tracker.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class Record implements ObjectSink {
  readonly wantsOthers: boolean;
  constructor(wantsOthers: boolean) {
    this.wantsOthers = wantsOthers;
  }
  readonly ids: number[] = [];
  readonly objects: string[] = [];
  message(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.ids.push(id);
    this.objects.push(decoder.decode(bytes.subarray(start, end)));
  }
  other(bytes: Uint8Array, start: number, end: number): void {
    this.objects.push(decoder.decode(bytes.subarray(start, end)));
  }
}

function message(id: number, text = "hello"): string {
  const timestamp = "2026-01-02T03:04:05.678Z";
  return JSON.stringify({ type: "message", room: "r", id, sender: "A", message: text, timestamp });
}

const ACK = `{"type":"ack","ref":"000000001","room":"r","id":7,"timestamp":"x"}`;
const PRESENCE = `{"type":"presence","room":"r","online":2}`;

/** Scans frames in the middle of a buffer with other content. */
function scan(
  frames: readonly (readonly string[])[],
  wantsOthers = true,
): { record: Record; scanner: BatchScanner } {
  const record = new Record(wantsOthers);
  const scanner = new BatchScanner();
  for (const objects of frames) {
    const frame = encoder.encode(objects.join("\n"));
    const buffer = encoder.encode(`${message(999)}\n`.repeat(2));
    const bytes = new Uint8Array(buffer.length * 2 + frame.length);
    bytes.set(buffer);
    bytes.set(frame, buffer.length);
    bytes.set(buffer, buffer.length + frame.length);
    scanner.scan(bytes, buffer.length, buffer.length + frame.length, record);
  }
  return { record, scanner };
}

Deno.test("BatchScanner.scan() parses only the first message when all are alike", () => {
  const frames = [1, 2, 3].map((part) =>
    Array.from({ length: 50 }, (_, i) => message((part - 1) * 50 + i + 1))
  );
  for (const wantsOthers of [true, false]) {
    const { record, scanner } = scan(frames, wantsOthers);
    assertEquals(record.ids, Array.from({ length: 150 }, (_, i) => i + 1));
    assertEquals(record.objects, frames.flat());
    assertEquals(scanner.parsedMessages, 1);
  }
});

Deno.test("BatchScanner.scan() skips no message when a shorter object ends before the guessed end", () => {
  // The two in the middle together are as long as the one before.
  const long = message(2, "x".repeat(200));
  const ack = ACK;
  const short = message(3, "y");
  const padded = message(3, "y".repeat(long.length - ack.length - 1 - short.length + 1));
  assertEquals(padded.length + 1 + ack.length, long.length);
  for (const middle of [[padded, ack], [ack, padded]]) {
    const objects = [message(1, "x".repeat(200)), long, ...middle, message(4, "z")];
    assertEquals(scan([objects]).record.objects, objects);
    assertEquals(scan([objects], false).record.ids, [1, 2, 3, 4]);
  }
});

Deno.test("BatchScanner.scan() passes on every object of any mixture", () => {
  const text = fc.constantFrom("a", "b", "longer text", `"id":5`, "\n", "~", "ü");
  const kind = fc.oneof(
    { arbitrary: text.map((t) => (id: number) => message(id, t)), weight: 5 },
    fc.constant(() => ACK),
    fc.constant(() => PRESENCE),
  );
  fc.assert(fc.property(fc.array(fc.array(kind)), (shape) => {
    let id = 0;
    const ids: number[] = [];
    const frames = shape.map((objects) =>
      objects.map((make) => {
        const object = make(id + 1);
        if (object.startsWith(`{"type":"message"`)) ids.push(++id);
        return object;
      })
    );
    assertEquals(scan(frames, false).record.ids, ids);
    const { record } = scan(frames);
    assertEquals(record.ids, ids);
    assertEquals(record.objects, frames.flat());
  }));
});

Deno.test("BatchScanner.scan() falls back to parsing if ids are elsewhere", () => {
  const odd = [
    `{"type":"message","sender":"A","id":1,"room":"r","message":"x","timestamp":"t"}`,
    `{"id":2,"type":"message","room":"r","sender":"A","message":"x","timestamp":"t"}`,
    `{"type":"message","data":{"id":77},"id":3,"room":"r","sender":"A","timestamp":"t"}`,
  ];
  const { record, scanner } = scan([odd, odd]);
  assertEquals(record.ids, [1, 2, 3, 1, 2, 3]);
  assertEquals(scanner.parsedMessages, 6);
});

Deno.test("BatchScanner.scan() passes on objects that are not JSON as others", () => {
  const { record } = scan([["garbage", "", message(1), "{"]]);
  assertEquals(record.objects, ["garbage", message(1), "{"]);
});

Deno.test("writeStamp() is read back for any values that fit", () => {
  const publisher = fc.integer({ min: 0, max: 999 });
  const sequence = fc.integer({ min: 0, max: 10 ** 9 - 1 });
  const micros = fc.integer({ min: 0, max: 10 ** 12 - 1 });
  fc.assert(fc.property(publisher, sequence, micros, (p, s, t) => {
    const text = JSON.stringify({ sender: "~~~", message: blankPayload(100) });
    const bytes = encoder.encode(text);
    const at = text.indexOf("~000");
    writeStamp(bytes, at, p, s, t);
    assertEquals(findStamp(bytes, 0, bytes.length), at);
    assertEquals([stampPublisher(bytes, at), stampSequence(bytes, at)], [p, s]);
    assertEquals(stampMicros(bytes, at), t);
    assertEquals(bytes.length, text.length);
  }));
});

Deno.test("findStamp() finds no truncated or missing stamp", () => {
  const bytes = encoder.encode(blankPayload(STAMP_BYTES));
  assertEquals(findStamp(bytes, 0, bytes.length), 0);
  assertEquals(findStamp(bytes, 0, bytes.length - 1), -1);
  assertEquals(findStamp(encoder.encode("~".repeat(20)), 0, 20), -1);
  assertThrows(() => blankPayload(STAMP_BYTES - 1), RangeError, "the least is");
});

Deno.test("IdTracker.see() counts nothing when ids are consecutive", () => {
  const tracker = new IdTracker(10);
  for (let id = 11; id <= 1000; id++) tracker.see(id);
  tracker.finish(1000);
  assertEquals([tracker.lost, tracker.duplicated, tracker.outOfOrder], [0, 0, 0]);
});

Deno.test("IdTracker.see() distinguishes lost, duplicated and late ids", () => {
  const tracker = new IdTracker(0);
  for (const id of [1, 2, 5, 4, 5, 6, 2, 9]) tracker.see(id);
  // 3, 7 and 8 are lost, 4 is late, 5 and 2 are duplicates.
  assertEquals([tracker.lost, tracker.duplicated, tracker.outOfOrder], [3, 2, 1]);
  tracker.finish(12);
  assertEquals(tracker.lost, 6);
});

Deno.test("IdTracker.see() starts at any id without a position", () => {
  const tracker = new IdTracker();
  tracker.see(40);
  tracker.see(41);
  assertEquals([tracker.last, tracker.lost], [41, 0]);
  const deaf = new IdTracker();
  deaf.finish(3);
  assert(deaf.lost === 3);
});

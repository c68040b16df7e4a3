import { assert, assertEquals } from "@std/assert";
import { sizeNearLimit } from "../../chat/size.ts";

const LIMITS = { maxMessageBytes: 1000 };
const ROOM = { kind: "room", room: "lobby" } as const;

Deno.test("sizeNearLimit() counts bytes on the wire from nine tenths of the limit", () => {
  assertEquals(sizeNearLimit("x".repeat(700), ROOM, LIMITS), undefined);
  const { bytes = 0, limit } = sizeNearLimit("x".repeat(870), ROOM, LIMITS) ?? {};
  assertEquals(limit, 1000);
  assertEquals(sizeNearLimit("x".repeat(871), ROOM, LIMITS)?.bytes, bytes + 1);
  // Quotes, control characters and other scripts take more than one byte.
  assertEquals(sizeNearLimit("x".repeat(870) + '"', ROOM, LIMITS)?.bytes, bytes + 2);
  assertEquals(sizeNearLimit("x".repeat(870) + "\x01", ROOM, LIMITS)?.bytes, bytes + 6);
  assertEquals(sizeNearLimit("x".repeat(870) + "é", ROOM, LIMITS)?.bytes, bytes + 2);
});

Deno.test("sizeNearLimit() counts the receiver and the kind", () => {
  const text = "x".repeat(870);
  const size = (place: Parameters<typeof sizeNearLimit>[1], kind?: "action"): number =>
    sizeNearLimit(text, place, LIMITS, kind)?.bytes ?? 0;
  assertEquals(size({ kind: "room", room: "lobby2" }), size(ROOM) + 1);
  assert(size(ROOM, "action") > size(ROOM));
  assertEquals(
    size({ kind: "private", name: "李" }),
    size({ kind: "private", name: "x" }) + 2,
  );
});

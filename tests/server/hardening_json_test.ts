import { assert, assertEquals } from "@std/assert";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import type { Message } from "../../protocol.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { collectLog } from "../kit/collected_log.ts";
import { within } from "../kit/wait.ts";

const message = (rest: string): string => `{"type":"message","ref":"r",${rest}}`;
const K64 = 64 * 1024;

/** A message whose JSON takes exactly `bytes`. */
function sized(bytes: number): string {
  const frame = message(`"message":""`);
  return frame.replace(`"message":""`, `"message":"${"x".repeat(bytes - frame.length)}"`);
}

/** A hostile object, and the error code that its sender gets, or none for an ack. */
const TABLE: readonly (readonly [what: string, frame: string, answer: string])[] = [
  ["a message of exactly 64 KiB", sized(K64), "ack"],
  ["a message of 64 KiB and a byte", sized(K64 + 1), "too_big"],
  ["30,000 numbers in an array", message(`"data":[${"1,".repeat(30_000)}1]`), "ack"],
  ["15,000 empty objects in an array", message(`"data":[${"{},".repeat(15_000)}{}]`), "ack"],
  ["64 levels", message(`"data":${"[".repeat(64)}${"]".repeat(64)}`), "ack"],
  ["30,000 levels that never end", message(`"data":${"[".repeat(30_000)}`), "bad_json"],
  [
    "10,000 levels of objects",
    message(
      `"data":${'{"":'.repeat(10_000)}1${"}".repeat(10_000)}`,
    ),
    "bad_frame",
  ],
  ["a key of 60 KB", message(`"data":{"${"k".repeat(60_000)}":1}`), "ack"],
  [
    "5,000 unknown fields",
    message(
      `${Array.from({ length: 5000 }, (_, n) => `"f${n}":1`).join()},"message":"m"`,
    ),
    "ack",
  ],
  ["5,000 equal fields", message(`${`"message":"m",`.repeat(4000)}"message":"m"`), "ack"],
  ["a second type that is none", message(`"message":"m","type":"nothing"`), "unknown_type"],
  ["__proto__ as a field", message(`"message":"m","__proto__":{"kind":"action"}`), "ack"],
  ["a number beyond all numbers", message(`"data":1e999`), "bad_frame"],
  ["a number of 60,000 digits", message(`"data":${"9".repeat(60_000)}`), "bad_frame"],
  ["a lone surrogate, escaped", message(`"message":"\\ud800"`), "ack"],
  ["a NUL, escaped", message(`"message":"a\\u0000b"`), "ack"],
  ["10,000 escapes", message(`"message":"${"\\u0041".repeat(10_000)}"`), "ack"],
];

for (const [what, frame, expected] of TABLE) {
  Deno.test(`hardening: ${what}: ${expected}, and a bystander loses nothing`, async () => {
    await using trouble = await collectLog();
    await using hub = await startTestHub();
    await using bystander = await TestSocket.plain(hub.url, "Bystander");
    await using offender = await TestSocket.plain(hub.url, "Offender");
    offender.send(frame);
    offender.send({ type: "ping", ref: "end" });
    await offender.next("pong");
    const answers = offender.frames.map((text) => JSON.parse(text));
    const error = answers.find(({ type }) => type === "error");
    const got = error?.code ?? answers.find(({ type }) => type === "ack")?.type;
    assertEquals(got, expected, error?.message);
    bystander.send({ type: "message", message: "still here" });
    const last = await bystander.next("message", ({ message }) => message === "still here");
    assertEquals(last["id"], expected === "ack" ? 2 : 1);
    assertEquals(trouble.errors, []);
  });
}

Deno.test("hardening: `__proto__` in a message arrives unchanged and has no effect", async () => {
  await using hub = await startTestHub();
  await using client = await TestSocket.plain(hub.url);
  client.send(message(`"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"x":1}}}`));
  await client.next("message");
  const raw = client.frames.findLast((frame) => frame.includes(`"data"`)) ?? "";
  assert(raw.includes(`"data":{"__proto__":{"polluted":1},"constructor":`), raw);
  assertEquals("polluted" in {}, false);
  assertEquals("x" in {}, false);
});

for (
  const [what, frame, code] of [
    ["340,000 empty objects in one frame", "{}\n".repeat(340_000), 1009],
    ["one object too many in one frame", `{"type":"ping"}\n`.repeat(8193), 1009],
    ["a million empty lines in one frame", "\n".repeat(1_000_000), 0],
    ["8,192 objects in one frame", "{}\n".repeat(8192), 0],
  ] as const
) {
  Deno.test(`hardening: ${what}: ${code || "answered"}, without delay for others`, async () => {
    await using trouble = await collectLog();
    await using hub = await startTestHub();
    await using bystander = await TestSocket.plain(hub.url, "Bystander");
    const [offender] = await TestSocket.v1(hub.url, { sender: "Offender" });
    await using _offender = offender;
    offender.send(frame);
    const started = performance.now();
    bystander.send({ type: "message", message: "still here" });
    assertEquals((await bystander.next("message"))["id"], 1);
    const waited = performance.now() - started;
    assert(waited < 2000, `a bystander waited ${waited} ms`);
    if (code !== 0) {
      const closed = await within(offender.closed, "the close");
      assertEquals(closed.code, code);
      assert(closed.reason.includes("8192 objects"), closed.reason);
    } else {
      offender.send({ type: "ping" });
      await offender.next("pong");
    }
    assertEquals(trouble.errors, []);
  });
}

Deno.test("hardening: the backlog of a client that waits for an answer is bounded in bytes", async () => {
  await using trouble = await collectLog();
  const broker = await openSqliteBroker({ path: ":memory:" });
  const answered = Promise.withResolvers<readonly Message[]>();
  broker.search = () => answered.promise;
  await using hub = await startTestHub({ broker });
  await using bystander = await TestSocket.plain(hub.url, "Bystander");
  const offender = await TestSocket.plain(hub.url, "Offender");
  const patient = await TestSocket.plain(hub.url, "Patient");
  for (const client of [offender, patient]) {
    client.send({ type: "history", room: "lobby", query: "slow" });
  }
  for (let count = 0; count < 9; count++) offender.send("x".repeat(1_000_000));
  const { code, reason } = await within(offender.closed, "the close");
  assertEquals([code, reason], [4029, "You sent more than could be answered: slow down"]);
  // Clients below the limit are answered, in order.
  for (let count = 0; count < 7; count++) patient.send("x".repeat(1_000_000));
  patient.send({ type: "ping" });
  answered.resolve([]);
  await patient.next("history");
  await patient.next("pong");
  assertEquals(patient.all("error").map((error) => error["code"]), Array(7).fill("too_big"));
  bystander.send({ type: "message", message: "still here" });
  assertEquals((await bystander.next("message"))["id"], 1);
  await patient.close();
  assertEquals(trouble.errors, []);
});

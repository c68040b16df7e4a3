import { assertEquals } from "@std/assert";
import { DEDUPE_MINUTES, type DirectRequest } from "../../protocol.ts";
import {
  DirectKeys,
  MAX_DIRECT_KEYS,
  MAX_DIRECT_KEYS_OF_SENDER,
} from "../../server/direct_keys.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { startTestHub, tokenIsName } from "../kit/test_hub.ts";
import { type ReceivedFrame, TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

const SENT = { sender: "Al", to: "Bo", timestamp: "2026-01-01T00:00:00.000Z" };

function request(key: string, message = "m", to = "Bo"): DirectRequest {
  return { type: "direct", to, message, key };
}

Deno.test("`DirectKeys.find()` distinguishes senders, receivers and keys, and compares contents", () => {
  const keys = new DirectKeys(new FakeClock());
  keys.add("al", request("k"), SENT);
  const found = (scope: string, frame: DirectRequest): unknown => {
    const sent = keys.find(scope, frame);
    return typeof sent === "object" ? sent.timestamp : sent;
  };
  assertEquals(found("al", request("k")), SENT.timestamp);
  // The same name in another spelling.
  assertEquals(found("al", request("k", "m", "BO")), SENT.timestamp);
  assertEquals(found("al", { ...request("k"), ref: 7 }), SENT.timestamp);
  assertEquals(found("al", request("k", "n")), "reused");
  assertEquals(found("al", { ...request("k"), data: 1 }), "reused");
  assertEquals(found("al", { ...request("k"), format: "markdown" }), "reused");
  assertEquals(found("al", { ...request("k"), "x-acme-job": 1 }), "reused");
  assertEquals(found("bo", request("k")), undefined);
  assertEquals(found("al", request("K")), undefined);
  assertEquals(found("al", request("k", "m", "Cy")), undefined);
  assertEquals(found("al", { type: "direct", to: "Bo", message: "m" }), undefined);
});

Deno.test(`\`DirectKeys\` forgets a key after ${DEDUPE_MINUTES} minutes`, () => {
  const clock = new FakeClock();
  const keys = new DirectKeys(clock);
  keys.add("al", request("k"), SENT);
  clock.advance(DEDUPE_MINUTES * 60_000 - 1);
  keys.add("al", request("l"), SENT);
  assertEquals(keys.find("al", request("k"))?.toString(), "[object Object]");
  clock.advance(1);
  assertEquals(keys.find("al", request("k")), undefined);
  assertEquals(keys.size, 1);
  clock.advance(DEDUPE_MINUTES * 60_000);
  assertEquals(keys.find("al", request("l")), undefined);
  assertEquals(keys.size, 0);
});

Deno.test("`DirectKeys` forgets the oldest keys of a sender with too many, and the oldest of all", () => {
  const keys = new DirectKeys(new FakeClock());
  const knows = (scope: string, key: string): boolean =>
    keys.find(scope, request(key)) !== undefined;
  keys.add("bo", request("0"), SENT);
  for (let key = 0; key <= MAX_DIRECT_KEYS_OF_SENDER; key++) {
    keys.add("al", request(`${key}`), SENT);
  }
  assertEquals(keys.size, MAX_DIRECT_KEYS_OF_SENDER + 1);
  assertEquals([knows("al", "0"), knows("al", "1"), knows("bo", "0")], [false, true, true]);
  for (let sender = 0; keys.size < MAX_DIRECT_KEYS; sender++) {
    keys.add(`s${sender}`, request("k"), SENT);
  }
  assertEquals([knows("bo", "0"), knows("al", "1")], [true, true]);
  keys.add("last", request("k"), SENT);
  assertEquals(keys.size, MAX_DIRECT_KEYS);
  assertEquals([knows("bo", "0"), knows("al", "1"), knows("last", "k")], [false, true, true]);
});

/** The private messages and errors that `socket` gets in answer to `frame`. */
async function answer(socket: TestSocket, frame: object): Promise<ReceivedFrame> {
  const start = socket.frames.length;
  socket.send(frame);
  return await until(
    "an answer",
    () =>
      socket.frames.slice(start).map((text) => JSON.parse(text) as ReceivedFrame)
        .find(({ type }) => type === "direct" || type === "error"),
  );
}

Deno.test("a repeated private message reaches its receiver once, also if that has left since", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock, authorizer: tokenIsName });
  const [al, { session }] = await TestSocket.v1(hub.url, { sender: "Al" });
  await using _al = al;
  await using bo = await TestSocket.plain(hub.url, "Bo");
  await using cy = await TestSocket.plain(hub.url, "Cy");
  const direct = {
    type: "direct",
    to: "bo",
    data: { a: 1, b: 2 },
    "x-acme-job": 7,
    key: "k",
  };
  const first = await answer(al, { ...direct, ref: 1 });
  const { timestamp, ...rest } = first;
  const shown = {
    type: "direct",
    sender: "Al",
    to: "Bo",
    data: { a: 1, b: 2 },
    "x-acme-job": 7,
  };
  assertEquals(rest, { ...shown, ref: 1 });
  assertEquals(await bo.next("direct"), { ...shown, timestamp });
  clock.advance(1000);
  assertEquals(
    await answer(al, { ...direct, to: "BO", data: { b: 2, a: 1 }, ref: 2 }),
    { ...first, ref: 2, duplicate: true },
  );
  assertEquals(await answer(al, { ...direct, data: 3, ref: 3 }), {
    type: "error",
    code: "key_reused",
    message: "The key was used for another private message: use a new key for each message",
    re: "direct",
    ref: 3,
    final: true,
  });
  // Another receiver, another sender: other messages.
  assertEquals((await answer(al, { ...direct, to: "Cy" }))["duplicate"], undefined);
  assertEquals((await answer(cy, direct))["duplicate"], undefined);
  // A new connection of the same session is the same sender.
  const [again] = await TestSocket.v1(hub.url, { session, sender: "Al" });
  await using _again = again;
  assertEquals((await answer(again, direct))["duplicate"], true);
  assertEquals(bo.all("direct").length, 2);
  await bo.close();
  assertEquals((await answer(again, direct))["timestamp"], timestamp);
});

Deno.test("a private message that was refused may be sent again with its key", async () => {
  const clock = new FakeClock();
  await using hub = await startTestHub({ clock });
  await using al = await TestSocket.plain(hub.url, "Al");
  const direct = { type: "direct", to: "Bo", message: "m", key: "k" };
  assertEquals((await answer(al, direct))["code"], "no_such_user");
  await using bo = await TestSocket.plain(hub.url, "Bo");
  assertEquals((await answer(al, direct))["duplicate"], undefined);
  assertEquals((await bo.next("direct"))["message"], "m");
  assertEquals((await answer(al, direct))["duplicate"], true);
});

Deno.test("a private message carries the account of its sender, which is the same in all sessions", async () => {
  await using hub = await startTestHub({ authorizer: tokenIsName });
  const [al] = await TestSocket.v1(hub.url, { token: "Al" });
  await using _al = al;
  await using other = await TestSocket.plain(hub.url, undefined, "token=Al");
  await using bo = await TestSocket.plain(hub.url, "Bo");
  const direct = { type: "direct", to: "Bo", message: "m", key: "k", account: "Mallory" };
  assertEquals((await answer(al, direct))["account"], "Al");
  assertEquals((await bo.next("direct"))["account"], "Al");
  const repeat = await answer(other, direct);
  assertEquals([repeat["account"], repeat["duplicate"]], ["Al", true]);
});

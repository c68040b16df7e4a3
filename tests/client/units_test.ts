import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import fc from "fast-check";
import { fullJitter, MAX_DELAY, reconnectDelay } from "../../client/backoff.ts";
import { Deque } from "../../client/deque.ts";
import { describeAnswer, describeCause, statusIn } from "../../client/probe_messages.ts";
import { EventQueue } from "../../client/event_queue.ts";
import { SendLimiter } from "../../client/send_limiter.ts";
import { SendLoop } from "../../client/send_loop.ts";
import { Outbox } from "../../client/outbox.ts";
import { MessageRequest } from "../../client/message_request.ts";
import { DEFAULT_LIMITS } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";

Deno.test("`fullJitter()` spreads over all of a range that doubles up to 20 seconds", () => {
  const largest = (failures: number): number => fullJitter(failures, () => 1);
  assertEquals([0, 1, 2, 3, 6, 7, 40, 1e9].map(largest), [
    ...[250, 500, 1000, 2000, 16_000],
    ...[MAX_DELAY, MAX_DELAY, MAX_DELAY],
  ]);
  assertEquals(fullJitter(5, () => 0), 0);
});

Deno.test("`reconnectDelay()` honours the close code and a bounded `retryAfter`", () => {
  const half = (): number => 0.5;
  assertEquals(reconnectDelay({ code: 1006, failures: 0 }, half), 125);
  assertEquals(reconnectDelay({ code: 4008, failures: 0 }, half), 0);
  assertEquals(reconnectDelay({ code: 4008, failures: 1 }, half), 250);
  assertEquals(reconnectDelay({ code: 1001, failures: 0 }, half), 1500);
  assertEquals(reconnectDelay({ code: 1001, failures: 2 }, half), 500);
  assertEquals(reconnectDelay({ code: 4029, failures: 0, retryAfter: 3 }, half), 3125);
  assertEquals(reconnectDelay({ code: 1006, failures: 0, retryAfter: 1e9 }, half), 300_125);
});

Deno.test("`SendLimiter` never exceeds the hub's token bucket, however the network delays frames", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 300 }),
      // Milliseconds until the next step: the client sends, frames arrive, or their responses arrive.
      fc.array(fc.tuple(fc.nat(400), fc.boolean(), fc.boolean(), fc.boolean()), {
        minLength: 20,
        maxLength: 200,
      }),
      (rate, burst, steps) => {
        const limiter = new SendLimiter();
        let now = 0;
        limiter.configure(rate, burst, now);
        // The hub's token bucket, after the hello.
        let tokens = burst - 1;
        let counted = now;
        let sent = 0;
        let arrived = 0;
        for (const [pause, send, arrive, answer] of steps) {
          now += pause;
          while (send && limiter.take(now) === 0) sent = limiter.sent();
          if (arrive) {
            tokens = Math.min(burst, tokens + (now - counted) / 1000 * rate) - (sent - arrived);
            counted = now;
            arrived = sent;
            if (tokens < -1e-6) return false;
          }
          if (answer) limiter.answered(arrived, now);
        }
        return true;
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("`SendLimiter` allows a frame after the wait it returned, and always without a limit", () => {
  const limiter = new SendLimiter();
  limiter.configure(50, 1, 0);
  let now = 0;
  // The hello took the only token.
  for (let sent = 0; sent < 100; sent++) {
    const wait = limiter.take(now);
    assert(wait > 0);
    now += wait;
    assertEquals(limiter.take(now), 0);
    const number = limiter.sent();
    assertEquals(limiter.take(now), Infinity, "as many are on the way as the hub takes at once");
    limiter.answered(number, now);
  }
  const free = new SendLimiter();
  free.configure(0, 0, 0);
  for (let sent = 0; sent < 1000; sent++) assertEquals(free.take(0), 0);
  free.pause(2000, 0);
  assertEquals(free.take(500), 1500);
  assertEquals(free.take(2000), 0);
});

Deno.test("`Deque` behaves like an array under any use", () => {
  const operation = fc.oneof(
    fc.record({ push: fc.nat(5000) }),
    fc.record({ shift: fc.nat(5000) }),
    fc.record({ unshift: fc.nat(5) }),
  );
  fc.assert(fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
    const deque = new Deque<number>();
    const model: number[] = [];
    let next = 0;
    for (const op of operations) {
      if ("push" in op) {
        for (let i = 0; i < op.push; i++, next++) {
          deque.push(next);
          model.push(next);
        }
      } else if ("shift" in op) {
        const expected = model.splice(0, op.shift);
        for (let i = 0; i < op.shift; i++) assertEquals(deque.shift(), expected[i]);
      } else {
        const items = Array.from({ length: op.unshift }, () => next++);
        deque.unshift(items);
        model.unshift(...items);
      }
      assertEquals([deque.size, deque.peek()], [model.length, model[0]]);
    }
  }));
});

Deno.test("`EventQueue` keeps unread events, then ends or throws", async () => {
  const queue = new EventQueue<number>();
  queue.push(1);
  const iterator = queue[Symbol.asyncIterator]();
  assertEquals((await iterator.next()).value, 1);
  const waiting = [iterator.next(), iterator.next()];
  queue.push(2);
  queue.push(3);
  assertEquals((await Promise.all(waiting)).map(({ value }) => value), [2, 3]);
  const abandoned = iterator.next();
  await iterator.return?.();
  assertEquals(await abandoned, { done: true, value: undefined });
  queue.push(4);
  assertEquals(await iterator.next(), { done: true, value: undefined });
  queue.end(new Error("over"));
  queue.push(5);
  const later = queue[Symbol.asyncIterator]();
  assertEquals((await later.next()).value, 4);
  await assertRejects(() => later.next(), Error, "over");
});

Deno.test("`Outbox` never stalls, loses or duplicates requests", () => {
  const step = fc.constantFrom("add", "send", "ack", "ackLate", "again", "rewind");
  fc.assert(fc.property(fc.array(fc.tuple(step, fc.nat(99)), { maxLength: 200 }), (steps) => {
    const outbox = new Outbox();
    const wire: number[] = [];
    const done: number[] = [];
    let added = 0;
    const open = (): number[] => [...outbox.open].map(({ ref }) => ref);
    const send = (): boolean => {
      const request = outbox.next();
      if (request === undefined) return false;
      outbox.markSent(request);
      wire.push(request.ref);
      return true;
    };
    const settle = (ref = -1): void => {
      const request = outbox.get(ref);
      if (request === undefined) return;
      outbox.remove(request);
      done.push(ref);
    };
    for (const [action, pick] of steps) {
      if (action === "add") {
        outbox.add(new MessageRequest(added++, "key", { message: "x" }, () => "r"));
      }
      if (action === "send") send();
      if (action === "ack") settle(wire[pick % Math.max(1, wire.length)]);
      if (action === "ackLate") settle(open()[pick % Math.max(1, open().length)]);
      if (action === "again") {
        const request = outbox.get(wire[pick % Math.max(1, wire.length)] ?? -1);
        if (request !== undefined) outbox.retry(request);
      }
      if (action === "rewind") outbox.rewind();
      assertEquals(outbox.messages, added - done.length);
    }
    outbox.rewind();
    assertEquals(outbox.takeInDoubt(), []);
    const left = open();
    wire.length = 0;
    while (send());
    assertEquals(wire, left, "everything open goes out once more, in order");
    for (const ref of wire) settle(ref);
    assertEquals([new Set(done).size, outbox.messages, outbox.next()], [added, 0, undefined]);
  }));
});

Deno.test("`SendLoop` pauses while the socket is full", async () => {
  const clock = new FakeClock();
  const outbox = new Outbox();
  const sendLoop = new SendLoop(outbox, clock);
  const frames: string[] = [];
  const socket = {
    bufferedAmount: 0,
    send(frame: string): void {
      frames.push(frame);
      this.bufferedAmount += frame.length;
    },
  };
  for (let i = 0; i < 100; i++) {
    outbox.add(new MessageRequest(i, "key", { message: "x".repeat(30_000) }, () => "lobby"));
  }
  sendLoop.start(socket, { ...DEFAULT_LIMITS, rate: 0 });
  await Promise.resolve();
  const sent = frames.join("").length;
  assert(sent > 500_000);
  // The frame that fills the buffer is still accepted.
  assertLessOrEqual(sent, 1024 * 1024 + 31_000);
  clock.advance(1000);
  assertEquals(frames.join("").length, sent);
  socket.bufferedAmount = 0;
  clock.advance(20);
  assert(frames.join("").length > sent);
  sendLoop.stop();
  assertEquals(clock.waiting, 0);
});

Deno.test("`describeCause()` turns errors of the runtime into instructions", () => {
  const url = new URL("wss://hub.example/?token=secret");
  const says = (cause: string): string => {
    const { failure, message } = describeCause(
      `NetworkError: failed to connect to WebSocket: ${cause}`,
      url,
    );
    assertEquals(message.includes("secret"), false);
    return `${failure}: ${message}`;
  };
  assertEquals(
    says("tcp connect error"),
    `connection-refused: Nothing listens at wss://hub.example: start a hub with "bcast start", or check --host and --port`,
  );
  assertEquals(
    says("dns error"),
    "unknown-host: The host of wss://hub.example is unknown: check --host",
  );
  assertEquals(
    says("received corrupt message of type InvalidContentType"),
    "not-a-hub: wss://hub.example does not speak TLS: use ws:// if the hub has none",
  );
  assertEquals(
    says("invalid peer certificate: UnknownIssuer"),
    "network: The certificate of wss://hub.example is signed by an unknown authority: use --ca FILE, or --fingerprint with the fingerprint that the hub prints at its start",
  );
  assertEquals(
    says("invalid peer certificate: certificate not valid yet: verification time 1 (UNIX)"),
    "network: The certificate of wss://hub.example is not valid yet: check the clock of this machine",
  );
  assertEquals(
    says("invalid peer certificate: BadSignature"),
    "network: The certificate of wss://hub.example is not trusted (invalid peer certificate: BadSignature)",
  );
  assertEquals(
    says("connection closed before message\ncompleted\x07"),
    "network: Cannot reach a hub at wss://hub.example (connection closed before message completed␇): check the address and the network",
  );
  assertEquals(statusIn("…: Invalid status code: 401"), 401);
  assertEquals(statusIn("tcp connect error"), undefined);
  assertEquals(describeAnswer({ status: 429, retryAfter: 3 }, url).retryAfter, 3);
  assertEquals(
    describeAnswer({ status: 526 }, url).message,
    "Cannot trust wss://hub.example: a proxy does not trust the certificate of the hub behind it",
  );
});

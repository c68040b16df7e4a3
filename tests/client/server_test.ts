import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import fc from "fast-check";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { connect, ConnectError, RequestError } from "../../client.ts";
import type { Direct } from "../../protocol.ts";
import { EventLog } from "../kit/event_log.ts";
import { Relay } from "../kit/relay.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { within } from "../kit/wait.ts";

Deno.test("two connections exchange messages over a real hub", async () => {
  await using server = await startTestHub();
  await using alice = connect({ url: server.url, sender: "Alice" });
  await using bob = connect({ url: server.url, sender: "Bob" });
  const [a, b] = [new EventLog(alice), new EventLog(bob)];
  await a.until("joined");
  await b.until("joined");
  const ack = await alice.send({ message: "Hello, Bob", data: { mood: "fine" } });
  const heard = await b.until("message");
  assertEquals([heard.message, heard.data, heard.id], ["Hello, Bob", { mood: "fine" }, ack.id]);
  assertEquals((await a.until("message")).id, ack.id);
  assertEquals((await bob.members("lobby")).members.toSorted(), ["Alice", "Bob"]);
  assertEquals((await bob.history("lobby")).messages.map(({ id }) => id), [ack.id]);
  assertEquals((await bob.direct("Alice", { message: "psst" })).to, "Alice");
  assertEquals((await a.until("direct")).message, "psst");
  const failure = await assertRejects(() => bob.direct("Eve", { message: "?" }), RequestError);
  assertEquals(failure.code, "no_such_user");
  await bob.ping();
  bob.join({ room: "news" });
  assertEquals((await b.until("joined")).room, "news");
  bob.nick("Bert");
  // A ping overtakes waiting messages, but not those already sent.
  while (bob.sender !== "Bert") {
    await bob.ping();
  }
  bob.leave("news");
  assertEquals((await b.until("left")).room, "news");
  assertEquals(bob.positions.map(({ room }) => room), ["lobby"]);
});

Deno.test("no message is lost, duplicated or reordered over a real hub, however often the connection breaks", async () => {
  await using server = await startTestHub();
  await using relay = new Relay(server.port);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant("cut" as const), fc.integer({ min: 1, max: 40 })), {
        minLength: 4,
        maxLength: 14,
      }),
      async (script) => {
        const rooms = [{ room: `run-${run++}` }];
        // Reconnecting immediately makes for more disconnects.
        const random = (): number => 0;
        const writing = connect({ url: relay.url, sender: "W", rooms, echo: false }, { random });
        const reading = connect({ url: relay.url, sender: "R", rooms }, { random });
        const log = new EventLog(reading);
        await new EventLog(writing).until("online");
        await log.until("online");
        const acks: Promise<{ readonly id: number }>[] = [];
        for (const step of script) {
          if (step === "cut") relay.cut();
          else {for (let i = 0; i < step; i++) {
              acks.push(writing.send({ message: `${acks.length}` }));
            }}
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        const ids = (await within(Promise.all(acks), "every ack")).map(({ id }) => id);
        assertEquals(ids, acks.map((_, index) => index + 1), "stored once, in order");
        const read: (string | undefined)[] = [];
        while (read.length < acks.length) read.push((await log.until("message")).message);
        assertEquals(read, acks.map((_, index) => `${index}`));
        await Promise.all([writing.close(), reading.close()]);
        assert(!(await log.rest()).includes("message"), "nothing more than was sent");
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("no private message is delivered twice over a real hub, however often the connection breaks", async () => {
  await using server = await startTestHub();
  await using relay = new Relay(server.port);
  let run = 0;
  let repeated = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant("cut" as const), fc.integer({ min: 1, max: 9 })), {
        minLength: 2,
        maxLength: 10,
      }),
      async (script) => {
        const [from, to] = [`From-${run}`, `To-${run++}`];
        await using reading = connect({ url: server.url, sender: to });
        await using writing = connect({ url: relay.url, sender: from }, { random: () => 0 });
        const log = new EventLog(reading);
        await log.until("online");
        await new EventLog(writing).until("online");
        const sent: Promise<Direct>[] = [];
        for (const step of script) {
          if (step === "cut") relay.cut();
          else {for (let i = 0; i < step; i++) {
              sent.push(writing.direct(to, { message: `${sent.length}` }));
            }}
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        const copies = await within(Promise.all(sent), "every copy");
        repeated += copies.filter(({ duplicate }) => duplicate).length;
        assertEquals(copies.map(({ message }) => message), sent.map((_, index) => `${index}`));
        await writing.direct(to, { message: "the end" });
        const heard: (string | undefined)[] = [];
        while (heard.at(-1) !== "the end") heard.push((await log.until("direct")).message);
        assertEquals(heard, [...sent.map((_, index) => `${index}`), "the end"]);
      },
    ),
    { numRuns: 25 },
  );
  assert(repeated > 0, "some were sent twice");
});

Deno.test("`max` limits what a client gets after an outage of its own", async () => {
  await using server = await startTestHub();
  await using writer = connect({ url: server.url, echo: false });
  const { epoch } = await writer.send({ message: "1" });
  for (let n = 2; n <= 9; n++) await writer.send({ message: `${n}` });
  const rooms = [{ room: "lobby", epoch, after: 1, max: 3 }];
  await using reader = connect({ url: server.url, rooms });
  const log = new EventLog(reader);
  const { more, messages } = await log.until("joined");
  assertEquals([more, messages.map(({ id }) => id)], [true, [7, 8, 9]]);
  assertEquals(await log.ids(3), [7, 8, 9]);
  assertEquals((await log.expect("live")).id, 9);
  await writer.send({ message: "10" });
  assertEquals(await log.ids(1), [10]);
});

Deno.test("a connection survives a restart of the hub", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/log.db`;
  const first = await startTestHub({ broker: await openSqliteBroker({ path }) });
  await using connection = connect({ url: first.url, sender: "Alice" }, { random: () => 0 });
  const log = new EventLog(connection);
  await log.until("joined");
  await connection.send({ message: "before" });
  await log.until("message");
  const { port } = first;
  await first.stop();
  const offline = await log.until("offline");
  assertEquals(offline.code, 1001);
  const waiting = connection.send({ message: "meanwhile" });
  await using _second = await startTestHub({ broker: await openSqliteBroker({ path }), port });
  assertEquals((await within(waiting, "ack")).id, 2);
  const back = await log.until("joined");
  assertEquals([back.rejoined, back.recovered], [true, true]);
  assertEquals((await log.until("message")).message, "meanwhile");
  await connection.close();
  await _second.stop();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("`send()` at full speed stays within the rate limit of a real hub", async () => {
  await using server = await startTestHub({
    limits: { rate: 400, burst: 40, rateOnLoopback: true },
  });
  await using connection = connect({ url: server.url, echo: false });
  const log = new EventLog(connection);
  await log.until("joined");
  const began = performance.now();
  const acks = await Promise.all(
    Array.from({ length: 300 }, (_, i) => connection.send({ message: `${i}` })),
  );
  const seconds = (performance.now() - began) / 1000;
  assertEquals(acks.map(({ id }) => id), acks.map((_, index) => index + 1));
  assertLess(300 / seconds, 500);
});

Deno.test("an error from a real hub reaches the caller", async () => {
  await using server = await startTestHub({ limits: { maxConnections: 1 } });
  await using first = connect({ url: server.url });
  await new EventLog(first).until("online");
  const second = connect({ url: server.url });
  const error = await assertRejects(() => new EventLog(second).rest(), ConnectError);
  assertEquals(error.failure, "busy");
  assert(
    error.message.startsWith(`The hub at ${server.url.replace(/\/$/, "")} is busy: `),
    error.message,
  );
  await second.close();
});

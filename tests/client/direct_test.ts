import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { connect, ConnectError, RequestError } from "../../client.ts";
import { type ClientRequest, directRequest } from "../../client/request.ts";
import { Outbox } from "../../client/outbox.ts";
import { type DirectRequest, nameKey, RETURN_SECONDS } from "../../protocol.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { message, type ScriptedConnection, ScriptedHub } from "../kit/scripted_hub.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { within } from "../kit/wait.ts";

/** Alice, who is reconnecting after her connection broke. */
async function offline(hub: ScriptedHub) {
  const clock = new FakeClock();
  const alice = connect({ url: hub.url, sender: "Alice" }, { clock, random: () => 0.5 });
  const log = new EventLog(alice);
  const side = await hub.welcome();
  await log.until("joined");
  side.close(1011);
  const { retryIn } = await log.until("offline");
  const back = async (): Promise<ScriptedConnection> => {
    clock.advance(retryIn);
    const next = await hub.welcome();
    await log.until("joined");
    return next;
  };
  return { alice, clock, back };
}

function refuse(
  side: ScriptedConnection,
  { to, ref = "" }: DirectRequest,
  retryAfter?: number,
): void {
  const why = `No one here is called ${to}`;
  const more = retryAfter === undefined ? {} : { final: false, retryAfter };
  side.refuse({ code: "no_such_user", re: "direct", message: why, ref, ...more });
}

function deliver(side: ScriptedConnection, { to, ref = "" }: DirectRequest): void {
  side.say({ ...message(1), type: "direct", to, ref });
}

/** Waits until the client has processed the hub's frames. */
async function settled(side: ScriptedConnection, members: Promise<unknown>): Promise<void> {
  const { ref = "" } = await side.expect("members");
  side.say({ type: "members", room: "lobby", online: 0, members: [], ref });
  await within(members, "members");
}

Deno.test("`direct()` written offline waits for a receiver that reconnects later", async () => {
  await using hub = new ScriptedHub();
  const { alice, clock, back } = await offline(hub);
  await using _ = alice;
  const sent = ["one", "two"].map((text) => alice.direct("Bob", { message: text }));
  const other = alice.direct("Carol", { message: "hi" });
  const side = await back();
  const [one, two] = [await side.expect("direct"), await side.expect("direct")];
  refuse(side, one);
  refuse(side, two);
  deliver(side, await side.expect("direct"));
  await within(other, "what another gets");
  // Further messages to Bob wait behind them, in any spelling of his name.
  sent.push(alice.direct("ＢＯＢ", { message: "three" }));
  await settled(side, alice.members("lobby"));
  clock.advance(1000);
  const again = await side.expect("direct");
  assertEquals(again.message, "one");
  refuse(side, again);
  await settled(side, alice.members("lobby"));
  clock.advance(1000);
  deliver(side, await side.expect("direct"));
  const rest = [await side.expect("direct"), await side.expect("direct")];
  assertEquals(rest.map(({ message }) => message), ["two", "three"]);
  for (const each of rest) deliver(side, each);
  await within(Promise.all(sent), "all of it");
  assertEquals(side.unread, 0);
});

Deno.test("`direct()` fails with the hub's error once the receiver had time to reconnect", async () => {
  await using hub = new ScriptedHub();
  const { alice, clock, back } = await offline(hub);
  await using _ = alice;
  const sent = ["one", "two"].map((text) => alice.direct("Bob", { message: text }));
  const failed = Promise.all(
    sent.map((each) => assertRejects(() => each, RequestError, "No one here is called Bob")),
  );
  const side = await back();
  refuse(side, await side.expect("direct"));
  refuse(side, await side.expect("direct"));
  await settled(side, alice.members("lobby"));
  clock.advance(RETURN_SECONDS * 1000);
  refuse(side, await side.expect("direct"));
  refuse(side, await side.expect("direct"));
  await within(failed, "both refusals");
});

Deno.test("a held `direct()` survives another disconnect", async () => {
  await using hub = new ScriptedHub();
  const { alice, clock, back } = await offline(hub);
  await using _ = alice;
  const log = new EventLog(alice);
  const sent = ["one", "two"].map((text) => alice.direct("Bob", { message: text }));
  const side = await back();
  refuse(side, await side.expect("direct"));
  refuse(side, await side.expect("direct"));
  await settled(side, alice.members("lobby"));
  side.close(1011);
  clock.advance((await log.until("offline")).retryIn);
  const next = await hub.welcome();
  const both = [await next.expect("direct"), await next.expect("direct")];
  assertEquals(both.map(({ message }) => message), ["one", "two"]);
  for (const each of both) deliver(next, each);
  await within(Promise.all(sent), "both");
});

Deno.test("`direct()` written after a reconnect waits only if the hub restarted", async () => {
  await using hub = new ScriptedHub();
  const { alice, clock, back } = await offline(hub);
  await using _ = alice;
  const side = await back();
  const misspelt = alice.direct("Bbo", { message: "hi" });
  refuse(side, await side.expect("direct"));
  await assertRejects(() => within(misspelt, "the refusal"), RequestError);
  const bob = alice.direct("Bob", { message: "hi" });
  refuse(side, await side.expect("direct"), 1);
  await settled(side, alice.members("lobby"));
  clock.advance(1000);
  deliver(side, await side.expect("direct"));
  await within(bob, "the message");
});

Deno.test("`direct()` fails at once if the connection was never lost", async () => {
  await using hub = await startTestHub();
  await using alice = connect({ url: hub.url, sender: "Alice" });
  // Sent before the first connection, and to a hub that has just started.
  const error = await assertRejects(() => alice.direct("Bob", { message: "hi" }), RequestError);
  assertEquals([error.code, error.frame.retryAfter], ["no_such_user", 1]);
});

for (const first of ["Alice", "Bob"] as const) {
  Deno.test(`private messages survive a restart of the hub if ${first} reconnects first`, async () => {
    let hub = await startTestHub();
    const port = Number(new URL(hub.url).port);
    const clocks = { Alice: new FakeClock(), Bob: new FakeClock() };
    const join = (sender: "Alice" | "Bob") =>
      connect({ url: hub.url, sender }, { clock: clocks[sender], random: () => 0.5 });
    await using alice = join("Alice");
    await using bob = join("Bob");
    const logs = { Alice: new EventLog(alice), Bob: new EventLog(bob) };
    await Promise.all([logs.Alice.until("joined"), logs.Bob.until("joined")]);
    await hub[Symbol.asyncDispose]();
    const waits = {
      Alice: (await logs.Alice.until("offline")).retryIn,
      Bob: (await logs.Bob.until("offline")).retryIn,
    };
    const sent = ["one", "two", "three"].map((text) => alice.direct("Bob", { message: text }));
    hub = await startTestHub({ port });
    await using _ = hub;
    const comeBack = async (name: "Alice" | "Bob"): Promise<void> => {
      clocks[name].advance(waits[name]);
      await logs[name].until("joined");
    };
    await comeBack(first);
    // The hub has answered every frame of Alice by now.
    if (first === "Alice") await alice.ping();
    await comeBack(first === "Alice" ? "Bob" : "Alice");
    const heard: (string | undefined)[] = [];
    const hears = async (): Promise<void> => {
      while (heard.length < 3) heard.push((await logs.Bob.until("direct")).message);
    };
    clocks.Alice.advance(1000);
    await within(Promise.all([hears(), ...sent]), "all private messages");
    assertEquals(heard, ["one", "two", "three"]);
  });
}

for (const resumed of [true, false]) {
  const outcome = resumed ? "is repeated if the session continues" : "fails in another session";
  Deno.test(`\`direct()\` whose answer was lost ${outcome}`, async () => {
    await using hub = new ScriptedHub();
    const clock = new FakeClock();
    await using alice = connect({ url: hub.url }, { clock, random: () => 0.5 });
    const log = new EventLog(alice);
    const side = await hub.welcome();
    await log.until("joined");
    const members = alice.members("lobby");
    const direct = alice.direct("Bob", { message: "psst" });
    const lost: Promise<unknown> = resumed
      ? direct
      : assertRejects(() => direct, ConnectError, "may or may not have been delivered");
    await side.expect("members");
    const { key } = await side.expect("direct");
    side.close(1011);
    const { retryIn } = await log.until("offline");
    const waiting = alice.direct("Bob", { message: "never left" });
    clock.advance(retryIn);
    const back = await hub.welcome({ resumed });
    // A query may be repeated in any session.
    const { ref = "" } = await back.expect("members");
    back.say({ type: "members", room: "lobby", online: 0, members: [], ref });
    await within(members, "members");
    if (resumed) {
      const again = await back.expect("direct");
      assertEquals([again.key, again.message], [key, "psst"]);
      const copy = { ...message(1), type: "direct", to: "Bob", ref: again.ref ?? "" } as const;
      back.say({ ...copy, duplicate: true });
      assertEquals((await within(direct, "the copy")).duplicate, true);
    }
    const next = await back.expect("direct");
    assertEquals(next.message, "never left");
    deliver(back, next);
    await within(waiting, "direct");
    const failure = await within(lost, "the end");
    if (failure instanceof ConnectError) {
      assertEquals([failure.failure, failure.code], ["lost", 1011]);
    }
  });
}

Deno.test("`direct()` in doubt fails with `lost` when the connection is closed instead", async () => {
  await using hub = new ScriptedHub();
  const alice = connect({ url: hub.url }, { clock: new FakeClock() });
  const log = new EventLog(alice);
  const side = await hub.welcome();
  await log.until("joined");
  const direct = assertRejects(() => alice.direct("Bob", { message: "psst" }), ConnectError);
  await side.expect("direct");
  side.close(1011);
  await log.until("offline");
  const unsent = assertRejects(() => alice.direct("Bob", { message: "hm" }), ConnectError);
  await alice.close();
  assertEquals([(await direct).failure, (await unsent).failure], ["lost", "closed"]);
});

Deno.test("`Outbox` keeps private messages to each receiver in order", () => {
  const step = fc.constantFrom("add", "send", "hub", "toggle", "probe", "rewind");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, fc.constantFrom("Bob", "Eve-2", "山田")), { maxLength: 150 }),
      (steps) => {
        const outbox = new Outbox();
        const there = new Set<string>();
        const wire: ClientRequest[] = [];
        const delivered: number[] = [];
        const known = new Set<number>();
        const receivers = new Map<number, string>();
        let added = 0;
        const send = (): boolean => {
          const entry = outbox.next();
          if (entry === undefined) return false;
          outbox.markSent(entry);
          wire.push(entry);
          return true;
        };
        const answer = (): boolean => {
          const entry = wire.shift();
          if (entry === undefined) return false;
          const { receiver = "", ref } = entry;
          if (there.has(receiver)) {
            outbox.remove(entry);
            if (!known.has(ref)) delivered.push(ref);
            known.add(ref);
          } else outbox.hold(entry, receiver);
          return true;
        };
        for (const [action, to] of steps) {
          if (action === "add") {
            receivers.set(added, to);
            const { request, response } = directRequest({ ref: added++, to }, true);
            response.catch(() => {});
            outbox.add(request);
          }
          if (action === "send") send();
          if (action === "hub") answer();
          if (action === "probe") outbox.retryHeld(nameKey(to));
          // A receiver that returns while messages are in flight may get later ones first.
          if (action === "toggle" && wire.length === 0 && !there.delete(nameKey(to))) {
            there.add(nameKey(to));
          }
          if (action === "rewind") {
            // The hub received some, but its answers were lost.
            for (const { receiver = "", ref } of wire.splice(0).slice(0, added % 3)) {
              if (!there.has(receiver)) break;
              if (!known.has(ref)) delivered.push(ref);
              known.add(ref);
            }
            outbox.rewind();
          }
        }
        while (answer());
        for (const to of ["Bob", "Eve-2", "山田"]) there.add(nameKey(to));
        for (let tries = 0; tries < 3; tries++) {
          for (const to of there) outbox.retryHeld(to);
          while (send() || answer());
        }
        assertEquals([...outbox.open], []);
        assertEquals(delivered.length, added, "each once");
        for (const to of new Set(receivers.values())) {
          const heard = delivered.filter((number) => receivers.get(number) === to);
          assertEquals(heard, heard.toSorted((a, b) => a - b));
        }
      },
    ),
    {
      numRuns: 2000,
      // A disconnect after a probe was queued, before it was sent.
      examples: [[[
        ["add", "Bob"],
        ["send", "Bob"],
        ["add", "Bob"],
        ["hub", "Bob"],
        ["send", "Bob"],
        ["probe", "Bob"],
        ["rewind", "Bob"],
      ]]],
    },
  );
});

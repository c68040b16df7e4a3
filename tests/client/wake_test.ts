import { assertEquals } from "@std/assert";
import { connect } from "../../client.ts";
import { Watchdog } from "../../client/watchdog.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { ScriptedHub } from "../kit/scripted_hub.ts";

async function online(hub: ScriptedHub) {
  const clock = new FakeClock();
  const connection = connect({ url: hub.url }, { clock, random: () => 0.5 });
  const log = new EventLog(connection);
  const side = await hub.welcome();
  await log.until("joined");
  return { connection, log, side, clock };
}

Deno.test("`wake()` reconnects at once", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  side.close(1011);
  await log.until("offline");
  connection.wake();
  await log.expect("connecting");
  // A second call opens no second connection, and the cancelled delay has no effect.
  connection.wake();
  await hub.welcome();
  await log.until("online");
  clock.advance(1000);
  assertEquals([connection.state, hub.unexpected], ["online", 0]);
});

Deno.test("`wake()` detects a dead connection within seconds", async () => {
  await using hub = new ScriptedHub();
  const { connection, log, side, clock } = await online(hub);
  await using _ = connection;
  connection.wake();
  await side.expect("ping");
  clock.advance(3000);
  // A second call does not extend the deadline.
  connection.wake();
  clock.advance(1000);
  const { reason } = await log.until("offline");
  assertEquals(reason, "The hub did not answer within 4 seconds");
});

Deno.test("`wake()` keeps a connection whose hub answers", () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const givenUp: string[] = [];
  const watchdog = new Watchdog(clock, {
    ping: () => asked.push(clock.now()),
    giveUp: (reason) => givenUp.push(reason),
  });
  watchdog.probe();
  assertEquals(asked.length, 0);
  watchdog.start(0);
  watchdog.probe();
  watchdog.onReceived();
  clock.advance(44_000);
  assertEquals([asked.length, givenUp.length], [1, 0]);
  clock.advance(10_000);
  assertEquals([asked.length, givenUp.length], [2, 0]);
  watchdog.stop();
  assertEquals(clock.waiting, 0);
});

Deno.test("a silent connection is pinged before the hub's heartbeat ends, and every 45 s at least", () => {
  for (const [heartbeat, seconds] of [[0, 46], [3600, 46], [35, 26], [12, 6], [2, 2]] as const) {
    const clock = new FakeClock();
    const begun = clock.now();
    const pings: number[] = [];
    const givenUp: string[] = [];
    const watchdog = new Watchdog(clock, {
      ping: () => pings.push(clock.now() - begun),
      giveUp: (reason) => givenUp.push(reason),
    });
    watchdog.start(heartbeat);
    clock.advance(200_000);
    assertEquals([pings, givenUp.length], [[seconds * 1000], 1], `for ${heartbeat} s`);
  }
});

Deno.test("`send()` uses the given `key`, so that a later connection can resend the message", async () => {
  await using hub = new ScriptedHub();
  const { connection, side } = await online(hub);
  await using _ = connection;
  const sent = connection.send({ message: "hi", key: "mine-1" });
  const { key, ref } = await side.expect("message");
  assertEquals(key, "mine-1");
  side.ack(ref, 7);
  assertEquals((await sent).id, 7);
});

import { assertEquals } from "@std/assert";
import { connect } from "../../client.ts";
import { Watchdog } from "../../client/watchdog.ts";
import { FakeClock } from "../kit/fake_clock.ts";
import { EventLog } from "../kit/event_log.ts";
import { ScriptedHub } from "../kit/scripted_hub.ts";

async function online(hub: ScriptedHub) {
  const clock = new FakeClock();
  const conversation = connect({ url: hub.url }, { clock, random: () => 0.5 });
  const log = new EventLog(conversation);
  const side = await hub.welcome();
  await log.until("joined");
  return { conversation, log, side, clock };
}

Deno.test("`wake()` ends a wait for the next try", async () => {
  await using hub = new ScriptedHub();
  const { conversation, log, side, clock } = await online(hub);
  await using _ = conversation;
  side.close(1011);
  await log.until("offline");
  conversation.wake();
  await log.expect("connecting");
  // Twice is not two connections, and the wait that was cut short does not end again.
  conversation.wake();
  await hub.welcome();
  await log.until("online");
  clock.advance(1000);
  assertEquals([conversation.state, hub.unexpected], ["online", 0]);
});

Deno.test("`wake()` finds out within seconds that a connection only looks alive", async () => {
  await using hub = new ScriptedHub();
  const { conversation, log, side, clock } = await online(hub);
  await using _ = conversation;
  conversation.wake();
  await side.expect("ping");
  clock.advance(3000);
  // A second doubt does not put the answer off.
  conversation.wake();
  clock.advance(1000);
  const { reason } = await log.until("offline");
  assertEquals(reason, "The hub did not answer within 4 seconds");
});

Deno.test("`wake()` leaves a connection alone whose hub answers", () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const givenUp: string[] = [];
  const watchdog = new Watchdog(clock, {
    ping: () => asked.push(clock.now()),
    giveUp: (reason) => givenUp.push(reason),
  });
  watchdog.probe();
  assertEquals(asked.length, 0);
  watchdog.start();
  watchdog.probe();
  watchdog.onReceived();
  clock.advance(44_000);
  assertEquals([asked.length, givenUp.length], [1, 0]);
  clock.advance(10_000);
  assertEquals([asked.length, givenUp.length], [2, 0]);
  watchdog.stop();
  assertEquals(clock.waiting, 0);
});

Deno.test("`send()` uses the message's own ref, so that a later conversation can repeat it", async () => {
  await using hub = new ScriptedHub();
  const { conversation, side } = await online(hub);
  await using _ = conversation;
  const sent = conversation.send({ message: "hi", ref: "mine-1" });
  assertEquals((await side.expect("message")).ref, "mine-1");
  side.ack("mine-1", 7);
  assertEquals((await sent).id, 7);
});

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../client.ts";
import { EventLog } from "../kit/event_log.ts";
import { joined, message, messages, ScriptedHub } from "../kit/scripted_hub.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

Deno.test("`maxUnread` disconnects, and resumes after all events are read", async () => {
  await using hub = new ScriptedHub();
  await using connection = connect({ url: hub.url, maxUnread: 2000 });
  const side = await hub.welcome();
  side.say(...messages(1, 100));
  assertEquals(await side.closeCode(), 4000);
  assertEquals([connection.state, hub.unexpected], ["offline", 0], "no events are read");
  const log = new EventLog(connection);
  await log.until("joined");
  const back = hub.accept();
  // The messages received before the limit was reached.
  const [{ after = 0 } = {}] = connection.positions;
  assert(after > 5 && after < 50, `${after} messages were kept`);
  assertEquals(await log.ids(after), Array.from({ length: after }, (_, n) => n + 1));
  const again = await back;
  assertEquals((await again.hello()).rooms, [{ room: "lobby", epoch: "e1", after }]);
  again.welcome({
    rooms: [joined("lobby", { recovered: true, messages: messages(after + 1, after + 2) })],
  });
  // The pause yields no `offline` event.
  await log.expect("connecting");
  assertEquals((await log.expect("online")).reconnected, true);
  await log.expect("joined");
  assertEquals(await log.ids(2), [after + 1, after + 2]);
  // A constant reader is never interrupted, however many messages arrive.
  for (let id = after + 3; id < after + 63; id++) {
    again.say(message(id));
    assertEquals(await log.ids(1), [id]);
  }
  assertEquals([connection.state, hub.unexpected], ["online", 0]);
});

Deno.test("`close()` during a pause of `maxUnread` is final", async () => {
  await using hub = new ScriptedHub();
  const connection = connect({ url: hub.url, maxUnread: 1000 });
  const side = await hub.welcome();
  side.say(...messages(1, 20));
  await side.closeCode();
  await connection.close();
  const log = new EventLog(connection);
  assertEquals((await log.rest()).at(-1), "message");
  assertEquals([connection.state, hub.unexpected], ["closed", 0]);
});

Deno.test("a slow reader with `maxUnread` gets every message of a busy room once", async () => {
  await using hub = await startTestHub({ limits: { rate: 0 } });
  await using writer = connect({ url: hub.url, echo: false });
  await using reader = connect({
    url: hub.url,
    rooms: [{ room: "lobby", after: 0 }],
    maxUnread: 20_000,
  });
  const count = 2000;
  await Promise.all(Array.from({ length: count }, (_, n) => writer.send({ message: `#${n + 1}` })));
  await until("the reader to pause", () => reader.state === "offline");
  const ids: number[] = [];
  let returns = 0;
  for await (const event of reader) {
    if (event.type === "online") returns++;
    if (event.type !== "message") continue;
    ids.push(event.id);
    if (event.id === count) break;
    // Slower than the messages arrive.
    if (event.id % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(ids, Array.from({ length: count }, (_, n) => n + 1));
  assert(returns > 1, `it paused ${returns} times`);
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { acceptOf, parseTarget } from "../../../bench/load/handshake.ts";
import { BcastFormat, LoadGroup, LoadStats, runLoad } from "../../../bench/load/mod.ts";
import { onlineEvent, roomJoined } from "../../kit/fake_connection.ts";

/** A minimal hub with batches, acks and ids; skips the messages that `skip` selects. */
function smallHub(skip: (id: number) => boolean = () => false): Deno.HttpServer<Deno.NetAddr> {
  const sockets = new Set<WebSocket>();
  const keys = new Set<string>();
  let id = 0;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "bcast.v1" });
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      const timestamp = new Date().toISOString();
      if (frame.type === "hello") {
        const { room } = frame.rooms[0];
        const { rejoined: _rejoined, missed: _missed, ...joined } = roomJoined(room, { last: id });
        const { welcome } = onlineEvent(frame.sender, [room]);
        socket.send(`${JSON.stringify(welcome)}\n${JSON.stringify(joined)}`);
        sockets.add(socket);
        return;
      }
      const { room, key, message } = frame;
      assert(!keys.has(key), "a key belongs to one message");
      keys.add(key);
      id++;
      const ack = JSON.stringify({ type: "ack", room, id, epoch: "e", timestamp });
      if (skip(id)) {
        socket.send(ack);
        return;
      }
      const sent = JSON.stringify({ type: "message", room, id, sender: "A", message, timestamp });
      for (const each of sockets) each.send(each === socket ? `${sent}\n${ack}` : sent);
    };
    return response;
  });
}

function urlOf(hub: Deno.HttpServer<Deno.NetAddr>): string {
  return `ws://127.0.0.1:${hub.addr.port}`;
}

const LOAD = { clients: 5, publishers: 1, size: 64, seconds: 0.2, warmUpSeconds: 0.05 } as const;

Deno.test("runLoad() reports no losses from a correct hub", async () => {
  await using hub = smallHub();
  const phases = new Set<string>();
  const report = await runLoad({
    ...LOAD,
    url: urlOf(hub),
    format: new BcastFormat({ room: "r" }),
    pace: { inFlight: 4, until: "echo" },
    onProgress: ({ phase }) => phases.add(phase),
  });
  assertEquals([report.lost, report.duplicated, report.outOfOrder], [0, 0, 0]);
  assertEquals([report.closed, report.errors, report.connectFailures], [{}, {}, {}]);
  assertEquals(report.clients, 5);
  assert(report.sent > 10 && report.acks > 10);
  // Messages in flight at the start and end of the measured time count on one side only. Their
  // number depends on the difference between the five clients.
  assert(report.deliveries > report.sent && report.deliveries < report.sent * 10);
  assert(report.latency.p50 > 0 && report.latency.max >= report.latency.p99);
  assertEquals([...phases], ["warming up", "measuring", "settling"]);
});

Deno.test("runLoad() counts messages that the hub skips", async () => {
  let skipped = 0;
  await using hub = smallHub((id) => {
    const skip = id % 10 === 5;
    if (skip) skipped++;
    return skip;
  });
  const report = await runLoad({
    ...LOAD,
    url: urlOf(hub),
    format: new BcastFormat({ room: "r" }),
    pace: { inFlight: 4, until: "ack" },
  });
  assert(skipped > 0);
  // Only the hub knows which messages it skipped at the very end.
  assert(report.lost > (skipped - 2) * 5 && report.lost <= skipped * 5);
});

Deno.test("runLoad() rejects when there is no hub, or its signal aborts", async () => {
  const gone = smallHub();
  const url = urlOf(gone);
  await gone.shutdown();
  const format = new BcastFormat({ room: "r" });
  const pace = { rate: 10 } as const;
  await assertRejects(() => runLoad({ ...LOAD, url, format, pace }), Error, "Cannot load");
  await using hub = smallHub();
  const controller = new AbortController();
  await assertRejects(() =>
    runLoad({
      ...LOAD,
      url: urlOf(hub),
      format,
      pace,
      seconds: 60,
      signal: controller.signal,
      onProgress: () => controller.abort(new RangeError("enough")),
    }), RangeError);
});

Deno.test("LoadGroup.connect() reports why a server is not a hub", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("no", { status: 403 }),
  );
  using group = new LoadGroup({
    url: urlOf(server),
    format: new BcastFormat({ room: "r" }),
    stats: new LoadStats(1),
    expected: 2,
  });
  const { connected, failures } = await group.connect(group.conversations(2));
  assertEquals(connected, 0);
  assertEquals([...failures], [[`the server responded "HTTP/1.1 403 Forbidden"`, 2]]);
});

Deno.test("acceptOf() returns the result of the example in RFC 6455", () => {
  assertEquals(acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

Deno.test("parseTarget() parses host, port and path with their defaults", () => {
  const rest = { secure: false, path: "/" };
  assertEquals(parseTarget("ws://hub"), { hostname: "hub", port: 80, ...rest });
  assertEquals(parseTarget("ws://[::1]:8765/"), { hostname: "::1", port: 8765, ...rest });
  assertEquals(parseTarget("wss://hub/ws?room=a"), {
    hostname: "hub",
    port: 443,
    secure: true,
    path: "/ws?room=a",
  });
});

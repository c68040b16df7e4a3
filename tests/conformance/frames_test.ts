/** What this repository's parser, hub and client make of the golden frames. */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../client.ts";
import { CheckContext } from "../../conformance/context.ts";
import { type Golden, LaterHub, parseLines } from "../../conformance/later_hub.ts";
import type { JsonFrame } from "../../conformance/peer.ts";
import { check, CHECKS, parseTarget } from "../../conformance/run.ts";
import {
  parseClientFrame,
  type ParsedHub,
  type ParsedHubFrame,
  parseHubFrame,
} from "../../protocol.ts";
import { startTestHub } from "../kit/test_hub.ts";

async function readGolden<T>(name: string): Promise<readonly T[]> {
  const path = new URL(`../../conformance/frames/${name}.ndjson`, import.meta.url);
  return parseLines<T>(await Deno.readTextFile(path));
}

const hubFrames = await readGolden<Golden>("hub");
const clientFrames = await readGolden<{ name: string; frame: JsonFrame; expect: JsonFrame }>(
  "client",
);

/** Checks the fields that `wanted` has. */
function assertFields(frame: JsonFrame, wanted: JsonFrame, name: string): void {
  const seen = Object.keys(wanted).map((field) => [field, frame[field]]);
  assertEquals([name, Object.fromEntries(seen)], [name, wanted]);
}

/** The entries of room `dev` in a frame. */
function entriesOf(frame: ParsedHubFrame): readonly { id: number; type: string }[] {
  if (frame.type === "joined") return frame.messages;
  const isEntry = frame.type === "message" || frame.type === "skipped" || frame.type === "live";
  return isEntry && frame.room === "dev" ? [frame] : [];
}

/** The place of a frame that is no entry in this version; it shows what it shows. */
function entryBeside({ entry }: ParsedHub): readonly { id: number; type: string }[] {
  return entry === undefined ? [] : [{ id: entry.id, type: "beside" }];
}

Deno.test("the parser reads the golden frames of a later hub as they demand", () => {
  let position = 0;
  for (const { name, frame, expect } of hubFrames) {
    const parsed = parseHubFrame(JSON.stringify(frame));
    const found = parsed.ok ? [...entriesOf(parsed.frame), ...entryBeside(parsed)] : [];
    const entries = found.filter(({ id }) => id > position);
    const ids = (type: string) => entries.filter((one) => one.type === type).map(({ id }) => id);
    assertEquals([name, ids("message")], [name, expect.show ?? []]);
    assertEquals([name, ids("skipped")], [name, expect.skip ?? []]);
    position = Math.max(position, ...entries.map(({ id }) => id));
    if (expect.position !== undefined) assertEquals([name, position], [name, expect.position]);
    if (expect.read === undefined) continue;
    assert(parsed.ok, name);
    assertFields(parsed.frame, expect.read, name);
  }
});

Deno.test("the client resumes where the golden frames end, notices a gap, and knows when to stop", async () => {
  const broken: string[] = [];
  const hub = new LaterHub(hubFrames, (ok, rule, saw) => {
    if (!ok) broken.push(`${rule}: ${saw}`);
  });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => hub.handle(request),
  );
  const url = `ws://127.0.0.1:${server.addr.port}`;
  await using connection = connect({ url, sender: "Alice", rooms: [{ room: "lobby" }] });
  const shown: number[] = [];
  const error = await (async () => {
    for await (const event of connection) if (event.type === "message") shown.push(event.id);
  })().catch((reason: Error) => reason);
  await hub.done;
  assertEquals(broken, []);
  assertEquals(shown, hubFrames.flatMap(({ expect }) => expect.show ?? []));
  assertEquals(error?.name, "ConnectError");
});

Deno.test("the hub answers the golden frames of a client as they demand", async () => {
  await using hub = await startTestHub();
  await using context = new CheckContext({ url: hub.url, tokens: [] });
  const peer = context.connect(["bcast.v1"]);
  await peer.opened();
  for (const { name, frame, expect } of clientFrames) {
    peer.send(frame);
    const answer = await peer.next((one) => one["ref"] === frame["ref"], `answer to ${name}`);
    assertFields(answer, expect, name);
    // What follows a `joined` would come between the others.
    if (expect["type"] === "joined" || expect["type"] === "welcome") await peer.next("live");
  }
});

Deno.test("the parser refuses a golden frame only if the hub has to", () => {
  const byHub = ["key_reused", "not_in_room"];
  for (const { name, frame, expect } of clientFrames) {
    const parsed = parseClientFrame(JSON.stringify(frame));
    const code = parsed.ok ? undefined : parsed.error.code;
    assertEquals([name, code], [name, byHub.includes(expect["code"]) ? undefined : expect["code"]]);
  }
});

Deno.test("the script sees a hub that breaks the rules", async () => {
  // Answers every request with the same wrong frame.
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const protocol = request.headers.get("sec-websocket-protocol")?.split(/, */).at(-1) ?? "";
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol });
      socket.onmessage = ({ data }) => {
        const { ref } = JSON.parse(String(data).split("\n")[0] ?? "");
        socket.send(JSON.stringify({ type: "welcome", ref, sender: "x", rooms: [], limits: {} }));
      };
      return response;
    },
  );
  const target = { url: `ws://127.0.0.1:${server.addr.port}`, tokens: [] };
  for (const rule of CHECKS.slice(1, 3)) {
    const { ok, saw } = await check(rule, target);
    assertEquals([rule.name, ok], [rule.name, false], saw);
  }
});

Deno.test("`parseTarget()` reads an address and tokens", () => {
  assertEquals(parseTarget(["ws://h:1"]), { url: "ws://h:1", tokens: [] });
  assertEquals(parseTarget(["wss://h/ws", "--token", "a", "--token", "b"]), {
    url: "wss://h/ws",
    tokens: ["a", "b"],
  });
  for (const bad of [[], ["h:1"], ["ws://h", "--token"], ["ws://h", "--help", "x"]]) {
    assertEquals(parseTarget(bad), undefined);
  }
});

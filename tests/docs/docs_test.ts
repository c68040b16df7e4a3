import { assert, assertEquals } from "@std/assert";
import { DEFAULT_RETENTION } from "../../broker/broker.ts";
import { RENEWAL_GRACE_SECONDS } from "../../server/authentication.ts";
import { ADDRESS_BURST_SECONDS, DEFAULT_SERVER_LIMITS } from "../../server/limits/server_limits.ts";
import { NEW_ROOMS_BURST, NEW_ROOMS_RATE } from "../../server/limits/room_limiter.ts";
import {
  CLOSE,
  DEDUPE_MINUTES,
  ERROR_CODES,
  GRACE_SECONDS,
  HELLO_TIMEOUT_SECONDS,
  MAX_BATCH_MESSAGES,
  MAX_DATA_DEPTH,
  MAX_HISTORY_PAGE,
  MAX_NAME_LENGTH,
  MAX_NAMED_MEMBERS,
  MAX_REF_LENGTH,
  MAX_ROOM_LENGTH,
  parseClientFrame,
  parseHubFrame,
  RETURN_SECONDS,
  shouldReconnect,
} from "../../protocol.ts";
import { startTestHub } from "../kit/test_hub.ts";

const protocol = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));

/** The rows of the table under a heading, as cells. */
function table(heading: string): string[][] {
  const [, after = ""] = protocol.split(`\n## ${heading}\n`);
  const [section = ""] = after.split("\n## ");
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

const codeWords = (cell = ""): string[] =>
  [...cell.matchAll(/`([a-z]+)\??`/gi)].map(([, word]) => word ?? "");

Deno.test("docs/protocol.md lists exactly the frames that a client may send", () => {
  const documented = table("Client to hub").map(([type]) => codeWords(type)[0]);
  const answer = parseClientFrame(`{"type":"?"}`);
  assert(!answer.ok);
  const known = answer.error.message.split("send one of ")[1]?.split(", ");
  assertEquals(documented.toSorted(), known?.toSorted());
});

Deno.test("docs/protocol.md lists exactly the frames that a hub may send", () => {
  const documented = table("Hub to client").map(([type]) => codeWords(type)[0] ?? "");
  for (const type of documented) {
    const parsed = parseHubFrame(JSON.stringify({ type }));
    assert(parsed.ok || parsed.error.code !== "unknown_type", `${type} is not known`);
  }
  assertEquals(documented.length, 13);
});

Deno.test("docs/protocol.md lists exactly the required fields of a client's frame", () => {
  for (const [type, fields] of table("Client to hub")) {
    const name = codeWords(type)[0];
    const required = [...(fields ?? "").matchAll(/`([a-z]+)`/g)].map(([, field]) => field ?? "");
    const values: Record<string, unknown> = { to: "Bob", room: "lobby", sender: "A", typing: true };
    const content = name === "message" || name === "direct" ? { message: "m" } : {};
    const whole = Object.fromEntries(required.map((field) => [field, values[field]]));
    assert(parseClientFrame(JSON.stringify({ type: name, ...content, ...whole })).ok, name);
    for (const field of required) {
      const { [field]: _, ...rest } = whole;
      assert(
        !parseClientFrame(JSON.stringify({ type: name, ...content, ...rest })).ok,
        `${name} needs ${field}`,
      );
    }
  }
});

Deno.test("docs/protocol.md lists exactly the codes", () => {
  const [, section = ""] = protocol.split("\n## Codes\n");
  const [codes = ""] = section.split("An invalid frame");
  const listed = [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code);
  assertEquals(listed, [...ERROR_CODES]);

  const rows = table("Codes");
  assertEquals(rows.map(([code]) => Number(code)), Object.values(CLOSE).toSorted((a, b) => a - b));
  for (const [code, , reconnect] of rows) {
    assertEquals(shouldReconnect(Number(code)), reconnect === "yes", code);
  }
});

Deno.test("docs/protocol.md states the real limits", () => {
  const limits = DEFAULT_SERVER_LIMITS;
  const rows = new Map(
    table("Names, rooms, limits").map(([what = "", value = ""]) => [what, value]),
  );
  const numbers = (what: string): number[] =>
    [...(rows.get(what) ?? "").matchAll(/\d+/g)].map(([number]) => Number(number));
  assertEquals(numbers("one message"), [limits.maxMessageBytes, MAX_BATCH_MESSAGES]);
  assertEquals(numbers("rooms of a client"), [limits.maxRooms]);
  assertEquals(numbers("rooms of the hub"), [
    limits.maxRoomsTotal,
    NEW_ROOMS_BURST,
    NEW_ROOMS_RATE,
  ]);
  assertEquals(numbers("history of a room"), [
    DEFAULT_RETENTION.maxMessages,
    DEFAULT_RETENTION.maxAge / 86_400_000,
  ]);
  assertEquals(numbers("replay on joining"), [limits.replay]);
  assertEquals(numbers("rate of a client"), [limits.rate, limits.burst]);
  assertEquals(numbers("rate of an address"), [
    limits.ratePerAddress,
    limits.ratePerAddress * ADDRESS_BURST_SECONDS,
  ]);
  assertEquals(numbers("wrong tokens"), [limits.maxFailures]);
  assertEquals(numbers("time for `hello`"), [limits.helloTimeout]);
  assertEquals(numbers("outbox of a client"), [limits.maxOutboxBytes]);
  assertEquals(numbers("connections"), [limits.maxConnections, limits.maxPerAddress]);
  assertEquals(numbers("heartbeat"), [limits.heartbeat]);
  assertEquals(numbers("name"), [1, MAX_NAME_LENGTH]);
  assertEquals(numbers("room").slice(0, 2), [1, MAX_ROOM_LENGTH]);
  for (
    const sentence of [
      `within ${HELLO_TIMEOUT_SECONDS} seconds`,
      `same person within ${RENEWAL_GRACE_SECONDS} seconds`,
      `string of 1 to ${MAX_REF_LENGTH} characters`,
      `nested ${MAX_DATA_DEPTH} levels`,
      `1 to ${MAX_HISTORY_PAGE}`,
      `within ${DEDUPE_MINUTES} minutes`,
      `with its secret for ${GRACE_SECONDS} seconds`,
      `the first ${RETURN_SECONDS} seconds of a hub`,
      `rooms of more than ${MAX_NAMED_MEMBERS}`,
    ]
  ) {
    assert(protocol.replaceAll(/\s+/g, " ").includes(sentence), sentence);
  }
});

Deno.test("docs/protocol.md lists the HTTP responses of the hub", async () => {
  await using hub = await startTestHub();
  const at = hub.url.replace("ws:", "http:").replace(/\/$/, "");
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(at + path, init);
    await response.body?.cancel();
    return response;
  };
  const rows = table("Over HTTP");
  const paths = rows.flatMap(([cell = ""]) => /^`(\/.*)`$/.exec(cell)?.[1] ?? []);
  for (const path of paths) {
    const { status } = await ask(path, { headers: { accept: "text/html" } });
    assertEquals([path, status], [path, 200]);
  }
  const told = new Set(rows.flatMap(([cell = ""]) => /^\d+$/.test(cell) ? [Number(cell)] : []));
  const statuses = await Promise.all([
    ask("/ws"),
    ask("/api/people?room=No%20room"),
    ask("/api/nothing"),
    ask("/api/rooms", { method: "POST" }),
    ask("/api/rooms", { headers: { origin: "https://elsewhere.example" } }),
  ].map(async (answer) => (await answer).status));
  assertEquals(statuses, [426, 400, 404, 405, 403]);
  for (const status of statuses) assert(told.has(status), String(status));
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ClientEvent, ConnectError } from "../../../client/types.ts";
import {
  itemsOf,
  jsonItem,
  type OutgoingItem,
  textItem,
} from "../../../commands/pipeline/input.ts";
import { inputLines, readLines } from "../../../lib/input_lines.ts";
import { ReconnectDeadline } from "../../../commands/pipeline/connection_events.ts";
import { SendProgress } from "../../../commands/pipeline/progress.ts";
import {
  MAX_OPEN,
  MAX_OPEN_LENGTH,
  sendAll,
  type SendCounts,
} from "../../../commands/pipeline/send.ts";
import { ConnectionNotices } from "../../../commands/pipeline/connection_events.ts";
import { ranges, UnsentReport } from "../../../commands/pipeline/unsent_report.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { connectedEvents, FakeConnection } from "../../kit/fake_connection.ts";
import { byteStream, MemoryOutput } from "../../kit/memory_output.ts";
import { until } from "../../kit/wait.ts";

Deno.test("`jsonItem()` reads message, data and kind, and reports invalid lines", () => {
  const bad = `it is not a JSON object like {"message":"hi"}`;
  const cases: [string, unknown][] = [
    [`{"message":"hi"}`, { message: "hi" }],
    [`{"data":[1,null]}`, { data: [1, null] }],
    [`{"data":{"a":null}}`, { data: { a: null } }],
    [`{"message":"","data":0,"kind":"action"}`, { message: "", data: 0, kind: "action" }],
    // What bcast listen --json prints goes to where this sends, not to where it was said.
    [
      `{"type":"message","room":"a","id":5,"sender":"Bob","timestamp":"","message":"hi"}`,
      { message: "hi" },
    ],
    [`{"message":"hi","format":"markdown","via":["a"]}`, {
      message: "hi",
      format: "markdown",
      via: ["a"],
    }],
    [`{"message":"hi","x-acme-job":{"id":7},"account":"Bob","key":"k"}`, {
      message: "hi",
      "x-acme-job": { id: 7 },
    }],
    [`{"message":"hi","kind":"x-acme-alert"}`, { message: "hi", kind: "x-acme-alert" }],
    [`{"data":null}`, `a message needs "message" (text), "data" (JSON), or both`],
    [`{}`, `a message needs "message" (text), "data" (JSON), or both`],
    [`{"message":5}`, `"message" must be a string`],
    [
      `{"message":"hi","kind":"shout"}`,
      `this hub knows no kind "shout": use "action" or a name like x-owner-name, or leave it out`,
    ],
    [`{"data":[{"e":-1e999}]}`, `a number in "data" is too large: send it as a string`],
    [
      String.raw`{"message":"\ud800"}`,
      `its "message" has a lone surrogate, which UTF-8 cannot encode`,
    ],
    [`[]`, bad],
    [`null`, bad],
    [`"hi"`, bad],
    [`{"message":"hi"`, bad],
  ];
  for (const [text, expected] of cases) {
    const item = typeof expected === "string" ? { problem: expected } : { content: expected };
    assertEquals(
      [...jsonItem({ number: 3, text })],
      [{ number: 3, ...item }] as OutgoingItem[],
      text,
    );
  }
  assertEquals([...jsonItem({ number: 1, text: " " })], []);
  for (const read of [jsonItem, textItem]) {
    const problem = { number: 1, problem: "it is too long" };
    assertEquals([...read(problem)], [problem]);
    for (const blank of ["", " ", "\t \u3000\r"]) {
      assertEquals([...read({ number: 1, text: blank })], [], JSON.stringify(blank));
    }
  }
});

Deno.test("`readLines()` can split at NUL characters only", async () => {
  const found = await Array.fromAsync(readLines(byteStream("a\nb\r", "\0", "\0c"), 100, "\0"));
  assertEquals(found, [
    { number: 1, text: "a\nb\r" },
    { number: 2, text: "" },
    { number: 3, text: "c" },
  ]);
});

/** Invalid UTF-8: truncated, overlong, a surrogate, beyond the last character, a stray byte. */
const NOT_UTF8 = [[0xe2, 0x82], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff]];

Deno.test("`readLines()` yields or reports every line, however the bytes are chunked", async () => {
  const line = fc.oneof(
    fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\r]/g, "")),
    fc.constantFrom(...NOT_UTF8, [0xef, 0xbb, 0xbf, 0x61]).map((bytes) => Uint8Array.from(bytes)),
  );
  const property = fc.asyncProperty(
    fc.array(line),
    fc.array(fc.nat({ max: 40 })),
    async (lines, cuts) => {
      const encoder = new TextEncoder();
      const encoded = lines.map((each) => typeof each === "string" ? encoder.encode(each) : each);
      const bytes = encoded.flatMap((each) => [...each, 0x0a]);
      const pieces = [...cuts, bytes.length].map((size) => Uint8Array.from(bytes.splice(0, size)));
      const read = await Array.fromAsync(readLines(ReadableStream.from(pieces), 1000));
      const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      const expected = encoded.map((each, index) => {
        const number = index + 1;
        try {
          const text = strict.decode(each);
          return { number, text: index === 0 ? text.replace(/^\uFEFF/, "") : text };
        } catch {
          return { number, problem: "it is not UTF-8: convert it with iconv" };
        }
      });
      assertEquals(read, expected);
    },
  );
  await fc.assert(property);
});

Deno.test("`inputLines()` ends when aborted, and fails when reading fails", async () => {
  const stop = new AbortController();
  const lines = inputLines(new ReadableStream(), stop.signal);
  const first = lines.next();
  stop.abort();
  assertEquals(await first, { done: true, value: undefined });
  const broken = new ReadableStream({ pull: () => Promise.reject(new Error("the disk is gone")) });
  const failed = await inputLines(broken, new AbortController().signal).next().catch(String);
  assertEquals(failed, "Error: the disk is gone");
});

function begin(items: AsyncIterable<OutgoingItem>) {
  const connection = new FakeConnection();
  const rejected: string[] = [];
  const counts: SendCounts = { sent: 0, acked: 0, rejected: 0 };
  const result = sendAll({
    connection,
    items,
    deliver: (content) => connection.send(content),
    onRejected: (number, why) => rejected.push(`${number} ${why}`),
    counts,
  });
  // Looked at by the test, when it is ready.
  result.catch(() => {});
  return { connection, rejected, counts, result };
}

const endless = async function* (length = 1): AsyncGenerator<OutgoingItem> {
  for (let number = 1;; number++) yield { number, content: { message: "x".repeat(length) } };
};

Deno.test("`sendAll()` bounds the messages in flight for any input", async () => {
  for (const [length, most] of [[1, MAX_OPEN], [MAX_OPEN_LENGTH / 4, 5]] as const) {
    const { connection, counts, result } = begin(endless(length));
    await until("the window to be full", () => connection.sent.length === most);
    const half = Math.ceil(most / 2);
    for (const { ack } of connection.sent.slice(0, half)) ack();
    await until("more to be read", () => connection.sent.length > most);
    assert(connection.pending <= most, `${connection.pending} under way`);
    assertEquals(counts.acked, half);
    await connection.close();
    const { error, unacked } = await result;
    assertEquals(error?.failure, "closed");
    assertEquals(unacked.length, counts.sent - counts.acked);
    assertEquals(unacked[0], half + 1);
  }
});

Deno.test("`sendAll()` reports rejected lines and continues", async () => {
  const lines = readLines(
    byteStream(`{"message":"one"}\nnope\n\n{"data":4}\n{"message":"5"}`),
    100,
  );
  const { connection, rejected, result } = begin(itemsOf(lines, jsonItem));
  await until("three messages", () => connection.sent.length === 3);
  assertEquals(connection.sent.map(({ message }) => message), [
    { message: "one" },
    { data: 4 },
    { message: "5" },
  ]);
  connection.sent[1]?.reject("too_big", "Too big");
  // A private message that went down with one of several connections.
  connection.sent[2]?.fail(new ConnectError("lost", "Lost on the way"));
  connection.sent[0]?.ack();
  const { error, unacked, ...counts } = await result;
  assertEquals(counts, { sent: 3, acked: 1, rejected: 3 });
  assertEquals([error, unacked], [undefined, []]);
  assertEquals(rejected, [
    `2 it is not a JSON object like {"message":"hi"}`,
    "4 Too big",
    "5 Lost on the way",
  ]);
});

Deno.test("`sendAll()` throws errors that are not from the connection", async () => {
  const { connection, result } = begin(endless());
  await until("a message", () => connection.sent.length > 0);
  const bug = new Error("a bug");
  for (const { fail } of [...connection.sent]) fail(bug);
  assertEquals(await result.catch((error) => error), bug);
});

Deno.test("`UnsentReport` reports the first lines one by one, the rest as a number", () => {
  const said: string[] = [];
  const report = new UnsentReport((line) => said.push(line));
  report.finish();
  for (let number = 1; number <= 10; number++) report.rejected(number, "no");
  report.finish();
  assertEquals(said.length, 10);
  assertEquals(said[0], "Line 1 was not sent: no");
  report.rejected(11, "no");
  report.finish();
  assertEquals(said.slice(10), ["And 1 more line was not sent"]);
  report.rejected(12, "no");
  report.unacked([], "never told");
  report.unacked([13], "the hub is gone");
  report.finish();
  assertEquals(said.slice(11), [
    "Line 13 may not have been sent: the hub is gone",
    "And 2 more lines were not sent",
  ]);
});

Deno.test("`ranges()` joins consecutive numbers", () => {
  assertEquals(ranges([5]), "5");
  assertEquals(ranges([9, 5, 6, 7]), "5 to 7 and 9");
  assertEquals(ranges([1, 3, 5]), "1, 3 and 5");
  const odd = Array.from({ length: 2000 }, (_, n) => 2 * n + 1);
  assertEquals(ranges(odd), "1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 1,990 more");
});

Deno.test("`SendProgress` appears after a second, and erases itself", () => {
  const clock = new FakeClock();
  const counts: SendCounts = { sent: 0, acked: 0, rejected: 0 };
  const terminal = new MemoryOutput();
  {
    using progress = new SendProgress(terminal, clock, counts);
    clock.advance(999);
    assertEquals(terminal.text, "", "a short sending shows nothing");
    Object.assign(counts, { sent: 12_345, acked: 11_900 });
    clock.advance(1);
    assertEquals(terminal.text, "\r\x1b[K12,345 sent, 11,900 acknowledged, 11,900/s");
    terminal.text = "";
    counts.acked += 25;
    clock.advance(250);
    assertEquals(terminal.text, "\r\x1b[K12,345 sent, 11,925 acknowledged, 100/s");
    terminal.text = "";
    progress.clear();
    progress.clear();
    assertEquals(terminal.text, "\r\x1b[K");
    clock.advance(250);
    terminal.text = "";
  }
  assertEquals([terminal.text, clock.waiting], ["\r\x1b[K", 0]);
});

Deno.test("`ReconnectDeadline` expires if the hub does not come back, and restarts with each outage", () => {
  const [, online] = connectedEvents();
  const offline = { type: "offline", code: 1006, reason: "", retryIn: 1 } as const;
  for (const [limit, over] of [[1000, 1], [0, 0]] as const) {
    const clock = new FakeClock();
    let ended = 0;
    using deadline = new ReconnectDeadline(limit, clock, () => ended++);
    deadline.observe(offline);
    clock.advance(900);
    if (online !== undefined) deadline.observe(online);
    clock.advance(900);
    deadline.observe(offline);
    clock.advance(900);
    // The tries in between are no new loss.
    deadline.observe(offline);
    assertEquals(ended, 0);
    clock.advance(100);
    assertEquals(ended, over);
  }
});

Deno.test("`ConnectionNotices` reports each outage once, and its end", () => {
  const [connecting, online] = connectedEvents();
  assert(connecting !== undefined && online?.type === "online");
  const offline = { type: "offline", code: 1006, reason: "Gone", retryIn: 1000 } as const;
  const again = { ...online, reconnected: true };
  const talk = new ConnectionNotices();
  const news = (...events: ClientEvent[]): (string | undefined)[] =>
    events.map((event) => talk.noticeFor(event));
  assertEquals(news(connecting, online), [undefined, undefined]);
  assertEquals(news(offline, connecting, offline, again), [
    "! Gone. Trying again in 1 s",
    undefined,
    undefined,
    "* Connected again as Alice",
  ]);
  // A pause: no word of an end came before.
  assertEquals(news(connecting, again), [undefined, undefined]);
  assertEquals(news(offline)[0], "! Gone. Trying again in 1 s");
});

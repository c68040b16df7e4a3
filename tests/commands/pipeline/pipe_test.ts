import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectError } from "../../../client/types.ts";
import { type InputLine, readLines } from "../../../lib/input_lines.ts";
import { MAX_OPEN } from "../../../commands/pipeline/send.ts";
import { pipe } from "../../../commands/pipeline/pipe.ts";
import {
  chatMessage,
  connectedEvents,
  errorFrame,
  FakeConnection,
  onlineEvent,
  roomJoined,
  TIMESTAMP,
} from "../../kit/fake_connection.ts";
import { byteStream, MemoryOutput } from "../../kit/memory_output.ts";
import { until } from "../../kit/wait.ts";

interface Setting {
  readonly connection: FakeConnection;
  readonly stdout: MemoryOutput;
  readonly stderr: MemoryOutput;
  readonly stop: AbortController;
  readonly code: Promise<number>;
}

function begin(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
  json = false,
  isTyped = false,
): Setting {
  const connection = new FakeConnection();
  const [stdout, stderr] = [new MemoryOutput(), new MemoryOutput()];
  const stop = new AbortController();
  const code = pipe({ connection, input, stdout, stderr, json, isTyped, signal: stop.signal });
  // Looked at by the test, when it is ready.
  code.catch(() => {});
  return { connection, stdout, stderr, stop, code };
}

const endless = (): ReadableStream<Uint8Array<ArrayBuffer>> => new ReadableStream();

async function lines(pieces: readonly string[], limit = 100): Promise<string[]> {
  const found: InputLine[] = [];
  for await (const line of readLines(byteStream(...pieces), limit)) found.push(line);
  assertEquals(found.map(({ number }) => number), found.map((_, at) => at + 1));
  return found.map((line) => "text" in line ? line.text : `(${line.problem})`);
}

Deno.test("`readLines()` splits at newlines, however the bytes are chunked", async () => {
  assertEquals(await lines(["a\nb\r\n\nc"]), ["a", "b", "", "c"]);
  assertEquals(await lines(["a", "b\n", "c\r", "\n", "d\n"]), ["ab", "c", "d"]);
  assertEquals(await lines([]), []);
  const bytes = new TextEncoder().encode("ü😀\n");
  const single = ReadableStream.from([...bytes].map((byte) => new Uint8Array([byte])));
  const found: InputLine[] = [];
  for await (const line of readLines(single, 100)) found.push(line);
  assertEquals(found, [{ number: 1, text: "ü😀" }]);
});

Deno.test("`readLines()` skips a line over the limit, and only that", async () => {
  assertEquals(await lines(["aaaa\nbb", "bbb\ncc\ndddddd"], 4), [
    "aaaa",
    "(it is too long)",
    "cc",
    "(it is too long)",
  ]);
});

Deno.test("`pipe()` sends each line, waits for every ack and returns 0", async () => {
  const { connection, stdout, stderr, code } = begin(byteStream("one\ntwo\n\nthree"));
  connection.emit(...connectedEvents("ci"));
  await until("three messages", () => connection.sent.length === 3);
  assertEquals(connection.sent.map(({ message }) => message.message), ["one", "two", "three"]);
  connection.sent[2]?.ack();
  connection.sent[0]?.ack();
  assertEquals(connection.state, "online");
  connection.sent[1]?.ack();
  assertEquals(await code, 0);
  assertEquals([stdout.text, stderr.text], ["", ""]);
});

Deno.test("`pipe()` prints received messages on stdout and notices on stderr", async () => {
  const { connection, stdout, stderr, code, stop } = begin(endless());
  connection.emit(
    ...connectedEvents("ci"),
    chatMessage("Bob", "hi\n* forged \x1b[2J"),
    { type: "direct", sender: "Bob", to: "ci", message: "psst", timestamp: TIMESTAMP },
    { type: "presence", room: "lobby", online: 2, joined: ["Carol"] },
    { type: "offline", code: 1006, reason: "Gone", retryIn: 1000 },
    errorFrame("internal", "Oops"),
    chatMessage("Bob", "end"),
  );
  await until("the end", () => stdout.text.includes("end\n"));
  assertMatch(
    stdout.text,
    /^\[.*\] Bob: hi\n {11}\* forged ␛\[2J\n\[.*\] Bob @you: psst\n\* Carol joined \(2 online\)\n\[.*end\n$/,
  );
  assertEquals(stderr.text, "! Gone. Trying again in 1 s\n! Oops\n");
  stop.abort();
  assertEquals(await code, 130);
});

Deno.test("`pipe()` with empty input waits for the backlog of all rooms", async () => {
  const { connection, stdout, code } = begin(byteStream());
  connection.emit(
    onlineEvent("ci", ["lobby", "ops"]),
    roomJoined("lobby"),
    roomJoined("ops"),
    { type: "live", room: "lobby", id: 0 },
    chatMessage("Bob", "earlier", { room: "ops" }),
    { type: "live", room: "ops", id: 1 },
  );
  assertEquals(await code, 0);
  assertStringIncludes(stdout.text, "Bob: earlier");
});

Deno.test("`pipe()` reports a refused line, sends the others and returns 1", async () => {
  const { connection, stderr, code } = begin(byteStream("one\n\ntwo\nthree\n"));
  connection.emit(...connectedEvents("ci"));
  await until("three messages", () => connection.sent.length === 3);
  connection.sent[0]?.ack();
  connection.sent[1]?.reject("too_big", "a message may have at most 10 bytes: shorten or split it");
  connection.sent[2]?.ack();
  assertEquals(await code, 1);
  assertEquals(
    stderr.text,
    "Line 3 was not sent: a message may have at most 10 bytes: shorten or split it\n",
  );
});

Deno.test("`pipe()` bounds the lines in flight", async () => {
  const { connection, code } = begin(byteStream("x\n".repeat(3000)));
  connection.emit(...connectedEvents("ci"));
  let acked = 0;
  while (acked < 3000) {
    await until("a message", () => connection.sent.length > acked);
    assertEquals(connection.sent.length - acked <= MAX_OPEN, true);
    connection.sent[acked++]?.ack();
  }
  assertEquals(await code, 0);
});

Deno.test("`pipe()` with JSON prints only frames of the hub", async () => {
  const { connection, stdout, code } = begin(byteStream("one\n"), true);
  connection.emit(...connectedEvents("ci"), chatMessage("Bob", "hi\u202e"));
  await until("the message", () => stdout.text.includes("Bob"));
  connection.sent[0]?.ack();
  assertEquals(await code, 0);
  const frames = stdout.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(frames.map(({ type }) => type), ["welcome", "joined", "live", "message", "ack"]);
  assertEquals(frames[3], chatMessage("Bob", "hi\u202e"));
  const own = ["rejoined", "missed", "messages"].filter((field) => field in frames[1]);
  assertEquals(own, []);
  assertEquals(stdout.text.includes("\u202e"), false);
});

Deno.test("`pipe()` ends quietly when its output is closed", async () => {
  const { connection, stdout, stderr, code } = begin(endless());
  stdout.open = false;
  connection.emit(...connectedEvents("ci"), chatMessage("Bob", "hi"));
  assertEquals(await code, 0);
  assertEquals([stderr.text, connection.state], ["", "closed"]);
});

Deno.test("an interrupted `pipe()` reports what may be lost", async () => {
  const { connection, stderr, stop, code } = begin(byteStream("one\n"));
  connection.emit(...connectedEvents("ci"));
  await until("the message", () => connection.sent.length === 1);
  stop.abort();
  assertEquals(await code, 130);
  assertEquals(stderr.text, "Interrupted: 1 message may not have reached the hub\n");
});

Deno.test("`pipe()` fails with the error of the connection", async () => {
  const { connection, code } = begin(byteStream("one\n"));
  await until("the message", () => connection.sent.length === 1);
  const error = new ConnectError("connection-refused", "Nothing listens");
  connection.sent[0]?.fail(error);
  connection.fail(error);
  assertEquals(await assertRejects(() => code, ConnectError), error);
});

Deno.test("`pipe()` sends 'quit' from a program, but not from a terminal", async () => {
  for (const isTyped of [false, true]) {
    const setting = begin(byteStream("quit\n", " quit\n", "exit stage\n", "EXIT"), false, isTyped);
    setting.connection.emit(...connectedEvents());
    const expected = isTyped ? [" quit", "exit stage"] : ["quit", " quit", "exit stage", "EXIT"];
    const { sent } = setting.connection;
    await until("all of it", () => sent.length === expected.length);
    assertEquals(sent.map(({ message }) => message), expected.map((message) => ({ message })));
    for (const each of sent) each.ack();
    assertEquals(await setting.code, 0);
    const question = "To leave, press Ctrl-D. To say it, put a space before it\n";
    assertEquals(setting.stderr.text, isTyped ? question.repeat(2) : "");
  }
});

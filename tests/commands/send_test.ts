import { assert, assertEquals, assertMatch } from "@std/assert";
import { OPEN_GRANT } from "../../auth/authorizer.ts";
import { Rights } from "../../auth/rights.ts";
import { connect } from "../../client.ts";
import type { Message } from "../../protocol.ts";
import { EventLog } from "../kit/event_log.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { postModeration, startModeratedHub, startTestHub } from "../kit/test_hub.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { ScriptedHub } from "../kit/scripted_hub.ts";
import { until } from "../kit/wait.ts";

/** The messages of a room. */
async function log(url: string, room: string): Promise<readonly Message[]> {
  await using reader = connect({ url, rooms: [] });
  return (await reader.history(room, { limit: 500 })).messages;
}

const texts = (messages: readonly Message[]): string[] =>
  messages.map(({ sender, message }) => `${sender}: ${message}`);

async function send(
  args: readonly string[],
  input: string | Uint8Array = "",
  env: Record<string, string> = {},
): Promise<[code: number, errors: string]> {
  await using program = new Program(["send", ...args], env);
  await program.type(input, { end: true }).catch((error) => {
    // With words as arguments, it does not read its input.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  });
  const code = await program.exit();
  assertEquals(program.lines, []);
  return [code, program.errors];
}

Deno.test("bcast send reports a closed or forbidden room in words for users", async () => {
  await using hub = await startModeratedHub();
  await postModeration(hub, "close-room", { room: "sud", reason: "go on in lobby – 世界" });
  await using closed = new Program(["send", "--url", hub.url, "--room", "sud", "hi"]);
  assertEquals(await closed.exit(), 1);
  assertMatch(
    closed.errors,
    /^! Room sud is closed: go on in lobby – 世界\nNot sent: You could not join sud/,
  );
  await using lines = new Program(["send", "--url", hub.url, "--room", "sud"]);
  await lines.type("a\nb\n", { end: true });
  assertEquals(await lines.exit(), 1);
  assertMatch(
    lines.errors,
    /^Line 2 was not sent: You could not join sud, as said above: choose another room with --room$/m,
  );

  const rights = Rights.parse({ "ops-*": "read-write" });
  assert(rights !== undefined);
  const authorize = () => ({ ok: true, grant: { ...OPEN_GRANT, rights } }) as const;
  await using other = await startTestHub({ authorizer: { required: true, authorize } });
  for (
    const [args, expected] of [
      [["--room", "secret"], /^Not sent: You could not join secret, as said above: choose/m],
      [[], /^Not sent: You could not join the hub's default room, as said above: choose/m],
    ] as const
  ) {
    await using program = new Program([
      "send",
      "--url",
      other.url,
      "--token",
      "a-token-for-ops",
      ...args,
      "hi",
    ]);
    assertEquals(await program.exit(), 1, program.errors);
    assertMatch(program.errors, expected);
    assertEquals(/"type"/.exec(program.errors), null, program.errors);
  }
});

Deno.test("bcast send sends words, lines, NUL-separated records and JSON objects", async () => {
  await using hub = await startTestHub();
  const env = { BCAST_URL: hub.url, BCAST_NAME: "ci", BCAST_ROOM: "dev" };
  const runs = await Promise.all([
    send(["hello", "big", "world", "--room", "words"], "not read", env),
    send(["--room", "dashes", "--", "--not-a-flag"], "", env),
    send([], "one\n\nüber 😀\r\nlast", env),
    send(["--null", "--room", "nul"], "a\nb\0\0c", env),
    send(["--json", "--room", "json"], `{"message":"hi","data":[1]}\n{"data":2}\n`, env),
  ]);
  assertEquals(runs, Array.from({ length: runs.length }, () => [0, ""]));
  const messages = async (room: string): Promise<unknown[]> =>
    (await log(hub.url, room)).map(({ message, data }) =>
      data === undefined ? message : [
        message,
        data,
      ]
    );
  assertEquals(await messages("words"), ["hello big world"]);
  assertEquals(await messages("dashes"), ["--not-a-flag"]);
  assertEquals(await messages("dev"), ["one", "über 😀", "last"]);
  assertEquals(await messages("nul"), ["a\nb", "c"]);
  assertEquals(await messages("json"), [["hi", [1]], [undefined, 2]]);
});

Deno.test("bcast send reports each invalid line and sends the others", async () => {
  await using hub = await startTestHub();
  const env = { BCAST_URL: hub.url, BCAST_NAME: "ci" };
  const bytes = new Uint8Array([...new TextEncoder().encode("one\n"), 0xff, 0x0a, 0x74, 0x0a]);
  const json = [
    `{"data":{"e":1e999}}`,
    `{"data":{"e":1e99}}`,
    String.raw`{"message":"a\ud800b"}`,
    String.raw`{"message":"\ud83d\ude00"}`,
  ];
  const [raw, objects] = await Promise.all([
    send(["-", "--room", "raw"], bytes, env),
    // Runs at the same time, so it needs another name.
    send(["--json", "--room", "json"], json.join("\n"), { ...env, BCAST_NAME: "cd" }),
  ]);
  assertEquals(raw, [1, "Line 2 was not sent: it is not UTF-8: convert it with iconv\n"]);
  assertEquals(objects, [
    1,
    'Line 1 was not sent: a number in "data" is too large: send it as a string\n' +
    'Line 3 was not sent: its "message" has a lone surrogate, which UTF-8 cannot encode\n',
  ]);
  assertEquals(texts(await log(hub.url, "raw")), ["ci: one", "ci: t"]);
  const kept = (await log(hub.url, "json")).map(({ message, data }) => message ?? data);
  assertEquals(kept, [{ e: 1e99 }, "😀"]);
});

Deno.test("bcast send --to sends privately, and reports a missing receiver", async () => {
  await using hub = await startTestHub();
  await using bob = connect({ url: hub.url, sender: "Bob" });
  const events = new EventLog(bob);
  await events.until("joined");
  assertEquals(await send(["psst", "--to", "Bob", "--url", hub.url, "--name", "ci"]), [0, ""]);
  const { sender, message } = await events.until("direct");
  assertEquals([sender, message], ["ci", "psst"]);
  const [code, errors] = await send(["psst", "--to", "Carol", "--url", hub.url]);
  assertEquals(code, 1);
  assertMatch(
    errors,
    /^Not sent: No one here is called Carol: run bcast who to see who is online\n$/,
  );
  assertEquals(await log(hub.url, "lobby"), []);
});

Deno.test("bcast send reports refused lines, sends the others and exits with 1", async () => {
  await using hub = await startTestHub({ limits: { maxMessageBytes: 2048 } });
  const lines = ["one", "x".repeat(5000), "", "two", ...Array(12).fill("y".repeat(5000))];
  const [code, errors] = await send(["--url", hub.url, "--name", "ci"], lines.join("\n"));
  assertEquals(code, 1);
  const told = errors.trimEnd().split("\n");
  assertEquals(told.length, 11);
  assertMatch(told[0] ?? "", /^Line 2 was not sent: .*2048.*$/);
  assertMatch(told[1] ?? "", /^Line 5 was not sent: /);
  assertEquals(told[10], "And 3 more lines were not sent");
  assertEquals(texts(await log(hub.url, "lobby")), ["ci: one", "ci: two"]);
});

Deno.test("bcast send to a closed port prints one line and exits with 3", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (const [args, input] of [[["hi"], ""], [[], "one\ntwo\n"]] as const) {
    const [code, errors] = await send(["--url", `127.0.0.1:${port}`, ...args], input);
    assertEquals(code, 3);
    assertMatch(errors, /^Nothing listens at ws:\/\/127\.0\.0\.1:\d+: .*\n$/);
  }
});

Deno.test("bcast send that is refused prints the hub's reason and exits with 4", async () => {
  await using hub = new ScriptedHub();
  const sent = send(["hi", "--url", hub.url, "--token", "x"]);
  (await hub.accept()).close(4501, "The token has expired: ask for a new one");
  const [code, errors] = await sent;
  assertEquals(code, 4);
  assertMatch(errors, /^[^\n]*The token has expired: ask for a new one\n$/);
});

Deno.test("bcast send that is refused in between reports the missing lines and exits with 4", async () => {
  await using hub = new ScriptedHub();
  const sent = send(["--url", hub.url], "one\ntwo\nthree\n");
  const side = await hub.welcome();
  const [one] = await side.messages(3);
  side.ack(one?.ref, 1);
  side.close(4503, "You are banned");
  const [code, errors] = await sent;
  assertEquals(code, 4);
  assertMatch(errors, /^Lines 2 to 3 may not have been sent: .*You are banned\n/);
});

Deno.test("bcast send gives up on a hub that does not return within --retry-for", async () => {
  await using hub = new ScriptedHub();
  const sent = send(["hi", "--url", hub.url, "--retry-for", "1s"]);
  const side = await hub.welcome();
  await side.messages(1);
  hub.answer(() => new Response("Starting", { status: 503 }));
  side.close(1011);
  const [code, errors] = await sent;
  assertEquals(code, 1);
  assertMatch(errors, /Trying again/);
  assertMatch(errors, /\nNot sent: the hub did not come back within 1 s\n$/);
});

Deno.test("bcast send --wait --retry-for exits with 3 if no hub was ever reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const args = ["--wait", "--retry-for", "1s", "--url", `127.0.0.1:${port}`];
  for (const [words, input] of [[["hi"], ""], [[], "a\nb\n"]] as const) {
    const [code, errors] = await send([...words, ...args], input);
    assertEquals(code, 3, errors);
    assertMatch(errors, /sent: the hub could not be reached within 1 s$/m);
  }
});

Deno.test("bcast send --wait waits for a hub that is not started yet, and reports it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using program = new Program(["send", "hi", "--wait", "--url", `127.0.0.1:${port}`]);
  await until("the first try", () => program.errors.includes("Trying again"));
  await using _hub = await startTestHub({ port });
  assertEquals(await program.exit(), 0);
});

Deno.test("an interrupted bcast send reports what may be lost and exits with 130", async () => {
  await using hub = new ScriptedHub();
  await using program = new Program(["send", "--url", hub.url]);
  await program.type("one\ntwo\n");
  const side = await hub.welcome();
  await side.messages(2);
  program.kill("SIGINT");
  assertEquals(await program.exit(), 130);
  assertEquals(
    program.errors,
    "Interrupted: 2 messages may not have reached the hub\n",
  );
});

Deno.test("bcast send rejects wrong usage before it sends anything", async () => {
  const cases: [string[], RegExp][] = [
    [["hi", "--json"], /^Cannot use --json or --null together with TEXT/],
    [["hi", "--to", "Bob", "--room", "dev"], /^Cannot use --room together with --to/],
    [[" "], /^Cannot send a blank message/],
    [["hi", "--room", "dev", "--room=ops"], /^--room takes one ROOM: dev or ops, not both$/m],
    [["hi", "--to", "李 小", "--to", "Bob"], /^--to takes one NAME: 李 小 or Bob, not both$/m],
    [["hi", "--host", "a.example", "--url", "ws://b.example"], /^Cannot use --host together with/],
    [["hi", "--room", "Not A Room"], /^--room must be a room/],
    [["hi", "--rom", "dev"], /^Unknown flag --rom\. Did you mean --room\?/],
  ];
  await Promise.all(cases.map(async ([args, expected]) => {
    const [code, errors] = await send(args);
    assertEquals(code, 2);
    assertMatch(errors, expected);
  }));
});

Deno.test("bcast send survives a killed and restarted hub, and sends nothing twice", async () => {
  await using folder = await temporaryFolder();
  const kept = ["--data", folder.path, "--log-level", "error"];
  const first = await startHubProcess(kept);
  await using _first = first.program;
  const { url } = first;
  await using program = new Program(["send", "--url", url, "--room", "dev", "--name", "ci"]);
  const all = Array.from({ length: 400 }, (_, n) => `${n + 1}`);
  await program.type(all.slice(0, 200).join("\n") + "\n");
  await until("half of them", async () => (await log(url, "dev")).length === 200);
  first.program.kill("SIGKILL");
  await first.program.exit();
  await program.type(all.slice(200).join("\n"), { end: true });
  const { program: second } = await startHubProcess([...kept, "--port", new URL(url).port]);
  await using _second = second;
  assertEquals(await program.exit(), 0);
  assertEquals((await log(url, "dev")).map(({ message }) => message), all);
});

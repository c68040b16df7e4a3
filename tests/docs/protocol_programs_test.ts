import { assertEquals } from "@std/assert";
import { python } from "../kit/python.ts";
import { protocolDocument, section } from "../kit/protocol_document.ts";
import { Relay } from "../kit/relay.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { TestSocket } from "../kit/test_socket.ts";

/** The blocks in `language` of a text. */
function blocks(language: string, text: string = protocolDocument): string[] {
  const fence = new RegExp("```" + language + "\\n([^`]+)```", "g");
  return [...text.matchAll(fence)].map(([, block = ""]) => block);
}

const interpreter = python();

/** A program that runs while a test talks to it. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  /** Everything that it has printed. */
  printed = "";

  constructor(command: string, args: readonly string[]) {
    const streams = { stdin: "piped", stdout: "piped" } as const;
    this.#child = new Deno.Command(command, { args: [...args], ...streams }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  /** Gives it a line of input. */
  async type(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends its input. */
  async endInput(): Promise<void> {
    await this.#input.close();
  }

  /** Resolves when it has printed `wanted`; rejects when it ends before. */
  async prints(wanted: string): Promise<void> {
    while (!this.printed.includes(wanted)) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`Ended before it printed ${wanted}: ${this.printed}`);
      this.printed += value;
    }
  }

  /** Resolves when it ends by itself. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#output.cancel();
    await this.#input.abort();
    await this.#child.status;
  }
}

const [firstPython = "", wholePython = "", senderPython = ""] = blocks("python");

/** The URL in the v1 programs. */
const HUB_URL = "ws://localhost:8765/ws";

Deno.test({
  name: `the first Python client in docs/protocol.md works${
    interpreter ? "" : ": SKIPPED, no websockets"
  }`,
  ignore: interpreter === undefined,
  fn: async () => {
    await using hub = await startTestHub();
    await using reader = await TestSocket.plain(hub.url, "Reader");
    const code = firstPython.replace("ws://localhost:8765/", hub.url);
    await using program = new Program(interpreter ?? "", ["-u", "-c", code]);
    assertEquals((await reader.next("message"))["sender"], "Alice");
    reader.send({ type: "message", message: "Hello, Alice" });
    await program.prints("Alice Welcome! 2 online\n");
    await program.prints("Alice Hello\n");
    await program.prints("Reader Hello, Alice\n");
  },
});

Deno.test("the JavaScript client in docs/protocol.md works", async () => {
  const [script = ""] = blocks("js");
  await using hub = await startTestHub();
  await using reader = await TestSocket.plain(hub.url, "Reader");
  const code = script.replace("ws://localhost:8765/", hub.url);
  await using program = new Program(Deno.execPath(), ["eval", "--no-config", code]);
  assertEquals((await reader.next("message"))["sender"], "Bob");
  reader.send({ type: "message", message: "Hello, Bob" });
  await program.prints("Reader Hello, Bob\n");
  await hub.stop("The test is done");
  await program.prints("closed 1001 The test is done\n");
  assertEquals(await program.ended(), 0);
});

/** Whether there is a curl. */
function hasCurl(): boolean {
  try {
    return new Deno.Command("curl", { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const usable = hasCurl() && Deno.build.os !== "windows";

Deno.test({
  name: `the shell commands in docs/protocol.md work${usable ? "" : ": SKIPPED, no curl"}`,
  ignore: !usable,
  fn: async () => {
    await using hub = await startTestHub();
    const at = `http://127.0.0.1:${hub.port}/`;
    const [publish = "", subscribe = ""] = (blocks("sh")[0] ?? "").trim().split("\n")
      .map((line) => line.replace("http://localhost:8765/", at));
    await using events = new Program("sh", ["-c", `exec ${subscribe} 2>/dev/null`]);
    await events.prints("retry: ");
    const { success } = await new Deno.Command("sh", { args: ["-c", publish], stderr: "null" })
      .output();
    assertEquals(success, true);
    await events.prints(`"sender":"Carol"`);
    await events.prints(`"message":"Hello"`);
  },
});

Deno.test({
  name: `the v1 client in docs/protocol.md prints each message once, whatever breaks${
    interpreter ? "" : ": SKIPPED, no websockets"
  }`,
  ignore: interpreter === undefined,
  fn: async () => {
    await using hub = await startTestHub();
    await using relay = new Relay(hub.port);
    await using writer = await TestSocket.plain(hub.url, "Writer");
    let id = 0;
    const write = async (): Promise<void> => {
      id++;
      writer.send({ type: "message", message: `message ${id}`, ref: id });
      await writer.next("ack");
    };
    await write();
    const code = wholePython.replace(HUB_URL, relay.url);
    await using program = new Program(interpreter ?? "", ["-u", "-c", code]);
    await program.prints("1 Writer message 1\n");
    for (let cut = 0; cut < 3; cut++) {
      await write();
      await program.prints(`${id} Writer message ${id}\n`);
      relay.refuse = true;
      relay.cut();
      await write();
      await write();
      relay.refuse = false;
      await program.prints(`${id} Writer message ${id}\n`);
    }
    const expected = Array.from({ length: id }, (_, index) => {
      return `${index + 1} Writer message ${index + 1}\n`;
    });
    assertEquals(program.printed, expected.join(""));
  },
});

Deno.test({
  name: `the v1 client in docs/protocol.md reads a first page and those that follow it${
    interpreter ? "" : ": SKIPPED, no websockets"
  }`,
  ignore: interpreter === undefined,
  fn: async () => {
    await using hub = await startTestHub();
    await using writer = await TestSocket.plain(hub.url, "Writer");
    // More than a page holds: the newest `recent` messages follow in several.
    const text = "x".repeat(10_000);
    for (let ref = 1; ref <= 60; ref++) {
      writer.send({ type: "message", message: text, ref });
      await writer.next("ack");
    }
    const code = wholePython.replace(HUB_URL, hub.url);
    await using program = new Program(interpreter ?? "", ["-u", "-c", code]);
    await program.prints(`60 Writer ${text}\n`);
    const ids = program.printed.trim().split("\n").map((line) => parseInt(line));
    assertEquals(ids, Array.from({ length: 50 }, (_, index) => index + 11));
  },
});

Deno.test({
  name: `the sender in docs/protocol.md stores each line once and in order, whatever breaks${
    interpreter ? "" : ": SKIPPED, no websockets"
  }`,
  ignore: interpreter === undefined,
  fn: async () => {
    await using hub = await startTestHub();
    await using relay = new Relay(hub.port);
    await using reader = await TestSocket.plain(hub.url, "Reader");
    // Its definitions come after those of the first program, which does not run.
    const [library] = wholePython.split("\nasyncio.run(");
    const code = `${library}\n${senderPython.replace(HUB_URL, relay.url)}`;
    await using program = new Program(interpreter ?? "", ["-u", "-c", code]);
    const stored: unknown[] = [];
    const read = async (): Promise<void> => {
      stored.push((await reader.next("message"))["message"]);
    };
    await program.type("line 1 ü");
    await read();
    await program.prints("1\n");
    for (let cut = 0; cut < 3; cut++) {
      // The message is stored, and its `ack` lost.
      relay.withholdAnswers = true;
      await program.type(`line ${stored.length + 1}`);
      await program.type(`line ${stored.length + 2}`);
      await read();
      relay.cut();
      relay.withholdAnswers = false;
      await read();
      await program.prints(`${stored.length}\n`);
    }
    await program.endInput();
    await program.prints("-- stopped: closed: 1000\n");
    assertEquals(await program.ended(), 0);
    assertEquals(stored, ["line 1 ü", ...Array.from({ length: 6 }, (_, i) => `line ${i + 2}`)]);
    assertEquals(program.printed, "1\n2\n3\n4\n5\n6\n7\n-- stopped: closed: 1000\n");
  },
});

Deno.test({
  name: `the v1 client in docs/protocol.md stops when connecting again would not help${
    interpreter ? "" : ": SKIPPED, no websockets"
  }`,
  ignore: interpreter === undefined,
  fn: async () => {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response("Not here", { status: 404 }),
    );
    const code = wholePython.replace(HUB_URL, `ws://127.0.0.1:${server.addr.port}`);
    await using program = new Program(interpreter ?? "", ["-u", "-c", code]);
    await program.prints("-- stopped: HTTP status 404\n");
    assertEquals(await program.ended(), 0);
  },
});

/** What a transcript leaves out. */
const OMITTED = "…";

/** The epoch in transcripts. */
const EPOCH = "V1StGXR8";

/** Whether `frame` is what a line of a transcript shows; `seen` keeps the value of its epoch. */
function matches(shown: unknown, frame: unknown, seen: Map<string, unknown>): boolean {
  if (shown === OMITTED) return frame !== undefined;
  if (shown === EPOCH) {
    if (!seen.has(shown)) seen.set(shown, frame);
    return seen.get(shown) === frame;
  }
  if (typeof shown !== "object" || shown === null) return shown === frame;
  if (typeof frame !== "object" || frame === null) return false;
  const names = Object.keys(shown);
  return names.length === Object.keys(frame).length &&
    names.every((name) => matches(Reflect.get(shown, name), Reflect.get(frame, name), seen));
}

Deno.test("the transcripts of docs/protocol.md are what a hub says", async () => {
  await using hub = await startTestHub();
  await using bob = await TestSocket.plain(hub.url, "Bob");
  bob.send({ type: "message", message: "hi", ref: 0 });
  await bob.next("ack");

  const seen = new Map<string, unknown>();
  let session: unknown;
  let alice: TestSocket | undefined;
  const transcripts = blocks("text", section("v1 on one screen"));
  for (const [index, transcript] of transcripts.entries()) {
    for (const line of transcript.trim().split("\n")) {
      const shown = JSON.parse(line.slice(2).replaceAll(`{${OMITTED}}`, `"${OMITTED}"`));
      if (line.startsWith("→")) {
        if (shown.type === "hello") {
          if (alice !== undefined) {
            alice.socket.close(4000);
            await alice.closed;
            bob.send({ type: "message", message: "are you there?", ref: index });
            await bob.next("ack");
          }
          alice = await TestSocket.open(hub.url, "bcast.v1");
          if (shown.session === OMITTED) shown.session = session;
          if (shown.rooms[0].epoch !== undefined) shown.rooms[0].epoch = seen.get(EPOCH);
        }
        alice?.send(shown);
        continue;
      }
      if (alice === undefined) throw new Error("The first line of a transcript is the client's");
      // The hub announces joins when it likes.
      const frame = await alice.nextFrame(({ type }) => type !== "presence");
      if (frame.type === "welcome") session = frame["session"];
      if (!matches(shown, frame, seen)) assertEquals(frame, shown, line);
    }
  }
  assertEquals(transcripts.length, 3);
  await alice?.close();
});

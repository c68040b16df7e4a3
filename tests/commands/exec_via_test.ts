import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../client.ts";
import type { Server } from "../../server.ts";
import { MAX_VIA, type Message } from "../../protocol.ts";
import { decodeCursor } from "../../commands/pipeline/cursor.ts";
import { extendVia, programId, viaOption } from "../../commands/pipeline/via.ts";
import { bcastOnPath, Program } from "../kit/process.ts";
import { type Folder, temporaryFolder } from "../kit/folder.ts";
import { post } from "../kit/http.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { until } from "../kit/wait.ts";

const ignore = Deno.build.os === "windows";

/** A `bcast exec` that runs until disposed, with its position. */
class Bot implements AsyncDisposable {
  readonly #cursor: string;
  readonly program: Program;

  constructor(
    private readonly room: string,
    { folder, url, path }: { folder: Folder; url: string; path: string },
    script: string,
    flags: readonly string[] = [],
  ) {
    this.#cursor = `${folder.path}/cursor-${crypto.randomUUID()}`;
    const args = ["--room", room, "--after", "0", "--cursor", this.#cursor, ...flags];
    this.program = new Program(["exec", "--wait", ...args, "--", "sh", "-c", script], {
      BCAST_URL: url,
      PATH: path,
    });
  }

  /** The id of the last message that it has finished. */
  async position(): Promise<number> {
    const text = await Deno.readTextFile(this.#cursor).catch(() => "");
    const state = text === "" ? "" : decodeCursor(text);
    return typeof state === "string" ? 0 : state.rooms.get(this.room)?.id ?? 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

/** The messages of a room once all `bots` have finished them, so that no more can follow. */
async function settled(
  hub: Server,
  room: string,
  atLeast: number,
  bots: readonly Bot[],
): Promise<readonly Message[]> {
  await using observer = connect({ url: hub.url, rooms: [] });
  return await until("all to be done", async () => {
    const { messages } = await observer.history(room, { limit: 500 });
    const last = messages.at(-1)?.id ?? 0;
    if (last < atLeast) return undefined;
    const positions = await Promise.all(bots.map((bot) => bot.position()));
    return positions.every((position) => position === last) ? messages : undefined;
  });
}

async function place(hub: Server, folder: Folder) {
  return { folder, url: hub.url, path: await bcastOnPath(folder.path) };
}

const texts = (messages: readonly Message[]): unknown[] => messages.map(({ message }) => message);

Deno.test({
  name: "bcast exec ignores messages that its own command caused",
  ignore,
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const where = await place(hub, folder);
    await using bot = new Bot("lobby", where, 'bcast send "re: $(cat)"');
    assertEquals((await post(hub, "lobby", "one")).status, 201);
    assertEquals(texts(await settled(hub, "lobby", 2, [bot])), ["one", "re: one"]);
    // It still reacts to messages of others.
    assertEquals((await post(hub, "lobby", "two")).status, 201);
    assertEquals(texts(await settled(hub, "lobby", 4, [bot])).slice(2), ["two", "re: two"]);
    assertEquals(bot.program.errors, "");
  },
});

Deno.test({
  name: "bcast exec --echo also runs for messages that its own command caused",
  ignore,
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const script = 'test "$BCAST_MESSAGE_ID" -gt 3 || bcast send "re: $(cat)"';
    await using bot = new Bot("lobby", await place(hub, folder), script, ["--echo"]);
    await post(hub, "lobby", "one");
    assertEquals(texts(await settled(hub, "lobby", 4, [bot])), [
      "one",
      "re: one",
      "re: re: one",
      "re: re: re: one",
    ]);
  },
});

Deno.test({
  name: "two bcast exec that answer each other stop, with send, connect and curl",
  ignore,
  fn: async (test) => {
    const url = "http://$(echo $BCAST_URL | cut -d/ -f3)/api/rooms/$BCAST_ROOM/messages";
    const ways: Record<string, string> = {
      send: 'bcast send "NAME: $(cat)"',
      connect: 'sed "s/^/NAME: /" | bcast connect >/dev/null',
      curl: `curl -sSf -o /dev/null -d "NAME: $(cat)" "${url}?via=$BCAST_VIA"`,
    };
    for (const [name, script] of Object.entries(ways)) {
      await test.step(name, async () => {
        await using hub = await startTestHub();
        await using folder = await temporaryFolder();
        const where = await place(hub, folder);
        await using a = new Bot("lobby", where, script.replace("NAME", "a"));
        await using b = new Bot("lobby", where, script.replace("NAME", "b"));
        await post(hub, "lobby", "go");
        const messages = await settled(hub, "lobby", 5, [a, b]);
        assertEquals(texts(messages).toSorted(), ["a: b: go", "a: go", "b: a: go", "b: go", "go"]);
        assertEquals([a.program.errors, b.program.errors], ["", ""]);
      });
    }
  },
});

Deno.test({
  name: "bcast exec forwards messages from room to room with their `via` chain",
  ignore,
  fn: async () => {
    await using hub = await startTestHub();
    await using folder = await temporaryFolder();
    const where = await place(hub, folder);
    const next = (room: string): string => `bcast send --room ${room} "$(cat)>${room}"`;
    await using first = new Bot("a", where, next("b.2"));
    await using second = new Bot("b.2", where, next("c-3"));
    await using third = new Bot("c-3", where, next("a"));
    await post(hub, "a", "x");
    // After one round, the first command finds itself in the chain.
    const back = await settled(hub, "a", 2, [first]);
    assertEquals(texts(back), ["x", "x>b.2>c-3>a"]);
    assertEquals(back[1]?.via?.length, 3);
    const passed = await settled(hub, "b.2", 1, [second]);
    assertEquals(texts(passed), ["x>b.2"]);
    const [{ via = [] } = {}] = await settled(hub, "c-3", 1, [third]);
    assertEquals(via.length, 2);
    assertEquals(via, back[1]?.via?.slice(0, 2));
  },
});

Deno.test("a private message of bcast send has a `via`", async () => {
  await using hub = await startTestHub();
  await using reader = connect({ url: hub.url, sender: "Zoë-2" });
  const heard = (async () => {
    for await (const event of reader) {
      if (event.type === "direct") return event;
    }
    throw new Error("The reader was closed");
  })();
  await until("the reader", () => reader.state === "online");
  const chain = Array.from({ length: MAX_VIA + 4 }, (_, at) => `id_${at}.x-y`);
  await using program = new Program(["send", "--to", "Zoë-2", "hi"], {
    BCAST_URL: hub.url,
    BCAST_VIA: chain.join(","),
  });
  assertEquals([await program.exit(), program.errors], [0, ""]);
  // The chain is limited: the newest identifiers are kept.
  assertEquals((await heard).via, chain.slice(-MAX_VIA));
});

Deno.test("a malformed BCAST_VIA is rejected before anything is sent", async () => {
  await using program = new Program(["send", "hi"], {
    BCAST_URL: "127.0.0.1:1",
    BCAST_VIA: "a,b c",
  });
  assertEquals(await program.exit(), 2);
  assertMatch(program.errors, /^BCAST_VIA must hold identifiers of [^\n]*\n$/);
});

Deno.test("`extendVia()` appends an identifier once and keeps the newest", () => {
  const ids = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, at) => `p${from + at}`);
  assertEquals(extendVia(undefined, "p1"), ["p1"]);
  assertEquals(extendVia(["a", "p1", "b"], "p1"), ["a", "b", "p1"]);
  assertEquals(extendVia(ids(1, 15), "p16"), ids(1, 16));
  assertEquals(extendVia(ids(1, 16), "p17"), ids(2, 17));
  assertEquals(extendVia(ids(1, 40), "p41"), ids(26, 41));
});

Deno.test("`programId()` is the same for the same command line and rooms in any order", async () => {
  const id = await programId("ws://h", ["a", "b"], ["sh", "-c", "世界 🎉"]);
  assertMatch(id, /^[0-9a-f]{16}$/);
  assertEquals(await programId("ws://h", ["b", "a"], ["sh", "-c", "世界 🎉"]), id);
  const others = await Promise.all([
    programId("ws://i", ["a", "b"], ["sh", "-c", "世界 🎉"]),
    programId("ws://h", ["a"], ["sh", "-c", "世界 🎉"]),
    programId("ws://h", ["a", "b"], ["sh", "-c 世界 🎉"]),
  ]);
  assertEquals(new Set([id, ...others]).size, 4);
});

Deno.test("`viaOption()` reads what `bcast exec` sets", () => {
  assertEquals(viaOption(() => undefined), {});
  assertEquals(viaOption(() => ""), {});
  assertEquals(viaOption(() => "a,B.c-d_9"), { via: ["a", "B.c-d_9"] });
});

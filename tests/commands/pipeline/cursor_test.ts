import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CliError } from "../../../cli/errors.ts";
import { type CursorState, decodeCursor, encodeCursor } from "../../../commands/pipeline/cursor.ts";
import { CursorFile } from "../../../commands/pipeline/cursor_file.ts";
import type { AppendFile, FileSystem } from "../../../commands/pipeline/files.ts";
import { OutputWriter } from "../../../commands/pipeline/output_writer.ts";
import { OutputLog } from "../../../commands/pipeline/output_log.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { MemoryFiles, type PartialWrite } from "../../kit/memory_files.ts";

const MARK = { epoch: "e", id: 7 };

Deno.test("`decodeCursor()` reads what `encodeCursor()` wrote", () => {
  const states: CursorState[] = [
    { rooms: new Map() },
    { rooms: new Map([["lobby", MARK], ["dev", { epoch: "", id: 0 }]]) },
    { rooms: new Map([["lobby", MARK]]), output: { bytes: 12, digest: "ab" } },
    {
      rooms: new Map([["lobby", MARK]]),
      output: { bytes: 12, digest: "ab" },
      pending: { text: 'ü世界 🎉 \ud800 "\\\n', rooms: new Map([["dev", MARK]]) },
    },
  ];
  for (const state of states) assertEquals(decodeCursor(encodeCursor(state)), state);
});

Deno.test("`decodeCursor()` rejects everything else", () => {
  const whole = JSON.parse(encodeCursor({ rooms: new Map([["lobby", MARK]]) }));
  const damaged: unknown[] = [
    null,
    [],
    "cursor",
    {},
    { ...whole, format: "other" },
    { ...whole, version: 0 },
    { ...whole, version: "1" },
    { ...whole, rooms: undefined },
    { ...whole, rooms: [] },
    { ...whole, rooms: { "Not A Room": MARK } },
    { ...whole, rooms: { lobby: 7 } },
    { ...whole, rooms: { lobby: { ...MARK, id: -1 } } },
    { ...whole, rooms: { lobby: { ...MARK, id: 1.5 } } },
    { ...whole, rooms: { lobby: { id: 7 } } },
    { ...whole, output: 5 },
    { ...whole, output: { bytes: "5", digest: "" } },
    { ...whole, output: { bytes: 5 } },
    { ...whole, pending: { text: "", rooms: {} } },
    { ...whole, output: { bytes: 5, digest: "" }, pending: 5 },
    { ...whole, output: { bytes: 5, digest: "" }, pending: { text: 5, rooms: {} } },
    { ...whole, output: { bytes: 5, digest: "" }, pending: { text: "", rooms: { A: MARK } } },
    { ...whole, output: { bytes: 5, digest: "" }, pending: { text: "" } },
  ];
  for (const file of damaged) {
    const text = JSON.stringify(file);
    assertEquals(decodeCursor(text), "it is damaged, or not a cursor file of bcast", text);
  }
  const text = encodeCursor({ rooms: new Map([["lobby", MARK]]) });
  for (let length = 0; length < text.length - 1; length++) {
    assert(typeof decodeCursor(text.slice(0, length)) === "string", "a torn file is no cursor");
  }
  assertEquals(decodeCursor(JSON.stringify({ ...whole, version: 2 })), "a newer bcast wrote it");
});

Deno.test("`CursorFile` resumes from the last save, and keeps other rooms", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cursor`;
  {
    using cursor = await CursorFile.open(path);
    assertEquals([cursor.rooms.size, cursor.output], [0, undefined]);
    await cursor.save([["lobby", MARK], ["dev", MARK]]);
    await cursor.save([["lobby", { epoch: "e", id: 8 }]]);
  }
  using cursor = await CursorFile.open(path);
  assertEquals([...cursor.rooms], [["lobby", { epoch: "e", id: 8 }], ["dev", MARK]]);
});

Deno.test("`CursorFile.open()` rejects a cursor in use until it is released", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cursor`;
  {
    using _ = await CursorFile.open(path);
    await assertRejects(() => CursorFile.open(path), CliError, "another bcast is using it");
  }
  using _ = await CursorFile.open(path);
});

Deno.test("`CursorFile.open()` rejects other files and does not change them", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cursor`;
  await Deno.writeTextFile(path, "precious");
  await assertRejects(() => CursorFile.open(path), CliError, "damaged");
  assertEquals(await Deno.readTextFile(path), "precious");
  const missing = `${folder.path}/no/cursor`;
  await assertRejects(() => CursorFile.open(missing), CliError, "Cannot use the cursor");
});

Deno.test("`OutputLog` appends to a real file and locks it", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/output 世界`;
  await Deno.writeTextFile(path, "before\n");
  const told: string[] = [];
  const tell = (sentence: string): void => void told.push(sentence);
  using cursor = await CursorFile.open(`${folder.path}/cursor`);
  using other = await CursorFile.open(`${folder.path}/other`);
  {
    using output = await OutputLog.open(path, cursor, tell);
    await assertRejects(() => OutputLog.open(path, other, tell), CliError, "another bcast");
    await output.record("ü\n", new Map([["lobby", MARK]]));
    assertEquals([cursor.output?.bytes, cursor.pending], [10, undefined]);
  }
  using _ = await OutputLog.open(path, cursor, tell);
  await assertRejects(() => OutputLog.open(folder.path, other, tell), CliError, "Cannot write to");
  assertEquals(await Deno.readTextFile(path), "before\nü\n");
  assertEquals(told, []);
});

Deno.test({
  name: "`OutputLog.reopen()` keeps the old file on a failure, and reports it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/output`;
    const told: string[] = [];
    using cursor = await CursorFile.open(`${folder.path}/cursor`);
    using output = await OutputLog.open(path, cursor, (sentence) => told.push(sentence));
    const rooms = new Map([["lobby", MARK]]);
    await output.record("one\n", rooms);
    await Deno.rename(path, `${path}.1`);
    await Deno.mkdir(path);
    await output.reopen();
    assertEquals(told.length, 1);
    assert(told[0]?.startsWith(`Cannot write to ${path}: `), told[0]);
    assert(told[0]?.endsWith("Still writing to the file that was moved away"), told[0]);
    await output.record("two\n", rooms);
    assertEquals(await Deno.readTextFile(`${path}.1`), "one\ntwo\n");
    await Deno.remove(path);
    // Writes and reopenings take turns.
    await Promise.all([
      output.record("three\n", rooms),
      output.reopen(),
      output.record("four\n", rooms),
    ]);
    assertEquals(await Deno.readTextFile(`${path}.1`), "one\ntwo\nthree\n");
    assertEquals(await Deno.readTextFile(path), "four\n");
    assertEquals(told.length, 1);
  },
});

const LAST = 9;
const BATCH = 3;

/** Runs a listener: resumes from its cursor and records up to the last id. */
async function record(files: FileSystem, write?: (text: string) => void): Promise<void> {
  using cursor = await CursorFile.open("cursor", files);
  using output = write === undefined
    ? await OutputLog.open("out", cursor, () => {}, files)
    : undefined;
  const writer = new OutputWriter({
    record: async (text, rooms) => {
      if (output !== undefined) return await output.record(text, rooms);
      write?.(text);
      await cursor.save(rooms);
      return true;
    },
    onEnd: () => {},
  });
  for (let id = (cursor.rooms.get("lobby")?.id ?? 0) + 1; id <= LAST; id++) {
    // Not waited for: those of one turn are one write.
    void writer.add({ room: "lobby", epoch: "e", id }, `line ${id}\n`);
    if (id % BATCH === 0) await writer.finish();
  }
  await writer.finish();
}

const REMAINS: readonly PartialWrite[] = ["nothing", "half", "all"];

const numbered = (from: number): string =>
  Array.from({ length: LAST - from + 1 }, (_, n) => `line ${from + n}\n`).join("");

/** Runs `run` killed at every change, in every way; returns how many changes there were. */
async function killedEverywhere(
  start: () => MemoryFiles,
  check: (files: MemoryFiles, what: string) => Promise<void>,
  run: (files: MemoryFiles) => Promise<void> = record,
): Promise<number> {
  for (let change = 1;; change++) {
    for (const remains of REMAINS) {
      const files = start().killAt(change, remains);
      const killed = await run(files).then(() => false, () => true);
      if (!killed) return change - 1;
      await check(files.restart(), `killed at change ${change} with ${remains} of it done`);
    }
  }
}

Deno.test("cursor and output have each line once, wherever a listener is killed", async () => {
  for (const before of ["", "from before\n"]) {
    let changes = 0;
    let more = 0;
    changes = await killedEverywhere(
      () => new MemoryFiles().put("out", before),
      async (files, what) => {
        // The next one is killed everywhere, too, before one comes through.
        const contents = new Map(files.contents);
        more += await killedEverywhere(
          () => new MemoryFiles(new Map(contents)),
          async (files, again) => {
            await record(files);
            assertEquals(files.text("out"), before + numbered(1), `${what}, then ${again}`);
          },
        );
      },
    );
    // A cursor at the start; then for each of three batches a note of it, the lines, the cursor.
    assertEquals(changes, 2 + 3 * 5);
    assert(more > changes, "the second one was killed, too");
  }
});

/** Files whose `out` another program changes before one of the steps. */
class SharedFiles extends MemoryFiles {
  /** The content of the file then; `undefined` while it is unchanged. */
  copy: string | undefined;
  #steps = 0;

  constructor(private readonly at: number, private readonly deed: (text: string) => string) {
    super();
  }

  override async open(path: string): Promise<AppendFile> {
    const file = await super.open(path);
    const step = () => {
      if (++this.#steps !== this.at) return;
      this.copy = this.text("out") ?? "";
      this.put("out", this.deed(this.copy));
    };
    return new Proxy(file, {
      get: (_, key) => {
        const value = Reflect.get(file, key);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          step();
          return Reflect.apply(value, file, args);
        };
      },
    });
  }
}

Deno.test("copies and output have each line once, whenever the output is copied and emptied", async () => {
  let emptied = 0;
  for (let at = 1;; at++) {
    // As a log rotation does it that copies the file and truncates it.
    const files = new SharedFiles(at, () => "");
    await record(files);
    if (files.copy === undefined) break;
    if (files.copy !== "") emptied++;
    assertEquals(files.copy + files.text("out"), numbered(1), `emptied before step ${at}`);
  }
  assert(emptied > 10, "it was emptied in the middle of things");
});

Deno.test("a line that another program appends to the output is detected and kept", async () => {
  let refused = 0;
  for (let at = 1;; at++) {
    const files = new SharedFiles(at, (text) => text + NOTE);
    const error = await record(files).then(() => undefined, (error: unknown) => error);
    if (files.copy === undefined) break;
    const what = `appended before step ${at}`;
    const [before, after, ...more] = (files.text("out") ?? "").split(NOTE);
    assertEquals([before, more], [files.copy, []], what);
    if (error === undefined) continue;
    assert(error instanceof CliError, what);
    refused++;
    // What follows the note was on its way when it came, and nothing is written after that.
    const lines = (after ?? "").split("\n").length - 1;
    assert(lines <= BATCH && numbered(1).startsWith(before + (after ?? "")), what);
  }
  assert(refused > 10, "it was noticed in the middle of things");
});

const BEFORE = "from before\n";
const NOTE = "my note, 世界 🎉\n";

/** Changes by other programs to an output file between two runs. */
const DEEDS: Readonly<Record<string, (text: string) => string>> = {
  "append a note": (text) => text + NOTE,
  "append a part of a line": (text) => `${text}line`,
  "append a line": (text) => `${text}line 99\n`,
  "put a note before it": (text) => NOTE + text,
  "put a note into the middle": (text) => text.replace("\nline 2", `\n${NOTE}line 2`),
  "change its end": (text) => text.replace(/.\n$/s, "X\n"),
  "cut its last byte": (text) => text.slice(0, -1),
  "cut all but its first line": (text) => text.slice(0, BEFORE.length),
  "write another file in its place": () => NOTE.repeat(20),
};

for (const [name, deed] of Object.entries(DEEDS)) {
  Deno.test(`an output file keeps the changes of another program, wherever a listener was killed: ${name}`, async () => {
    let refused = 0;
    await killedEverywhere(
      () => new MemoryFiles().put("out", BEFORE),
      async (files, what) => {
        const torn = files.text("out") ?? "";
        const changed = deed(torn);
        files.put("out", changed);
        const knew = files.text("cursor") !== undefined;
        const error = await record(files).then(() => undefined, (error: unknown) => error);
        const found = files.text("out");
        if (error === undefined) {
          // Without a cursor, a run appends to the file. With one, it removes the end of the file only
          // if that is a part of the interrupted write.
          assertEquals(found, (knew ? BEFORE : changed) + numbered(1), what);
          assert(!knew || found?.startsWith(changed), what);
          return;
        }
        refused++;
        assert(error instanceof CliError, what);
        assertStringIncludes(error.message, "Cannot continue out: ", what);
        assertEquals(found, changed, `${what}: left as it was`);
        // Restored, it continues, and each line is there once.
        files.put("out", torn);
        await record(files);
        assertEquals(files.text("out"), BEFORE + numbered(1), what);
      },
    );
    assert(refused > 0, "it was noticed");
  });
}

Deno.test("an output file that was moved away is replaced, and gets the pending write", async () => {
  let checked = 0;
  await killedEverywhere(
    () => new MemoryFiles().put("out", BEFORE),
    async (files, what) => {
      const old = files.text("out") ?? "";
      files.contents.delete("out");
      await record(files);
      const now = files.text("out") ?? "";
      // The two files together have every message; the one in flight may be in both.
      const next = Number(/line (\d+)/.exec(now)?.[1] ?? LAST + 1);
      const written = old.split("\n").length - 2;
      assertEquals(now, numbered(next), what);
      assert(next <= written + 1, `${what}: nothing is lost`);
      assert(next > written - BATCH, `${what}: no more than one write is in both`);
      checked++;
    },
  );
  assert(checked > 0);
});

Deno.test("an output file with zeros after a power failure is repaired", async () => {
  // Two changes are the first cursor, two the note of the first write, and one the write.
  const files = new MemoryFiles().put("out", BEFORE).killAt(6, "nothing");
  await assertRejects(() => record(files), Error, "killed");
  const text = files.text("out") ?? "";
  assertEquals(text, `${BEFORE}line 1\nline 2\nline 3\n`);
  for (const from of [BEFORE.length, BEFORE.length + 3, text.length - 1]) {
    const torn = new MemoryFiles(new Map(files.contents));
    torn.put("out", text.slice(0, from) + "\0".repeat(text.length - from));
    await record(torn);
    assertEquals(torn.text("out"), BEFORE + numbered(1));
  }
});

Deno.test("on a pipe no line is lost wherever a listener is killed, and only those of the last write repeat", async () => {
  let lines = "";
  const changes = await killedEverywhere(
    () => {
      lines = "";
      return new MemoryFiles();
    },
    async (files, what) => {
      const first = lines;
      lines = "";
      await record(files, (text) => lines += text);
      const next = Number(/line (\d+)/.exec(lines)?.[1] ?? LAST + 1);
      const written = first.split("\n").length - 1;
      assertEquals(lines, numbered(next), what);
      assert(next <= written + 1, `${what}: nothing is lost`);
      assert(next > written - BATCH, `${what}: no more than one write comes twice`);
    },
    (files) => record(files, (text) => lines += text),
  );
  assertEquals(changes, 3 * 2);
});

Deno.test("`OutputWriter` batches events during a write, and ends when the output is closed", async () => {
  const writes: string[] = [];
  const { promise: taken, resolve } = Promise.withResolvers<boolean>();
  let ended = 0;
  const writer = new OutputWriter({
    record: (text) => writes.push(text) === 1 ? taken : Promise.resolve(false),
    onEnd: () => ended++,
  });
  const add = (id: number): unknown => writer.add({ room: "lobby", epoch: "e", id }, `${id};`);
  add(1);
  await Promise.resolve();
  await Promise.resolve();
  add(2);
  add(3);
  resolve(true);
  await writer.finish();
  assertEquals(writes, ["1;", "2;3;"]);
  assertEquals(ended, 1);
  assertEquals(add(4), undefined);
  await writer.finish();
  assertEquals(writes.length, 2);
});

Deno.test("`OutputWriter.add()` applies backpressure, and `finish()` throws the error of a write", async () => {
  const { promise, reject } = Promise.withResolvers<boolean>();
  const writer = new OutputWriter({
    record: () => promise,
    onEnd: () => {},
  });
  const step = { room: "lobby", epoch: "e", id: 1 };
  assertEquals(writer.add(step, "x"), undefined);
  await Promise.resolve();
  await Promise.resolve();
  const wait = writer.add(step, "x".repeat(2 * 1024 * 1024));
  assert(wait instanceof Promise);
  reject(new CliError("no space left"));
  await wait;
  await assertRejects(() => writer.finish(), CliError, "no space left");
});

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CliError } from "../cli/errors.ts";
import { type CursorState, decodeCursor, encodeCursor } from "../stream/cursor.ts";
import { CursorFile } from "../stream/cursor_file.ts";
import type { Files } from "../stream/files.ts";
import { Journal } from "../stream/journal.ts";
import { OutputFile } from "../stream/output_file.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { MemoryFiles, type Remains } from "./kit/memory_files.ts";

const MARK = { epoch: "e", id: 7 };

Deno.test("`decodeCursor()` reads what `encodeCursor()` wrote", () => {
  const states: CursorState[] = [
    { rooms: new Map() },
    { rooms: new Map([["lobby", MARK], ["dev", { epoch: "", id: 0 }]]) },
    { rooms: new Map([["lobby", MARK]]), output: { bytes: 12, digest: "ab" } },
  ];
  for (const state of states) assertEquals(decodeCursor(encodeCursor(state)), state);
});

Deno.test("`decodeCursor()` takes nothing else for a cursor", () => {
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
  ];
  for (const file of damaged) {
    const text = JSON.stringify(file);
    assertEquals(decodeCursor(text), "it is damaged, or no cursor of bcast", text);
  }
  const text = encodeCursor({ rooms: new Map([["lobby", MARK]]) });
  for (let length = 0; length < text.length - 1; length++) {
    assert(typeof decodeCursor(text.slice(0, length)) === "string", "a torn file is no cursor");
  }
  assertEquals(decodeCursor(JSON.stringify({ ...whole, version: 2 })), "a newer bcast wrote it");
});

Deno.test("`CursorFile` goes on where the last one stopped, and keeps other rooms", async () => {
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

Deno.test("`CursorFile.open()` refuses a cursor in use, and lets a later one have it", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cursor`;
  {
    using _ = await CursorFile.open(path);
    await assertRejects(() => CursorFile.open(path), CliError, "another bcast is using it");
  }
  using _ = await CursorFile.open(path);
});

Deno.test("`CursorFile.open()` refuses what is no cursor, and leaves it as it is", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cursor`;
  await Deno.writeTextFile(path, "precious");
  await assertRejects(() => CursorFile.open(path), CliError, "damaged");
  assertEquals(await Deno.readTextFile(path), "precious");
  const missing = `${folder.path}/no/cursor`;
  await assertRejects(() => CursorFile.open(missing), CliError, "Cannot use the cursor");
});

Deno.test("`OutputFile` appends to a real file, which one process holds", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/output`;
  await Deno.writeTextFile(path, "before\n");
  const unexpected = (sentence: string): void => assertEquals(sentence, "");
  {
    using output = await OutputFile.open(path, undefined, unexpected);
    await assertRejects(() => OutputFile.open(path, undefined, unexpected), CliError, "another");
    await output.append("ü\n");
    assertEquals(output.mark.bytes, 10);
    await Deno.writeTextFile(path, "torn", { append: true });
    await assertRejects(() => output.append("more\n"), CliError, "something else wrote to it");
    using again = await OutputFile.open(`${folder.path}/other`, undefined, unexpected);
    assertEquals(again.mark.bytes, 0);
    await Deno.writeTextFile(`${folder.path}/mark`, JSON.stringify(output.mark));
  }
  const mark = JSON.parse(await Deno.readTextFile(`${folder.path}/mark`));
  using _ = await OutputFile.open(path, mark, unexpected);
  assertEquals(await Deno.readTextFile(path), "before\nü\n");
  await assertRejects(() => OutputFile.open(folder.path, undefined, unexpected), CliError);
});

Deno.test("`OutputFile.open()` cuts back a torn tail, and nothing that is not its own", async () => {
  const lines = "one\ntwo\n";
  const files = new MemoryFiles().put("out", lines);
  const { mark } = await OutputFile.open("out", undefined, () => {}, files);
  const cases: { now: string; then?: string; says?: string; fails?: string }[] = [
    { now: lines, then: lines },
    { now: lines + "thr", then: lines },
    { now: lines + "three\n", then: lines },
    { now: "", then: "", says: "is new or was emptied" },
    { now: "one\n", fails: "it has 4 bytes, and had 8 at the last run" },
    { now: "One\ntwo\n", fails: "something else wrote to it" },
    { now: "another file altogether\n", fails: "something else wrote to it" },
    { now: lines + "x".repeat(17 * 1024 * 1024), fails: "something else wrote to it" },
  ];
  for (const { now, then, says, fails } of cases) {
    const files = new MemoryFiles().put("out", now);
    const told: string[] = [];
    const open = (): Promise<OutputFile> =>
      OutputFile.open("out", mark, (sentence) => told.push(sentence), files);
    if (fails !== undefined) {
      // deno-lint-ignore no-await-in-loop -- case by case
      await assertRejects(open, CliError, fails);
      assertEquals(files.text("out") === now, true, "left as it was");
      continue;
    }
    // deno-lint-ignore no-await-in-loop -- case by case
    using output = await open();
    assertEquals(files.text("out"), then);
    assertEquals(output.mark.bytes, then?.length);
    assertEquals(told.length, says === undefined ? 0 : 1);
    assertStringIncludes(told.join(""), says ?? "");
  }
});

const LAST = 9;
const BATCH = 3;

/** A listener from its start to its end: goes on after its cursor, and records up to the last id. */
async function record(files: Files, write?: (text: string) => void): Promise<void> {
  using cursor = await CursorFile.open("cursor", files);
  using output = write === undefined
    ? await OutputFile.open("out", cursor.output, () => {}, files)
    : undefined;
  if (output !== undefined) await cursor.save([], output.mark);
  const journal = new Journal({
    drain: {
      async write(text) {
        await output?.append(text);
        write?.(text);
        return true;
      },
      get mark() {
        return output?.mark;
      },
    },
    cursor,
    onEnd: () => {},
  });
  for (let id = (cursor.rooms.get("lobby")?.id ?? 0) + 1; id <= LAST; id++) {
    // Not waited for: those of one turn are one write.
    void journal.add({ room: "lobby", epoch: "e", id }, `line ${id}\n`);
    // deno-lint-ignore no-await-in-loop -- one write after the other
    if (id % BATCH === 0) await journal.finish();
  }
  await journal.finish();
}

const REMAINS: readonly Remains[] = ["nothing", "half", "all"];

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
      // deno-lint-ignore no-await-in-loop -- case by case
      const killed = await run(files).then(() => false, () => true);
      if (!killed) return change - 1;
      // deno-lint-ignore no-await-in-loop -- as above
      await check(files.restart(), `killed at change ${change} with ${remains} of it done`);
    }
  }
}

Deno.test("cursor and output have each line once, wherever a listener is killed", async () => {
  for (const before of ["", "from before\n"]) {
    let changes = 0;
    let more = 0;
    // deno-lint-ignore no-await-in-loop -- case by case
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
    // A cursor at the start; then for each of three batches the lines and the cursor.
    assertEquals(changes, 2 + 3 * 3);
    assert(more > changes, "the second one was killed, too");
  }
});

Deno.test("on a pipe no line is lost wherever a listener is killed, and only the last write's come twice", async () => {
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

Deno.test("`Journal` writes what gathers while it writes in one go, and ends when nobody reads", async () => {
  const writes: string[] = [];
  const { promise: taken, resolve } = Promise.withResolvers<boolean>();
  let ended = 0;
  const journal = new Journal({
    drain: { write: (text) => writes.push(text) === 1 ? taken : Promise.resolve(false) },
    cursor: undefined,
    onEnd: () => ended++,
  });
  const add = (id: number): unknown => journal.add({ room: "lobby", epoch: "e", id }, `${id};`);
  add(1);
  await Promise.resolve();
  await Promise.resolve();
  add(2);
  add(3);
  resolve(true);
  await journal.finish();
  assertEquals(writes, ["1;", "2;3;"]);
  assertEquals([journal.ended, ended], [true, 1]);
  assertEquals(add(4), undefined);
  await journal.finish();
  assertEquals(writes.length, 2);
});

Deno.test("`Journal.add()` asks to wait while much waits, and `finish()` throws what a write threw", async () => {
  const { promise, reject } = Promise.withResolvers<boolean>();
  const journal = new Journal({
    drain: { write: () => promise },
    cursor: undefined,
    onEnd: () => {},
  });
  const step = { room: "lobby", epoch: "e", id: 1 };
  assertEquals(journal.add(step, "x"), undefined);
  await Promise.resolve();
  await Promise.resolve();
  const wait = journal.add(step, "x".repeat(2 * 1024 * 1024));
  assert(wait instanceof Promise);
  reject(new CliError("no space left"));
  await wait;
  await assertRejects(() => journal.finish(), CliError, "no space left");
});

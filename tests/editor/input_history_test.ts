import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { FileHistory, MAX_ENTRIES, MemoryHistory } from "../../editor/input_history.ts";
import {
  type HistorySearch,
  refineSearch,
  searchOlder,
  startSearch,
  stepHistory,
} from "../../editor/history_cursor.ts";
import { temporaryFolder } from "../kit/folder.ts";

const FILE = "input-history";

async function reopened(directory: string): Promise<readonly string[]> {
  await using history = await FileHistory.open(directory);
  return history.entries;
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("`FileHistory` keeps lines, also with newlines, in a private file", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "bcast");
  const lines = ["one", "two\nlines", "a \\n of its own\\", "天地", "tab\tin it"];
  {
    await using history = await FileHistory.open(directory);
    for (const line of lines) history.add(line);
    assertEquals(history.entries, lines);
  }
  assertEquals(await reopened(directory), lines);
  if (Deno.build.os !== "windows") {
    assertEquals(await modeOf(join(directory, FILE)), 0o600);
    assertEquals(await modeOf(directory), 0o700);
  }
});

Deno.test("`FileHistory.add()` ignores repeated and empty lines, and those that begin with a blank", async () => {
  await using folder = await temporaryFolder();
  {
    await using history = await FileHistory.open(folder.path);
    for (const line of ["a", "a", "", " secret", "\tsecret", "b", "a"]) history.add(line);
  }
  {
    await using history = await FileHistory.open(folder.path);
    history.add("a");
  }
  assertEquals(await reopened(folder.path), ["a", "b", "a"]);
  assertEquals(await Deno.readTextFile(join(folder.path, FILE)), "a\nb\na\n");
});

Deno.test("`FileHistory` of two programs at once keeps the lines of both", async () => {
  await using folder = await temporaryFolder();
  {
    await using first = await FileHistory.open(folder.path);
    await using second = await FileHistory.open(folder.path);
    for (let n = 0; n < 50; n++) {
      first.add(`first ${n}`);
      second.add(`second ${n}`);
    }
  }
  const all = await reopened(folder.path);
  for (const name of ["first", "second"]) {
    assertEquals(
      all.filter((line) => line.startsWith(name)),
      Array.from({ length: 50 }, (_, n) => `${name} ${n}`),
    );
  }
});

Deno.test("`FileHistory.open()` keeps the newest lines while other programs add more", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, FILE);
  await using other = await FileHistory.open(folder.path);
  const lines = Array.from({ length: MAX_ENTRIES + 500 }, (_, n) => `line ${n}`);
  await Deno.writeTextFile(path, lines.join("\n") + "\n");
  const [opened] = await Promise.all([
    FileHistory.open(folder.path),
    ...Array.from({ length: 20 }, (_, n) => Promise.resolve(other.add(`other ${n}`))),
  ]);
  await opened[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  const written = (await Deno.readTextFile(path)).trimEnd().split("\n");
  assertEquals(written.slice(-20), Array.from({ length: 20 }, (_, n) => `other ${n}`));
  assert(written.length <= MAX_ENTRIES + 20);
  const entries = await reopened(folder.path);
  assertEquals([entries.length, entries.at(-1)], [MAX_ENTRIES, "other 19"]);
  assertEquals((await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name), [FILE]);
});

Deno.test({
  name: "`FileHistory.open()` makes a readable file private",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, FILE);
    await Deno.writeTextFile(path, "known\n");
    await Deno.chmod(path, 0o644);
    assertEquals(await reopened(folder.path), ["known"]);
    assertEquals(await modeOf(path), 0o600);
  },
});

Deno.test("`FileHistory` ignores damaged lines and ends a truncated one", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, FILE);
  const damaged = new Uint8Array([0x67, 0xff, 0x0a]);
  await Deno.writeFile(path, damaged);
  await Deno.writeTextFile(path, "good\n\x1b[2J\nbad \\x\nbad\\\n\0\0\ncut o", { append: true });
  {
    await using history = await FileHistory.open(folder.path);
    assertEquals(history.entries, ["good", "cut o"]);
    history.add("next");
  }
  assertEquals(await reopened(folder.path), ["good", "cut o", "next"]);
});

Deno.test("`FileHistory.open()` reads the end of a file over the limit", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, FILE);
  await Deno.writeTextFile(path, "x".repeat(5 * 1024 * 1024) + "\nnew\n");
  assertEquals(await reopened(folder.path), ["new"]);
  assertEquals(await Deno.readTextFile(path), "new\n");
});

Deno.test("`FileHistory.open()` succeeds where no file can be written", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(join(folder.path, FILE));
  await Deno.writeTextFile(join(folder.path, "file"), "");
  for (const directory of [folder.path, join(folder.path, "file")]) {
    await using history = await FileHistory.open(directory);
    history.add("remembered for now");
    assertEquals(history.entries, ["remembered for now"]);
  }
});

Deno.test("`MemoryHistory` drops the oldest entries", () => {
  const history = new MemoryHistory();
  for (let n = 0; n <= MAX_ENTRIES; n++) history.add(`${n}`);
  assertEquals([history.entries.length, history.entries[0]], [MAX_ENTRIES, "1"]);
});

Deno.test("`stepHistory()` steps through the entries and back to the draft", () => {
  const entries = ["a", "b"];
  const seen: (string | undefined)[] = [];
  let cursor: Parameters<typeof stepHistory>[0];
  let draft = "draft";
  for (const direction of [1, -1, -1, -1, 1, 1, 1, -1] as const) {
    const found = stepHistory(cursor, direction, entries, draft);
    seen.push(found?.text);
    if (found !== undefined) ({ cursor, text: draft } = found);
  }
  assertEquals(seen, [undefined, "b", "a", undefined, "b", "draft", undefined, "b"]);
});

Deno.test("`refineSearch()` and `searchOlder()` search backwards, ignoring case", () => {
  const entries = ["Alpha one", "beta", "alpha two", "alpha two"];
  const at = (search: HistorySearch): readonly [number, boolean] => [search.index, search.failed];
  let search = startSearch(entries);
  assertEquals(at(searchOlder(search, entries)), [4, false]);
  search = refineSearch(search, "ALPHA", entries);
  assertEquals(at(search), [3, false]);
  search = searchOlder(search, entries);
  assertEquals(at(search), [0, false]);
  assertEquals(at(searchOlder(search, entries)), [0, true]);
  search = refineSearch(search, "ALPHA o", entries);
  assertEquals(at(search), [0, false]);
  // A shorter query starts from the newest again.
  assertEquals(at(refineSearch(search, "a", entries)), [3, false]);
  assertEquals(at(refineSearch(search, "", entries)), [4, false]);
  assertEquals(at(refineSearch(search, "ALPHA ox", entries)), [0, true]);
});

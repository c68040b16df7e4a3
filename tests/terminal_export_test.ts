import { assert, assertEquals, assertRejects } from "@std/assert";
import { ExportWriter, formatOf } from "../terminal/export.ts";
import { ExportError, exportTo } from "../terminal/export_file.ts";
import { said } from "./kit/fake_conversation.ts";
import { temporaryFolder } from "./kit/folder.ts";

const evil = said("Bob\x1b[2J", "hi\n# heading <b>*x*</b>\n1. one\n\x1b]0;t\x07");

Deno.test("formatOf() goes by the end of the name", () => {
  assertEquals(
    ["a.md", "a.MARKDOWN", "a.jsonl", "a.json", "a.txt", "a", "md", "json.log"].map(formatOf),
    ["markdown", "markdown", "json", "json", "text", "text", "text", "text"],
  );
});

Deno.test("ExportWriter writes text whose further lines are indented, and nothing to obey", () => {
  const writer = new ExportWriter("text", "lobby");
  assertEquals(writer.head(), "");
  const text = writer.one(evil).replace(/^\[[\d: -]+\] /, "");
  assertEquals(
    text,
    "Bob␛[2J: hi\n    # heading <b>*x*</b>\n    1. one\n    ␛]0;t␇\n",
  );
  assert(writer.one(said("Bob", "waves", { kind: "action" })).endsWith("] * Bob waves\n"));
});

Deno.test("ExportWriter writes JSON that reads back as what the hub sent", () => {
  const line = new ExportWriter("json", "lobby").one(evil);
  // deno-lint-ignore no-control-regex -- that there are none is the point
  assert(!/[\x00-\x09\x0b-\x1f]/.test(line));
  assertEquals(JSON.parse(line), evil);
});

Deno.test("ExportWriter writes Markdown that shows text as text, day by day", () => {
  const writer = new ExportWriter("markdown", "lobby");
  const day = (text: string): string => text.replaceAll(/\d\d:\d\d:\d\d/g, "TIME");
  const next = said("Bob", "next", { timestamp: "2026-03-01T12:00:00.000Z" });
  assertEquals(writer.head(), "# lobby\n");
  assertEquals(
    day(writer.one(evil)),
    "\n## 2026-01-31\n\n- TIME **Bob␛\\[2J:** hi\\\n" +
      "  \\# heading \\<b\\>\\*x\\*\\</b\\>\\\n  1\\. one\\\n  ␛\\]0;t␇\n",
  );
  assert(!writer.one(evil).includes("##"));
  assert(writer.one(next).startsWith("\n## 2026-03-01\n\n- "));
});

async function* pages(...texts: string[]): AsyncGenerator<readonly ReturnType<typeof said>[]> {
  for (const text of texts) {
    if (text === "broken") throw new Error("the hub is gone");
    yield await Promise.resolve([said("Bob", text)]);
  }
}

Deno.test("exportTo() never replaces a file unasked, and leaves nothing half done", async () => {
  await using folder = await temporaryFolder();
  const options = { path: `${folder.path}/talk.txt`, replace: false, title: "x", home: undefined };
  const names = (): readonly string[] =>
    Array.from(Deno.readDirSync(folder.path), ({ name }) => name).sort();
  assertEquals(await exportTo(options, pages("a", "b")), 2);
  const before = await Deno.readTextFile(options.path);
  await assertRejects(() => exportTo(options, pages("c")), ExportError, "is there already");
  const replace = { ...options, replace: true };
  await assertRejects(() => exportTo(replace, pages("c", "broken")), Error, "the hub is gone");
  const fresh = { ...options, path: `${folder.path}/other.txt` };
  await assertRejects(() => exportTo(fresh, pages("c", "broken")), Error, "the hub is gone");
  assertEquals([names(), await Deno.readTextFile(options.path)], [["talk.txt"], before]);
  assertEquals(await exportTo(replace, pages("new")), 1);
  assert((await Deno.readTextFile(options.path)).endsWith("Bob: new\n"));
  assertEquals(names(), ["talk.txt"]);
});

for (
  const [what, path, message] of [
    ["a folder that is not there", "no/such/talk.txt", "The folder of"],
    ["a folder", ".", "talk\x1b"],
  ] as const
) {
  Deno.test(`exportTo() says in one line what is wrong with ${what}`, async () => {
    await using folder = await temporaryFolder();
    if (path === ".") await Deno.mkdir(`${folder.path}/talk\x1b`);
    const error = await assertRejects(
      () =>
        exportTo({
          path: `${folder.path}/${path === "." ? "talk\x1b" : path}`,
          replace: false,
          title: "x",
          home: undefined,
        }, pages("a")),
      ExportError,
    );
    assert(error.message.includes(message.replace("\x1b", "␛")), error.message);
    // deno-lint-ignore no-control-regex -- that there are none is the point
    assert(!/[\x00-\x1f]/.test(error.message));
  });
}

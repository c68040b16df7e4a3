import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { getLogger, type LogRecord } from "@logtape/logtape";
import { CliError } from "../../cli/errors.ts";
import { formatJson, formatText, startLogging } from "../../cli/logging.ts";
import { MemoryOutput } from "../kit/memory_output.ts";

const EVIL = "Eve\n2026-01-01T00:00:00.000Z error   hub: forged \x1b[2J \u202e\u009b";

function record(properties: Record<string, unknown>): LogRecord {
  return {
    category: ["bcast", "hub"],
    level: "info",
    message: ["", properties["who"], " joined"],
    rawMessage: "{who} joined",
    timestamp: Date.UTC(2026, 0, 31, 10, 30, 40, 123),
    properties,
  };
}

Deno.test("formatText() makes one harmless line of whatever a record holds", () => {
  const line = formatText(record({ who: EVIL }));
  assertMatch(line, /^2026-01-31T10:30:40\.123Z info {4}hub: Eve␊2026/);
  // deno-lint-ignore no-control-regex -- that there are none is the point
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(line));
  assertEquals(line.split("\n").length, 2);
});

Deno.test("formatJson() makes one harmless line that reads back", () => {
  const line = formatJson(record({ who: EVIL, error: new TypeError("no"), big: 10n }));
  // deno-lint-ignore no-control-regex -- that there are none is the point
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(line));
  assertEquals(line.split("\n").length, 2);
  const { properties, ...rest } = JSON.parse(line);
  assertEquals(rest, {
    time: "2026-01-31T10:30:40.123Z",
    level: "info",
    logger: "bcast.hub",
    message: `${EVIL} joined`,
  });
  assertEquals([properties.who, properties.error.name, properties.big], [EVIL, "TypeError", "10"]);
});

Deno.test("startLogging() logs to console and file from its level on, and flushes at the end", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/hub.log`;
    const console = new MemoryOutput();
    {
      await using _logging = await startLogging({ level: "info", format: "text", console, file });
      getLogger(["bcast", "hub"]).info("{name} joined", { name: "Alice" });
      getLogger(["bcast", "hub"]).debug("not this");
      getLogger(["other"]).error("nor this");
    }
    assertMatch(console.text, /^\S+ info {4}hub: Alice joined\n$/);
    assertEquals(await Deno.readTextFile(file), console.text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("startLogging() never silences warnings with quiet, nor the audit by anything", async () => {
  const console = new MemoryOutput();
  {
    await using _logging = await startLogging({
      level: "warning",
      format: "text",
      console,
      quiet: true,
    });
    getLogger("bcast").info("news");
    getLogger("bcast").warning("a warning");
    getLogger("bcast").error("an error");
    getLogger(["bcast", "audit"]).info("banned");
  }
  const lines = console.text.trim().split("\n").map((line) => line.split(" ").slice(1).join(" "));
  assertEquals(lines, [
    "warning bcast: a warning",
    "error   bcast: an error",
    "info    audit: banned",
  ]);
});

Deno.test("startLogging() counts lines dropped while the console is not read", async () => {
  const console = new MemoryOutput();
  {
    await using _logging = await startLogging({ level: "info", format: "text", console });
    console.waiting = 10_000_000;
    getLogger("bcast").info("one");
    getLogger("bcast").info("two");
    console.waiting = 0;
    getLogger("bcast").info("three");
  }
  assertMatch(
    console.text,
    /^\(2 log lines were dropped: the output was not read\)\n\S+ info.*three\n$/,
  );
});

Deno.test("startLogging() says in one line why a log file cannot be written", async () => {
  await assertRejects(
    () => startLogging({ level: "info", format: "text", file: "/nowhere/at/all.log" }),
    CliError,
    "Cannot write the log file /nowhere/at/all.log: its directory does not exist",
  );
  await assertRejects(
    () => startLogging({ level: "info", format: "text", file: "/tmp" }),
    CliError,
    "it is a directory",
  );
});

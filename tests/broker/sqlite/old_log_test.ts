import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openSqliteBroker, type SqliteOptions } from "../../../broker/sqlite/sqlite_broker.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { ContractClock, kinds, readAll } from "../contract/broker_contract_kit.ts";

const SESSION = "0123456789abcdefABCDEF";

/** Lines as versions before 1.0 wrote them, and what they are now. */
const LINES: readonly (readonly [line: string, message: object])[] = [
  [`"Al"\t"plain"`, { message: "plain" }],
  [`"Al"\t"both"\t[1]`, { message: "both", data: [1] }],
  [`"Al"\t\tnull`, { data: null }],
  [`"Al"\t"waves"\t\taction`, { message: "waves", kind: "action" }],
  [`"Al"\t"proven"\t\t\t{"verified":true}`, { message: "proven", account: "Al" }],
  [
    `"Zo\\u0000ë"\t"all"\t{}\taction\t{"format":"markdown","verified":true,"via":["p"]}`,
    {
      sender: "Zo\u0000ë",
      message: "all",
      data: {},
      kind: "action",
      format: "markdown",
      account: "Zo\u0000ë",
      via: ["p"],
    },
  ],
  [`"Al"\t"unproven"\t\t\t{"via":["p","q"]}`, { message: "unproven", via: ["p", "q"] }],
];

Deno.test("a log of a version before 1.0 keeps its messages, accounts and keys", async () => {
  await using folder = await temporaryFolder();
  const clock = new ContractClock();
  const options: SqliteOptions = { path: `${folder.path}/log.db`, now: clock.now };
  await (await openSqliteBroker(options))[Symbol.asyncDispose]();
  const db = new DatabaseSync(options.path);
  db.exec("INSERT INTO rooms (no, name) VALUES (1, 'lobby')");
  db.prepare("INSERT INTO chunks VALUES ((1 << 40) | 1, ?, ?, ?, ?)").run(
    LINES.length,
    clock.time,
    JSON.stringify([[SESSION, 0, "1", "2"], [SESSION, 4, "5"]]),
    LINES.map(([line]) => line).join("\n"),
  );
  db.close();
  await using broker = await openSqliteBroker(options);
  const timestamp = new Date(clock.time).toISOString();
  assertEquals(
    await readAll(broker, "lobby"),
    LINES.map(([, message], index) => ({
      type: "message",
      room: "lobby",
      id: index + 1,
      sender: "Al",
      timestamp,
      ...message,
    })) as unknown as Awaited<ReturnType<typeof readAll>>,
  );
  const origin = (key: string) => ({ sender: SESSION, key });
  const base = { room: "lobby", sender: "Al" };
  const receipts = await broker.append([
    { ...base, content: { message: "plain" }, origin: origin("1") },
    { ...base, content: { message: "both", data: [2] }, origin: origin("2") },
    {
      ...base,
      content: { message: "proven" },
      annotations: { account: "Al" },
      origin: origin("5"),
    },
  ]);
  assertEquals(kinds(receipts), ["duplicate", "reused", "duplicate"]);
});

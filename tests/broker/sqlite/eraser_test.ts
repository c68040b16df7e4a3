import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { ContractClock, draft, ids, readAll, store } from "../contract/broker_contract_kit.ts";
import { temporaryFolder } from "../../kit/folder.ts";

/** Those of `words` that are in the bytes of any file of the log. */
async function found(folder: string, words: readonly string[]): Promise<readonly string[]> {
  const hits: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile) continue;
    // One character per byte, so that no bytes are skipped.
    const text = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/${name}`));
    // The index omits the prefix that a word shares with the one before.
    for (const word of words) if (text.includes(word.slice(6))) hits.push(`${name}: ${word}`);
  }
  return hits;
}

/** A generator of reproducible numbers below `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % limit;
  };
}

Deno.test("after `trim()`, no file contains text or words of messages that are too old", async () => {
  await using folder = await temporaryFolder();
  const clock = new ContractClock();
  const path = `${folder.path}/log.db`;
  const options = { path, now: clock.now, retention: { maxAge: 1000 } };
  await using broker = await openSqliteBroker(options);
  const random = numbers(7);
  const rooms = ["lobby", "team", "ops", "a.b", "z-9"];
  const gone: string[] = [];
  const kept: string[] = [];
  for (let round = 0; round < 60; round++) {
    const words = round < 40 ? gone : kept;
    if (round === 40) clock.time += 5000;
    const batch = Array.from({ length: 1 + random(12) }, () => {
      const word = crypto.randomUUID().replaceAll("-", "");
      words.push(word);
      const size = random(10) === 0 ? 20_000 : random(400);
      return draft(
        rooms[random(rooms.length)] ?? "lobby",
        `${word} secret ${"x".repeat(size)}`,
        { sender: "s", key: `${gone.length + kept.length}` },
      );
    });
    await store(broker, batch);
    if (random(5) === 0) await broker.search("lobby", "secret", { limit: 1 });
  }
  assert((await found(folder.path, gone)).length > 0, "the files contain words to erase");
  assertEquals(await broker.trim(), gone.length);
  assertEquals(await found(folder.path, gone), []);
  const left = await Promise.all(rooms.map((room) => readAll(broker, room)));
  assertEquals(left.flat().map(({ message = "" }) => message.split(" ")[0]).sort(), kept.sort());
});

Deno.test("after `trim()`, no file contains text of messages beyond the maximum number", async () => {
  for (const size of [1, 2, 7, 40]) {
    await using folder = await temporaryFolder();
    await using broker = await openSqliteBroker({
      path: `${folder.path}/log.db`,
      retention: { maxMessages: 3 },
    });
    const words = Array.from({ length: 40 }, () => crypto.randomUUID().replaceAll("-", ""));
    for (let at = 0; at < words.length; at += size) {
      const texts = words.slice(at, at + size).map((word) =>
        `${word} "größer" 日本語 e\u0301 🎉 \u202e`
      );
      await store(broker, texts.map((text) => draft("lobby", text)));
    }
    await broker.search("lobby", "größer", { limit: 1 });
    assertEquals(await broker.trim(), 37);
    assertEquals(await found(folder.path, words.slice(0, 37)), []);
    assertEquals(ids(await readAll(broker, "lobby")), [38, 39, 40]);
    assertEquals(ids(await broker.search("lobby", "größer", { limit: 9 })), [38, 39, 40]);
  }
});

Deno.test("opening a log of a version that did not erase rewrites it", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/log.db`;
  const word = crypto.randomUUID().replaceAll("-", "");
  {
    await using broker = await openSqliteBroker({ path });
    await store(broker, [draft("lobby", `${word} secret`), draft("other", "stays")]);
    await broker.search("lobby", "secret", { limit: 1 });
  }
  const old = new DatabaseSync(path);
  old.exec("PRAGMA secure_delete = OFF; DELETE FROM meta WHERE key = 'erase'");
  old.exec("DELETE FROM chunks WHERE seq >> 40 = 1");
  old.close();
  assert((await found(folder.path, [word])).length > 0, "the files contain words to erase");
  const db = new DatabaseSync(path);
  db.exec("INSERT INTO search (search, rank) VALUES ('secure-delete', 0)");
  db.exec("UPDATE rooms SET first = 2, last = 1 WHERE name = 'lobby'");
  db.prepare("INSERT INTO search (search, rowid, message) VALUES ('delete', (1 << 40) | 1, ?)")
    .run(`${word} secret`);
  db.close();
  await using broker = await openSqliteBroker({ path });
  assertEquals(await found(folder.path, [word]), []);
  assertEquals((await readAll(broker, "other")).map(({ message }) => message), ["stays"]);
});

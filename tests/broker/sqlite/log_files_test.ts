import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import { draft, drafts, ids, kinds, readAll, store } from "../contract/broker_contract_kit.ts";
import { temporaryFolder } from "../../kit/folder.ts";
import { Program, startHubProcess } from "../../kit/process.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { until } from "../../kit/wait.ts";

const ignore = Deno.build.os === "windows";

/** The status and text of `GET path`. */
async function look(url: string, path: string): Promise<readonly [number, string]> {
  const response = await fetch(new URL(path, url.replace(/^ws/, "http")));
  return [response.status, (await response.text()).trim()];
}

const GONE = "the file of the log was deleted or replaced";

for (
  const [what, lose] of [
    ["deleted with all the others", "rm $/*"],
    ["deleted", "rm $/bcast.db"],
    ["replaced by a copy", "cp $/bcast.db $/x && mv $/x $/bcast.db"],
    ["replaced by an empty one", "rm $/bcast.db && : > $/bcast.db"],
    ["renamed", "mv $/bcast.db $/old.db"],
    ["taken away with its directory", "mv $ $.away"],
    ["taken away with its directory, for another one", "mv $ $.away && mkdir $"],
    ["deleted with its directory", "rm -r $"],
  ] as const
) {
  Deno.test({
    name: `a hub whose log is ${what} acks nothing more, is not ready and says so once`,
    ignore,
    async fn() {
      await using folder = await temporaryFolder();
      const data = `${folder.path}/data`;
      const { program, url } = await startHubProcess(["--data", data]);
      await using hub = program;
      const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false });
      await using _ = writer;
      writer.send({ type: "message", message: "kept", ref: "first" });
      await writer.next("ack");
      assertEquals((await look(url, "/readyz"))[0], 200);
      const command = lose.replaceAll("$", data);
      const { success } = await new Deno.Command("sh", { args: ["-c", command] }).output();
      assert(success);
      let refused = 0;
      await until("a refusal", async () => {
        writer.send({ type: "message", message: "lost", ref: ++refused });
        const answer = await until(
          "an answer",
          () =>
            ["ack", "error"].flatMap((type) => writer.all(type)).find(({ ref }) => ref === refused),
        );
        return answer["type"] === "error";
      });
      // From now on, all are refused.
      for (let n = 1; n <= 100; n++) writer.send({ type: "message", message: "x", ref: `x${n}` });
      await until(
        "the answers",
        () => writer.all("error").filter(({ ref }) => String(ref).startsWith("x")).length === 100,
      );
      const [error] = writer.all("error");
      assertEquals([error?.["code"], error?.["retryAfter"]], ["internal", 1]);
      // The last result is cached for a second.
      const ready = await until("the reason", async () => {
        const [status, text] = await look(url, "/readyz");
        return status === 503 && text;
      });
      assertEquals(ready, `The log cannot be written: ${GONE}`);
      assertEquals((await look(url, "/healthz"))[0], 200);
      const lines = hub.errors.split("\n").filter((line) => line.includes("Cannot write the log"));
      assertEquals(lines.length, 1, hub.errors);
      assertMatch(lines[0] ?? "", /the file of the log was deleted or replaced\. Put the original/);
      if (command.includes("/*")) {
        // The first hub still has the directory.
        await using second = new Program(["start", "--port", "0", "--data", data]);
        assertEquals(await second.exit(), 1);
        assertMatch(second.errors, /Cannot use the data directory ".*": another hub is using it/);
      }
    },
  });
}

Deno.test({
  name: "a hub whose log comes back continues with it",
  ignore,
  async fn() {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const { program, url } = await startHubProcess(["--data", data]);
    await using hub = program;
    const [writer] = await TestSocket.v1(url, { sender: "Writer", echo: false });
    await using _ = writer;
    const stored = async (text: string): Promise<boolean> => {
      const ref = crypto.randomUUID();
      writer.send({ type: "message", message: text, ref });
      const answer = await until(
        "an answer",
        () =>
          ["ack", "error"].flatMap((type) => writer.all(type)).find((one) => one["ref"] === ref),
      );
      return answer["type"] === "ack";
    };
    assert(await stored("before"));
    await Deno.rename(data, `${data}.away`);
    await until("a refusal", async () => !await stored("lost"));
    await Deno.rename(`${data}.away`, data);
    await until("an ack", async () => await stored("after"));
    await until("readiness", async () => (await look(url, "/readyz"))[0] === 200);
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 0);
    await using broker = await openSqliteBroker({ path: `${data}/bcast.db` });
    const texts = (await readAll(broker, "lobby")).map(({ message }) => message);
    assertEquals([texts[0], texts.at(-1)], ["before", "after"]);
  },
});

for (const end of ["-wal", "-shm"]) {
  Deno.test({
    name: `\`append()\` loses nothing when the file ${end} is deleted, also in a crash`,
    ignore,
    async fn() {
      await using folder = await temporaryFolder();
      const path = `${folder.path}/log.db`;
      await using broker = await openSqliteBroker({ path });
      await store(broker, drafts("lobby", 3));
      await Deno.remove(path + end);
      await until("a new file", async () => {
        await broker.check();
        return await Deno.stat(path + end).then(() => true, () => false);
      });
      await store(broker, [draft("lobby", "after")]);
      assertEquals(ids(await readAll(broker, "lobby")), [1, 2, 3, 4]);
      // The files that a crash would leave.
      await Deno.copyFile(path, `${folder.path}/crashed.db`);
      await Deno.copyFile(`${path}-wal`, `${folder.path}/crashed.db-wal`);
      await using crashed = await openSqliteBroker({ path: `${folder.path}/crashed.db` });
      assertEquals(ids(await readAll(crashed, "lobby")), [1, 2, 3, 4]);
      // Other processes must see the same shared memory.
      assertEquals(kinds(await broker.append([draft("lobby", "more")])), ["stored"]);
    },
  });
}

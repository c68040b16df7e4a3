import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../client.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { programCommand } from "../kit/process.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "../kit/tmux.ts";
import { until } from "../kit/wait.ts";

const ignore = tmuxIsMissing();
const program = programCommand().map((word) => `'${word}'`).join(" ");
const NAME = "山田 太郎";

for (const term of ["TERM=dumb", "TERM=unknown", "TERM=", "-u TERM"]) {
  Deno.test({
    name: `a terminal without escape sequences gets none, and has all of the chat (${term})`,
    ignore,
    fn: async () => {
      await using folder = await temporaryFolder();
      await using hub = await startTestHub();
      const { url } = hub;
      const env = { XDG_CONFIG_HOME: folder.path, XDG_DATA_HOME: folder.path, USER: "tester" };
      await using terminal = await Tmux.open({ columns: 100, rows: 40, env });
      const log = `${folder.path}/written`;
      await terminal.record(log);
      const say = async (line: string): Promise<void> => {
        await terminal.type(line);
        await terminal.press("Enter");
      };
      // Elsewhere: the runtime that runs the sources moves the cursor there before it starts them.
      const run = `2>/dev/null env ${term}`;
      await say(`${run} ${program} connect ${url} --room lobby --room ops; echo code=$?`);
      await terminal.shows(/^Your name \[tester\]:$/m);
      await say("Alice");
      await terminal.shows(/^\* 1 in lobby: Alice$/m);
      const rooms = [{ room: "lobby" }, { room: "ops" }];
      await using bob = connect({ url, sender: NAME, rooms });
      await until("Bob", () => bob.state === "online");
      await say("hello");
      await until("the message", async () => (await bob.history("lobby")).messages.length === 1);
      await bob.send({ room: "lobby", message: "hi\x1b[2J" });
      await terminal.shows(new RegExp(`^\\[[\\d:]{8}\\] ${NAME}: hi␛\\[2J$`, "m"));
      // A command is no message.
      await say(`/msg "${NAME}" psst`);
      await terminal.shows(new RegExp(`^\\[[\\d:]{8}\\] you @${NAME}: psst$`, "m"));
      await bob.send({ room: "ops", message: "one" });
      await bob.send({ room: "ops", message: "two" });
      await terminal.shows(/^\* ops has something new: \/window 2$/m);
      await say("/window 2");
      await terminal.shows(
        /^── ops ─+\n(?:.*\n)*── 2 unread lines ─+\n(?:\* .*\n)?.*: one\n.*: two$/m,
      );
      await say("/window lobby");
      await terminal.shows(/^── lobby, shown before ─+\n(?:.*\n)*\[[\d:]{8}\] Alice: hello$/m);
      await say("/msg Nobody hi");
      await terminal.shows(/^! Not sent: [^\n]*You have it back below\n> \/msg Nobody hi$/m);
      await terminal.press("C-d");
      const end = await terminal.shows(/^code=0$/m);
      // It stands where it was typed, and once more where the window was shown again.
      assertEquals(end.split("hello").length, 3);
      assertMatch(end, /something new: \/window 2\n/);
      await say(`${run} timeout -s INT 3 ${program} status ${url} --watch; echo watched=$?`);
      await terminal.shows(/^watched=\d+$/m);
      const written = await Deno.readTextFile(log);
      assert(written.includes("psst"), written);
      // deno-lint-ignore no-control-regex -- the beginning of all escape sequences
      const found = written.match(/.*[\x1b\x9b\x0e\x0f].*/g) ?? [];
      assertEquals(found, []);
      const { messages } = await bob.history("ops");
      assertEquals(messages.map(({ message }) => message), ["one", "two"]);
    },
  });
}

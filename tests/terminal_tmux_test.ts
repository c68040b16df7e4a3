import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../client.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { programCommand } from "./kit/process.ts";
import { startTestHub } from "./kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "./kit/tmux.ts";
import { until } from "./kit/until.ts";

const ignore = tmuxIsMissing();
const program = programCommand().map((word) => `'${word}'`).join(" ");

/** A terminal in which the program runs with a data directory of its own. */
function open(data: string): Promise<Tmux> {
  return Tmux.open({ columns: 60, rows: 20, env: { XDG_DATA_HOME: data, USER: "tester" } });
}

Deno.test({
  name: "a real terminal: what is being typed stays whole while messages arrive",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using terminal = await open(folder.path);
    await terminal.type(
      `cd $XDG_DATA_HOME; stty -a > before; clear; ${program} connect ${hub.url} --name Alice`,
    );
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Alice>$/m);
    await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
    await until("Bob to be there", () => bob.state === "online");

    const draft = "a draft that is a good deal longer than one row of it";
    const shown = "[lobby] Alice> a draft that is a good deal longer than one r\now of it";
    await terminal.type(draft);
    await terminal.press("Left", "Left", "Left");
    await terminal.shows(/one r\now of it$/);
    const column = "ow of it".length - 3;
    await until("the cursor three to the left", async () => await terminal.column() === column);
    for (let n = 1; n <= 30; n++) {
      // deno-lint-ignore no-await-in-loop -- message by message, so that each redraws
      await bob.send({ message: `message ${n} \x1b[2J\x1b]0;title\x07 of Bob` });
    }
    const screen = await terminal.shows(/message 30 .*\n\[lobby\]/);
    assert(screen.endsWith(shown), screen);
    assertEquals(screen.split("[lobby]").length - 1, 1, screen);
    assertStringIncludes(screen, "Bob: message 29 ␛[2J␛]0;title␇ of Bob\n");
    assertEquals(await terminal.column(), column);

    await terminal.type("X");
    await terminal.press("Enter");
    const sent = draft.slice(0, -3) + "X" + draft.slice(-3);
    await terminal.shows(
      /Alice: a draft that is a good deal longer than\n {11}one row ofX it\n\[lobby\] Alice>$/,
    );
    const { messages: [last] } = await bob.history("lobby", { limit: 1 });
    assertEquals(last?.message, sent);

    await terminal.press("C-c");
    await terminal.shows(/^READY$/m);
    await terminal.type(
      "echo code=$?; stty -a > after; cmp before after && echo same",
    );
    await terminal.press("Enter");
    await terminal.shows(/code=0\nsame/);
  },
});

Deno.test({
  name: "a real terminal: asks for a name, offers the one used last, leaves at exit",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using terminal = await open(folder.path);
    const run = async (): Promise<void> => {
      await terminal.clear();
      await terminal.type(`${program} connect ${hub.url}; echo "code=$?"`);
      await terminal.press("Enter");
    };
    await run();
    await terminal.shows(/^Your name \[tester\]:$/m);
    await terminal.type("a/b");
    await terminal.press("Enter");
    await terminal.shows(/That is not a name of 1 to 32[^]*Your name \[tester\]:$/);
    await terminal.type("Ålice");
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Ålice>$/m);
    await terminal.type("exit");
    await terminal.press("Enter");
    await terminal.shows(/^code=0$/m);
    const { mode } = await Deno.stat(`${folder.path}/bcast/last-name`);
    assertEquals((mode ?? 0) & 0o777, 0o600);

    await run();
    await terminal.shows(/^Your name \[Ålice\]:$/m);
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Ålice>$/m);
    await terminal.press("C-d");
    await terminal.shows(/^code=0$/m);

    await run();
    await terminal.shows(/^Your name \[Ålice\]:$/m);
    await terminal.press("C-c");
    await terminal.shows(/^code=130$/m);
  },
});

Deno.test({
  name: "a real terminal: the end of a hub is told, and so is its return",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/log.db`;
    await using terminal = await open(folder.path);
    let hub = await startTestHub({ path });
    const { url, port } = hub;
    try {
      await terminal.type(`clear; ${program} connect ${url} --name Alice; echo "code=$?"`);
      await terminal.press("Enter");
      await terminal.shows(/^\[lobby\] Alice>$/m);
      await hub.stop();
      await terminal.shows(/Alice \(offline\)>$/m);
      await terminal.type("said meanwhile");
      await terminal.press("Enter");
      hub = await startTestHub({ path, port });
      await terminal.shows(/Connected again after[^]*Alice: said meanwhile\n\[lobby\] Alice>$/);
      await terminal.type("/quit");
      await terminal.press("Enter");
      await terminal.shows(/^code=0$/m);
    } finally {
      await hub.stop();
    }
  },
});

import { assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../kit/folder.ts";
import { programCommand } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "../kit/tmux.ts";

const program = programCommand().map((word) => `'${word}'`).join(" ");

Deno.test({
  name: "bcast status --watch redraws in place in a real terminal, and keeps earlier lines",
  ignore: tmuxIsMissing(),
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    const env = { XDG_CONFIG_HOME: folder.path, XDG_DATA_HOME: folder.path, BCAST_URL: hub.url };
    // Fewer rows than the table, and fewer columns than some of its lines.
    await using terminal = await Tmux.open({ columns: 40, rows: 8, env });
    // The typed command must leave room on the small screen for earlier lines.
    const script = `#!/bin/sh\nexec ${program} status --watch\n`;
    await Deno.writeTextFile(`${folder.path}/w`, script, { mode: 0o755 });
    await terminal.type(`cd ${folder.path}; stty -a > before; clear; echo was here`);
    await terminal.press("Enter");
    await terminal.shows(/^was here\nREADY$/);
    await terminal.type("./w; c=$?; stty -a > after; echo code=$c");
    await terminal.press("Enter");
    const first = await terminal.shows(/^clients +0 now/m);
    assertMatch(first, /^hub +bcast /);
    assertEquals(first.split("\n").length, 8);
    await using _alice = await TestSocket.plain(hub.url, "Alice");
    const second = await terminal.shows(/^clients +1 now/m);
    assertEquals(second.split("\n").length, 8);
    assertMatch(second, /^hub +bcast /);
    await terminal.press("C-c");
    const after = await terminal.shows(/^code=0$/m);
    assertMatch(after, /^was here\n/);
    const [one, other] = await Promise.all(
      ["before", "after"].map((name) => Deno.readTextFile(`${folder.path}/${name}`)),
    );
    assertEquals(other, one);
  },
});

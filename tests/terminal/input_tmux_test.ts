import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { connect } from "../../client.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { programCommand } from "../kit/process.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "../kit/tmux.ts";
import { until } from "../kit/wait.ts";

const ignore = tmuxIsMissing();
const program = quoted(programCommand());

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

/** The program as somebody runs it from the sources: Deno's task runner stands in between. */
function task(): string {
  if (Deno.env.has("BCAST_TEST_COMMAND")) return program;
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  return quoted([Deno.execPath(), "task", "--quiet", "--config", config]);
}

/** Waits until the screen without its line breaks ends with `text`. */
async function endsWith(terminal: Tmux, text: string): Promise<string> {
  const plain = (shown: string): string => shown.replaceAll(/\s/g, "");
  let screen = "";
  try {
    return await until("the end of the screen", async () => {
      screen = await terminal.screen();
      return plain(screen).endsWith(plain(text)) && screen;
    });
  } catch (error) {
    throw new Error(`The terminal does not end with ${text}, but:\n${screen}`, { cause: error });
  }
}

/** Waits until the client is there, and for an empty screen without its word of greeting. */
async function greeted(terminal: Tmux, prompt: string): Promise<void> {
  await terminal.shows(new RegExp(`leaves\\.?\n\\${prompt}$`));
  await terminal.type("/clear");
  await terminal.press("Enter");
  await terminal.shows(new RegExp(`^\\${prompt}$`));
}

/** Notes how the terminal is, but for its size. */
async function note(terminal: Tmux): Promise<void> {
  await terminal.type(
    `cd $XDG_DATA_HOME; modes() { stty -a | sed 's/rows.*columns [0-9]*//'; }; modes > before`,
  );
  await terminal.press("Enter");
  await terminal.clear();
}

/** The shell finds the terminal as it was, and what is pasted comes without brackets. */
async function isAsBefore(terminal: Tmux): Promise<void> {
  await terminal.clear();
  await terminal.type("modes > after; cmp before after && echo same");
  await terminal.press("Enter");
  await terminal.shows(/^same$/m);
  await terminal.clear();
  await terminal.paste("echo paste");
  await terminal.type("d");
  await terminal.press("Enter");
  assert(!(await terminal.shows(/^pasted$/m)).includes("200~"));
}

Deno.test({
  name:
    "a real terminal: a draft is whole while 200 messages a second arrive, and after Ctrl-Z and fg",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub({ limits: { rate: 10_000, burst: 10_000 } });
    await using terminal = await Tmux.open({
      columns: 80,
      rows: 24,
      env: { XDG_DATA_HOME: folder.path, USER: "tester" },
    });
    await note(terminal);
    // Its process number, to signal it from outside.
    const command = `${program} connect ${hub.url} --name Alice`;
    await Deno.writeTextFile(`${folder.path}/run`, `echo $$ > pid; exec ${command}\n`);
    await terminal.type("sh run");
    await terminal.press("Enter");
    await greeted(terminal, "[lobby] Alice>");
    await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
    await terminal.shows(/Bob joined/);

    // Some ten messages with each word, which is more than 200 a second.
    const words = Array.from({ length: 60 }, (_, n) => `w${n} `);
    let sent = 0;
    for (const word of words) {
      await Promise.all([
        terminal.type(word),
        ...Array.from({ length: 10 }, () => bob.send({ message: `message ${sent++}` })),
      ]);
    }
    const draft = words.join("");
    const screen = await endsWith(terminal, `Bob: message 599\n[lobby] Alice> ${draft}`);
    assertEquals(screen.split("[lobby]").length, 2, screen);
    const all = await terminal.everything();
    assertEquals(all.split("[lobby]").length, 2, all);
    assertEquals(
      [...all.matchAll(/Bob: message (\d+)$/gm)].map(([, number]) => Number(number)),
      Array.from({ length: 600 }, (_, n) => n),
    );

    await terminal.press("C-z");
    await terminal.shows(/Stopped[^]*READY$/);
    await isAsBefore(terminal);
    await bob.send({ message: "said meanwhile" });
    await terminal.clear();
    await terminal.type("fg");
    await terminal.press("Enter");
    await endsWith(terminal, `Bob: said meanwhile\n[lobby] Alice> ${draft}`);
    await Promise.all(Array.from({ length: 30 }, (_, n) => bob.send({ message: `more ${n}` })));
    await endsWith(terminal, `Bob: more 29\n[lobby] Alice> ${draft}`);
    await terminal.resize(40, 12);
    // Half of the screen is left to what was said.
    await terminal.shows(/Bob: more 29\n(?:[w\d ]+\n){5} w59$/);
    await terminal.resize(80, 24);
    await endsWith(terminal, `Bob: more 29\n[lobby] Alice> ${draft}`);
    await terminal.type("!");
    await terminal.press("Enter");
    await terminal.shows(/w59 !\n\[lobby\] Alice>$/);
    const { messages: [last] } = await bob.history("lobby", { limit: 1 });
    assertEquals(last?.message, `${draft}!`);

    await terminal.type("a draft that nobody sends");
    await terminal.shows(/nobody sends$/);
    Deno.kill(Number(await Deno.readTextFile(`${folder.path}/pid`)), "SIGTERM");
    await terminal.shows(/^READY$/m);
    assert(!(await terminal.screen()).includes("nobody sends"));
    await isAsBefore(terminal);
    // Not lost, however the program ends: the up arrow brings it back.
    assertEquals(
      await Deno.readTextFile(`${folder.path}/bcast/input-history`),
      `/clear\n${draft}!\na draft that nobody sends\n`,
    );
  },
});

Deno.test({
  name: "a real terminal: pastes, long drafts and Ctrl-Z on a small screen, started as a task",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using terminal = await Tmux.open({
      columns: 40,
      rows: 12,
      env: { XDG_DATA_HOME: folder.path, USER: "tester" },
      shell: "bash",
    });
    await note(terminal);
    await terminal.type(`clear; ${task()} connect ${hub.url} --name Al`);
    await terminal.press("Enter");
    await greeted(terminal, "[lobby] Al>");
    await using bob = connect({ url: hub.url, sender: "Bob", echo: false });
    await terminal.shows(/Bob joined/);
    for (let n = 0; n < 12; n++) {
      await bob.send({ message: `said ${n}` });
    }
    await terminal.shows(/said 11\n\[lobby\] Al>$/);

    await terminal.paste("one\n\ttwo \x1b[201\nthree");
    await terminal.shows(/^\[lobby\] Al> one\n> {3}two \[201\n> three$/m);
    await terminal.press("C-u");
    await terminal.type("3.");
    await terminal.press("Up", "Home", "C-k", "Enter");
    await until("the lines", async () => {
      const { messages: [last] } = await bob.history("lobby", { limit: 1 });
      return last?.message === "one\n\n3.";
    });
    await terminal.shows(/Al: one/);

    // Shows half of the screen at most, and all of it is there.
    const long = Array.from({ length: 600 }, (_, n) => String(n).padStart(4, "0")).join(" ");
    await terminal.paste(long);
    const screen = await terminal.shows(/0599$/);
    assertStringIncludes(screen, "Al: one");
    assert(!screen.includes("[lobby]"));
    await terminal.press("C-z");
    await terminal.shows(/Stopped[^]*READY$/);
    await isAsBefore(terminal);
    await terminal.clear();
    await terminal.type("fg");
    await terminal.press("Enter");
    await endsWith(terminal, long.slice(-200));
    await terminal.resize(80, 24);
    await endsWith(terminal, long.slice(-900));
    await terminal.press("C-a");
    await terminal.shows(/^\[lobby\] Al> 0000 0001/m);
    await terminal.type("X");
    await terminal.press("Enter");
    await until("the long line", async () => {
      const { messages: [last] } = await bob.history("lobby", { limit: 1 });
      return last?.message === `X${long}`;
    });
    await terminal.press("C-d");
    await terminal.shows(/READY$/);
    await isAsBefore(terminal);
  },
});

/** A program that fails while somebody types. */
const FAILING = `
import { Editor } from "${new URL("../../editor/editor.ts", import.meta.url)}";
import { SystemTerminal } from "${new URL("../../editor/terminal.ts", import.meta.url)}";
const editor = new Editor(new SystemTerminal());
editor.setPrompt("> ");
const nothing = () => {};
editor.listen({
  line: nothing,
  edited: nothing,
  shortcut: nothing,
  interrupt: nothing,
  discarded: () => { throw new Error("the failure"); },
  end: () => Deno.exit(7),
  complete: () => [[], ""],
  resized: nothing,
});
`;

Deno.test({
  name: "a real terminal is left as it was by an error, by an end in the midst, and by a hang-up",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using terminal = await Tmux.open({
      columns: 80,
      rows: 24,
      env: { XDG_DATA_HOME: folder.path, USER: "tester", NO_COLOR: "1" },
    });
    await note(terminal);
    await Deno.writeTextFile(`${folder.path}/failing.ts`, FAILING);
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const deno = [Deno.execPath(), "run", "--no-check", "-A", "--config", config, "failing.ts"];
    for (
      const [key, shown] of [["C-c", /^error: Uncaught[^]*the failure/m], [
        "C-d",
        /code=7/,
      ]] as const
    ) {
      await terminal.type(`${quoted(deno)}; echo code=$?`);
      await terminal.press("Enter");
      await terminal.shows(/^>$/m);
      await terminal.type("half a line");
      await terminal.shows(/^> half a line$/m);
      await terminal.press(...key === "C-d" ? ["C-u"] : [], key);
      const screen = await terminal.shows(shown);
      await terminal.shows(/READY$/);
      assert(!screen.includes("half a line"), screen);
      await isAsBefore(terminal);
      await terminal.clear();
    }
    const command = `${program} connect ${hub.url} --name Al`;
    await Deno.writeTextFile(`${folder.path}/run`, `echo $$ > pid; exec ${command}\n`);
    await terminal.type("sh run");
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Al>$/m);
    await terminal.type("half a line");
    await terminal.shows(/half a line$/m);
    Deno.kill(Number(await Deno.readTextFile(`${folder.path}/pid`)), "SIGHUP");
    await terminal.shows(/READY$/);
    await isAsBefore(terminal);
  },
});

Deno.test({
  name: "a real terminal: asks for a name, offers the one used last, leaves at exit",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using terminal = await Tmux.open({
      columns: 60,
      rows: 20,
      env: { XDG_DATA_HOME: folder.path, USER: "tester" },
    });
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
    await terminal.type("/quit");
    await terminal.press("Enter");
    await terminal.shows(/^code=0$/m);
    const { mode } = await Deno.stat(`${folder.path}/bcast/last-name`);
    assertEquals((mode ?? 0) & 0o777, 0o600);

    await run();
    await terminal.shows(/^Your name \[Ålice\]:$/m);
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Ålice>$/m);
    await terminal.press("C-c");
    await terminal.shows(/^code=0$/m);

    await run();
    await terminal.shows(/^Your name \[Ålice\]:$/m);
    await terminal.press("C-c");
    await terminal.shows(/^code=130$/m);
  },
});

Deno.test({
  name: "connect offers the name that was asked for, makes guests, and knows the hub's rooms",
  ignore,
  fn: async () => {
    await using folder = await temporaryFolder();
    await using hub = await startTestHub();
    await using eve = connect({ url: hub.url, sender: "Eve" });
    await eve.ping();
    await using terminal = await Tmux.open({
      columns: 60,
      rows: 20,
      env: { XDG_DATA_HOME: folder.path, USER: "", USERNAME: "" },
    });
    const run = async (): Promise<void> => {
      await terminal.clear();
      await terminal.type(`${program} connect ${hub.url}; echo "code=$?"`);
      await terminal.press("Enter");
    };
    await run();
    await terminal.shows(/^Your name \[guest\]:$/m);
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] guest-\w{4}>$/m);
    await terminal.press("C-c");
    await terminal.shows(/^code=0$/m);

    await run();
    await terminal.shows(/^Your name \[guest\]:$/m);
    await terminal.type("Eve");
    await terminal.press("Enter");
    await terminal.shows(/^\[lobby\] Eve-2>$/m);
    await eve.send({ message: "who is there?" });
    await terminal.shows(/Eve: who is there\?[^]*\[lobby\] Eve-2>$/);
    // A room of the hub that this client is not in.
    eve.join({ room: "attic" });
    await eve.ping();
    await terminal.type("/rooms");
    await terminal.press("Enter");
    await terminal.shows(/Other rooms of the hub: attic \(1 online\)[^]*\[lobby\] Eve-2>$/);
    await terminal.type("/join att");
    await terminal.press("Tab");
    await terminal.shows(/\[lobby\] Eve-2> \/join attic$/);
    await terminal.press("C-c");
    await terminal.shows(/Ctrl-C again leaves\n\[lobby\] Eve-2>$/);
    await terminal.press("C-c");
    await terminal.shows(/^code=0$/m);

    await run();
    await terminal.shows(/^Your name \[Eve\]:$/m);
    await terminal.press("C-c");
    await terminal.shows(/^code=130$/m);
  },
});

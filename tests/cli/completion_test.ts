import fc from "fast-check";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bashCompletion } from "../../cli/completion/bash.ts";
import { fishCompletion } from "../../cli/completion/fish.ts";
import { type CompletionTable, completionTable, shellQuote } from "../../cli/completion/table.ts";
import { zshCompletion } from "../../cli/completion/zsh.ts";
import { defineCommand } from "../../cli/command.ts";
import * as flag from "../../cli/flags.ts";
import { shellWord, shellWords } from "../../cli/shell_words.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { main } from "../../main.ts";
import { type Folder, temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { programCommand } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "../kit/tmux.ts";

// Names that a hub takes, and a shell must not.
const HOSTILE = ["Al Capone", "Al$(touch pwned)", "Al`touch pwned`", `Al"it's"`, "Al;touch pwned"];

/** Whether a shell is there; says so loudly where it is not. */
function isMissing(shell: string): boolean {
  try {
    return !new Deno.Command(shell, { args: ["-c", "exit 0"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- nobody shall believe that this was tested
    console.warn(`LEFT OUT: completion in ${shell}, because it is not installed`);
    return true;
  }
}

/** The commands, and one that takes somebody's name. */
const TABLE: CompletionTable = completionTable([
  ...COMMANDS,
  defineCommand({
    name: "tell",
    summary: "Tell it's: \\ all",
    description: "Tell one user.",
    flags: {
      to: flag.text({ placeholder: "NAME", help: "Who: it's [one] of them" }),
      loud: flag.toggle({ help: "Loudly" }),
      file: flag.text({ placeholder: "FILE", help: "From there" }),
    },
    examples: [],
    run: () => Promise.resolve(0),
  }),
]);

/** A folder with `bcast` in it, and the scripts. */
async function shellFolder(): Promise<Folder> {
  const folder = await temporaryFolder();
  const command = programCommand().map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${folder.path}/bcast`, `#!/bin/sh\nexec ${command} "$@"\n`, {
    mode: 0o755,
  });
  const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
  for (const [shell, script] of Object.entries(scripts)) {
    await Deno.writeTextFile(`${folder.path}/script.${shell}`, script(TABLE));
  }
  return folder;
}

/** The variables of a shell that finds the program, and through it the hub. */
function environment(folder: Folder, url: string): Record<string, string> {
  return {
    PATH: `${folder.path}:${Deno.env.get("PATH")}`,
    BCAST_URL: url,
    XDG_CONFIG_HOME: `${folder.path}/none`,
    XDG_DATA_HOME: `${folder.path}/data`,
    LC_ALL: "C.UTF-8",
    // This machine may have a lot to do.
    BCAST_PATIENCE: "20000",
  };
}

/** What a script says, line by line. */
async function linesOf(
  shell: string,
  script: string,
  folder: Folder,
  url: string,
): Promise<string[]> {
  const args = shell === "fish" ? ["--no-config", "-c", script] : ["--norc", "-c", script];
  const { stdout, stderr } = await new Deno.Command(shell, {
    args,
    cwd: folder.path,
    env: environment(folder, url),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return decoder.decode(stdout).trimEnd().split("\n");
}

/** A hub with people in two rooms, some of them with names that a shell would run. */
async function hubWithPeople(): Promise<AsyncDisposable & { readonly url: string }> {
  const hub = await startTestHub();
  const sockets = await Promise.all(
    HOSTILE.map((name) => TestSocket.plain(hub.url, name, "room=lobby&room=team")),
  );
  return {
    url: hub.url,
    async [Symbol.asyncDispose]() {
      await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()));
      await hub.stop();
    },
  };
}

// Prints one line for each line to complete: what bash would offer, in brackets.
const BASH_TRY = `
try() {
  local line=$1; shift
  COMP_LINE=$line COMP_POINT=\${#line} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _bcast "$1"
  printf '<%s>' "\${COMPREPLY[@]}"; echo
}
source ./script.bash
`;

Deno.test({
  name: "bash completes commands, flags, choices, and what the hub tells; it runs nothing",
  ignore: isMissing("bash"),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithPeople();
    const lines = await linesOf(
      "bash",
      `${BASH_TRY}
      try "bcast st" bcast st
      try "bcast -p work st" bcast -p work st
      try "bcast --config=x hi" bcast --config = x hi
      try "bcast history --qu" bcast history --qu
      try "bcast start --fsync " bcast start --fsync ""
      try "bcast start --fsync=a" bcast start --fsync = a
      try "bcast completions " bcast completions ""
      try "bcast history --room te" bcast history --room te
      try "bcast history --room=" bcast history --room =
      try "bcast tell --loud --to Al" bcast tell --loud --to Al
      try 'bcast tell --to "Al' bcast tell --to '"Al'
      try 'bcast tell --to Al\\ C' bcast tell --to 'Al\\ C'
      try "bcast history --url nobody.invalid --room " bcast history --url nobody.invalid --room ""
      eval "set -- $(cd . && COMP_LINE='bcast tell --to Al' COMP_POINT=18 && COMP_WORDS=(bcast tell --to Al) COMP_CWORD=3 && COMPREPLY=() && _bcast bcast && echo "\${COMPREPLY[@]}")"
      printf '<%s>' "$@"; echo`,
      folder,
      hub.url,
    );
    const all = HOSTILE.toSorted().map((name) => `<${name}>`).join("");
    assertEquals(lines.slice(0, 9), [
      "<start><status>",
      "<start><status>",
      "<history>",
      "<--query>",
      "<normal><always>",
      "<always>",
      "<bash><zsh><fish>",
      "<team>",
      "<lobby><team>",
    ]);
    // As the user gets them: with everything that a shell would read made harmless.
    assertEquals(lines[9]?.split("><").length, HOSTILE.length, lines[9]);
    assert(!/[^\\][$`;"']/.test(lines[9] ?? ""), lines[9]);
    // Between quotes nothing could make these harmless: they are not offered.
    assertEquals(lines[10], "<Al Capone><Al;touch pwned>");
    assertEquals(lines[11], "<Al\\ Capone>");
    assertEquals(lines[12], "<>");
    assertEquals(lines[13], all);
    assert(!(await names(folder)).includes("pwned"));
  },
});

/** Every command with its flags, as one offers them after `--`. */
const FLAGS_OF = TABLE.commands.map(({ name, flags }) => ({
  name,
  flags: flags.map((each) => each.name).toSorted(),
}));

Deno.test({
  name: "bash completes the flags of every command, those of groups too",
  ignore: isMissing("bash"),
  fn: async () => {
    await using folder = await shellFolder();
    const tries = FLAGS_OF.map(({ name }) => `try "bcast ${name} --" bcast ${name} --`);
    const more = [
      `try "bcast token mi" bcast token mi`,
      `try "bcast token --help mint --exp" bcast token --help mint --exp`,
    ];
    const lines = await linesOf(
      "bash",
      BASH_TRY + [...tries, ...more].join("\n"),
      folder,
      "ws://127.0.0.1:1",
    );
    for (const [index, { name, flags }] of FLAGS_OF.entries()) {
      assertEquals(lines[index]?.slice(1, -1).split("><").toSorted(), flags, name);
    }
    assertEquals(lines.slice(FLAGS_OF.length), ["<mint>", "<--expires>"]);
  },
});

Deno.test({
  name: "fish completes the flags of every command, those of groups too",
  ignore: isMissing("fish"),
  fn: async () => {
    await using folder = await shellFolder();
    const tries = FLAGS_OF.map(({ name }) => `"bcast ${name} --"`).join(" ");
    const lines = await linesOf(
      "fish",
      `source ./script.fish
      for line in ${tries}
        set -l offers (complete -C "$line" | string replace -r '\\t.*' '')
        printf '<%s>' $offers; echo
      end`,
      folder,
      "ws://127.0.0.1:1",
    );
    for (const [index, { name, flags }] of FLAGS_OF.entries()) {
      assertEquals(lines[index]?.slice(1, -1).split("><").toSorted(), flags, name);
    }
  },
});

async function names(folder: Folder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
}

Deno.test({
  name: "fish completes commands, flags, choices, and what the hub tells; it runs nothing",
  ignore: isMissing("fish"),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithPeople();
    const lines = await linesOf(
      "fish",
      `source ./script.fish
      for line in "bcast st" "bcast -p work st" "bcast history --qu" "bcast start --fsync " \\
          "bcast completions " "bcast history --room te" "bcast history --room=te" \\
          "bcast tell --to Al"
        set -l offers (complete -C "$line" | string replace -r '\\t.*' '')
        printf '<%s>' $offers; echo
      end`,
      folder,
      hub.url,
    );
    const sorted = (line = ""): string[] => line.slice(1, -1).split("><").toSorted();
    assertEquals(lines.slice(0, 7).map(sorted), [
      ["start", "status"],
      ["start", "status"],
      ["--query"],
      ["always", "normal"],
      ["bash", "fish", "zsh"],
      ["team"],
      ["--room=team"],
    ]);
    // Fish writes them as one would have to type them.
    assertEquals(sorted(lines[7]).map((name) => name.replaceAll("\\", "")), HOSTILE.toSorted());
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test({
  name: "zsh completes commands, flags, choices, and what the hub tells; it runs nothing",
  ignore: isMissing("zsh") || tmuxIsMissing(),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithPeople();
    // A completion of zsh lives in its line editor only: it takes a terminal.
    const env = environment(folder, hub.url);
    await using terminal = await Tmux.open({ columns: 100, rows: 30, env });
    // Of PATH, tmux has ideas of its own.
    await terminal.type(`cd ${folder.path}; PATH=$PWD:$PATH exec zsh -f`);
    await terminal.press("Enter");
    await terminal.type("PS1='READY '; autoload -Uz compinit; compinit -u -D; source ./script.zsh");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    await terminal.clear();
    const completes = async (typed: string, shown: RegExp): Promise<void> => {
      await terminal.type(typed);
      await terminal.press("Tab");
      await terminal.shows(shown);
      // Keys of zsh itself: a signal would take with it what is typed next.
      await terminal.press("C-u", "C-l");
      await terminal.shows(/^READY$/);
    };
    await completes("bcast his", /^READY bcast history$/m);
    await completes("bcast -p work sta", /^start +-- Run a hub\s+status +-- Show the/m);
    await completes("bcast history --qu", /^READY bcast history --query$/m);
    await completes("bcast start --fsync=al", /^READY bcast start --fsync=always$/m);
    await completes("bcast history --room te", /^READY bcast history --room team$/m);
    await completes("bcast tell --to Al\\ C", /^READY bcast tell --to Al\\ Capone$/m);
    await completes("bcast tell --to Al\\$", /--to Al\\\$\\\(touch\\ pwned\\\)$/m);
    await completes("bcast token mint --exp", /^READY bcast token mint --expires$/m);
    await completes("bcast config pr", /^READY bcast config print$/m);
    await completes("bcast tell --lo", /^READY bcast tell --loud$/m);
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test("bcast complete-names tells names for a line, and nothing on any trouble", async () => {
  await using hub = await hubWithPeople();
  await using folder = await temporaryFolder();
  const file = `${folder.path}/config.json`;
  await Deno.writeTextFile(file, `{"profiles": {"a b": {"url": "${hub.url}"}, "c": {}}}`);
  const tell = async (kind: string, line: string): Promise<string> => {
    const context = memoryContext({ env: { BCAST_CONFIG: file, BCAST_PATIENCE: "20000" } });
    assertEquals(await main(["complete-names", kind, `--line=${line}`], context), 0);
    assertEquals(context.stderr.text, "");
    return context.stdout.text;
  };
  const address = hub.url.replace("ws://", "");
  assertEquals(await tell("rooms", `bcast connect --url ${hub.url} --room`), "lobby\nteam\n");
  assertEquals(await tell("rooms", `bcast connect ${address} --room te`), "lobby\nteam\n");
  assertEquals(await tell("rooms", `bcast -p 'a b' connect --room`), "lobby\nteam\n");
  assertEquals(await tell("rooms", `bcast connect -p a\\ b --name "A/`), "lobby\nteam\n");
  assertEquals(
    (await tell("people", `bcast connect ${hub.url} --room`)).trimEnd().split("\n"),
    HOSTILE.toSorted(),
  );
  // What is still being typed, or is of another version, is passed over.
  assertEquals(
    await tell("rooms", `bcast tell --nonsense --more=1 --url=${hub.url} --to "A`),
    "lobby\nteam\n",
  );
  assertEquals(await tell("profiles", "bcast -p"), "a b\nc\n");
  for (
    const line of [
      "bcast -p nobody connect --room",
      "bcast connect nobody.invalid --room",
      "bcast connect --config /nowhere --room",
      "bcast nonsense a b c",
    ]
  ) {
    assertEquals(await tell("rooms", line), "", line);
  }
});

Deno.test("bcast complete-names passes on no name that is none, and waits for no slow hub", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      Response.json({
        online: 3,
        people: ["a/b", "good", "\x1b[2J", "x\ny"].map((name) => ({ name, rooms: [] })),
      }),
  );
  const env = { BCAST_PATIENCE: "20000", BCAST_URL: `ws://127.0.0.1:${web.addr.port}/` };
  const context = memoryContext({ env });
  await main(["complete-names", "people", "--line=bcast tell --to"], context);
  assertEquals(context.stdout.text, "good\n");
  // Takes connections and never answers.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const late = memoryContext({
    env: { BCAST_URL: `ws://127.0.0.1:${silent.addr.port}/`, BCAST_PATIENCE: "50" },
  });
  assertEquals(await main(["complete-names", "people", "--line=bcast tell --to"], late), 0);
  assertEquals([late.stdout.text, late.stderr.text], ["", ""]);
});

Deno.test("bcast completions names the shells it knows", async () => {
  for (const args of [["completions"], ["completions", "tcsh"], ["completions", "__proto__"]]) {
    const context = memoryContext();
    assertEquals(await main(args, context), 2);
    assertEquals(context.stderr.text, "Name your shell: bcast completions bash|zsh|fish\n");
  }
  const context = memoryContext();
  assertEquals(await main(["completions", "bash"], context), 0);
  for (const { name, hidden } of COMMANDS) {
    const word = shellQuote(name);
    if (hidden !== true) assertStringIncludes(context.stdout.text, `\n    ${word})\n`);
  }
});

Deno.test("shellWords() parts a line as a shell does, and expands nothing", () => {
  for (
    const [line, words] of [
      ["", []],
      ["  a  b\tc ", ["a", "b", "c"]],
      [`a 'b c' "d e"`, ["a", "b c", "d e"]],
      [`a\\ b 'it'\\''s' ""`, ["a b", "it's", ""]],
      [`"a\\"b\\n$x" '$x\\'`, [`a"b\\n$x`, "$x\\"]],
      ["$(x y) `z`", ["$(x", "y)", "`z`"]],
      [`--to "Al`, ["--to", "Al"]],
      ["a'b", ["ab"]],
      ["a\\", ["a"]],
    ] as const
  ) assertEquals(shellWords(line), words, line);
});

Deno.test("shellWord() quotes whatever a shell would not leave as it is", () => {
  assertEquals(["ws://hub:80/a", "a b", "$(x)", "it's", ""].map(shellWord), [
    ...["ws://hub:80/a", "'a b'", "'$(x)'", "'it'\\''s'", "''"],
  ]);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assertEquals(shellWords(`x ${shellWord(text)} y`), ["x", text, "y"]);
  }));
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { flagName, GLOBAL_FLAGS } from "../../cli/command_line.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { main } from "../../main.ts";
import { type Folder, temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { programCommand } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { Tmux, tmuxIsMissing } from "../kit/tmux.ts";

/** Names that a hub accepts and a shell must not interpret. */
const HOSTILE = [
  "Al Capone",
  "Al$(touch pwned)",
  "Al`touch pwned`",
  `Al"it's"`,
  "Al;touch pwned",
  "Al=x",
  "Al爱丽丝",
  "Al\\x!",
  "Al’;touch pwned",
].toSorted();

/** Whether a shell is not installed, with a warning. */
function isMissing(shell: string): boolean {
  try {
    return !new Deno.Command(shell, { args: ["-c", "exit 0"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a skipped test must be noticed
    console.warn(`SKIPPED: completion in ${shell}, because it is not installed`);
    return true;
  }
}

async function scriptFor(shell: string): Promise<string> {
  const context = memoryContext();
  assertEquals(await main(["completions", shell], context), 0);
  return context.stdout.text;
}

/** A folder with `bcast`, the scripts, a configuration file and a file to complete. */
async function shellFolder(): Promise<Folder> {
  const folder = await temporaryFolder();
  const at = (name: string): string => `${folder.path}/${name}`;
  const command = programCommand().map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(at("bcast"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  for (const shell of ["bash", "zsh", "fish"]) {
    await Deno.writeTextFile(at(`script.${shell}`), await scriptFor(shell));
  }
  await Deno.writeTextFile(at("config.json"), `{"profiles": {"work": {}, "$(touch pwned)": {}}}`);
  await Deno.writeTextFile(at("unique-file.pem"), "");
  await Deno.mkdir(at("unique-dir"));
  return folder;
}

/** The environment of a shell that finds the program, and through it the hub. */
function environment(folder: Folder, url: string): Record<string, string> {
  return {
    PATH: `${folder.path}:${Deno.env.get("PATH")}`,
    BCAST_URL: url,
    BCAST_CONFIG: `${folder.path}/config.json`,
    XDG_DATA_HOME: `${folder.path}/data`,
    LC_ALL: "C.UTF-8",
    // The machine may be busy.
    BCAST_PATIENCE: "20000",
  };
}

/** The output of a shell script, by line. */
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

/** A hub with users in two rooms whose names a shell might interpret. */
async function hubWithUsers(): Promise<AsyncDisposable & { readonly url: string }> {
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

async function names(folder: Folder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
}

/** Runs `bcast __complete`; returns the candidates without descriptions, and the directive. */
async function complete(
  words: readonly string[],
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<{ readonly values: readonly string[]; readonly directive: string | undefined }> {
  const context = memoryContext({ env: { BCAST_PATIENCE: "20000", ...env } });
  assertEquals(await main(["__complete", ...flags, "--", ...words], context), 0);
  assertEquals(context.stderr.text, "");
  assert(context.stdout.text.endsWith("\n"));
  const lines = context.stdout.text.slice(0, -1).split("\n");
  return {
    values: lines.slice(0, -1).map((line) => line.split("\t")[0] ?? ""),
    directive: lines.at(-1),
  };
}

async function valuesOf(line: string, env?: Record<string, string>): Promise<readonly string[]> {
  const { values, directive } = await complete(line.split(" "), env);
  assertEquals(directive, ":none", line);
  return values;
}

for (
  const [name, { flags }] of COMMANDS.filter(({ hidden }) => !hidden).flatMap((command) => [
    [command.name, command] as const,
    ...Object.values(command.commands ?? {}).map((member) => [member.name, member] as const),
  ])
) {
  Deno.test(`__complete offers the flags of bcast ${name}`, async () => {
    const own = Object.keys(flags);
    const expected = own.length === 0 ? [] : [...own, ...Object.keys(GLOBAL_FLAGS)];
    assertEquals(
      (await valuesOf(`${name} --`)).toSorted(),
      [...expected.map(flagName), "--help"].toSorted(),
    );
  });
}

for (
  const [line, expected] of [
    ["st", ["start", "status"]],
    ["-p work st", ["start", "status"]],
    ["--config=x hi", ["history"]],
    ["--ver", ["--version"]],
    ["-", ["--profile", "-p", "--config", "--help", "--version"]],
    ["token ", ["mint", "inspect", "secret"]],
    ["token mi", ["mint"]],
    ["token --help mint --exp", ["--expires"]],
    ["config pr", ["print"]],
    ["config print sta", ["start", "status"]],
    ["config print start -- --max-rooms", ["--max-rooms", "--max-rooms-total"]],
    ["start --fsync ", ["normal", "always"]],
    ["start --fsync a", ["always"]],
    ["start --fsync=a", ["--fsync=always"]],
    ["start --log-level w", ["warning"]],
    ["start --log-format=", ["--log-format=text", "--log-format=json"]],
    ["connect --bell ", ["never", "mention", "all", "always"]],
    ["help sta", ["start", "status"]],
    ["completions ", ["bash", "zsh", "fish", "powershell"]],
    ["token mint --rooms lobby=r", ["lobby=read", "lobby=read-write"]],
    ["token mint --rooms=a=read,b=n", ["--rooms=a=read,b=none"]],
    // Nothing to offer: text, numbers, unknown flags and commands, and the user's own name.
    ["send hel", []],
    ["start --port ", []],
    ["start --nonsense=", []],
    ["start --memory=", []],
    ["start --room ", []],
    ["start --allowed-host ", []],
    ["connect --name ", []],
    ["send -- --ro", []],
    ["nonsense ", []],
    ["token nonsense --", []],
    ["constructor ", []],
    ["token constructor ", []],
    ["__comp", []],
  ] as const
) {
  Deno.test(`__complete of "${line}" offers ${expected.join(", ") || "nothing"}`, async () => {
    assertEquals(await valuesOf(line), expected);
  });
}

for (
  const [line, directive] of [
    ["start --tls-cert ", ":files"],
    ["start --tls-cert=/etc/s", ":files"],
    ["start --data ", ":dirs"],
    ["start --data=/v", ":dirs"],
    ["backup ", ":files"],
    ["-p x --config ", ":files"],
    ["exec --room a -- ./w", ":files"],
  ] as const
) {
  Deno.test(`__complete of "${line}" leaves it to the shell: ${directive}`, async () => {
    assertEquals(await complete(line.split(" ")), { values: [], directive });
  });
}

Deno.test("__complete describes commands and flags, with a tab before each description", async () => {
  const context = memoryContext();
  assertEquals(await main(["__complete", "--", "versi"], context), 0);
  assertEquals(context.stdout.text, "version\tShow the version\n:none\n");
});

Deno.test("__complete offers the rooms and users of the hub that the line names", async () => {
  await using hub = await hubWithUsers();
  await using folder = await temporaryFolder();
  const file = `${folder.path}/config.json`;
  await Deno.writeTextFile(file, `{"profiles": {"a b": {"url": "${hub.url}"}, "c": {}}}`);
  const env = { BCAST_CONFIG: file };
  const address = hub.url.replace("ws://", "");
  for (
    const words of [
      ["connect", "--url", hub.url, "--room", ""],
      ["connect", `--url=${hub.url}`, "--room", ""],
      ["connect", address, "--room", ""],
      ["-p", "a b", "connect", "--room", ""],
      ["connect", "-p", "a b", "--name", "A/", "--room", ""],
      // Flags of another version are skipped.
      ["history", "--nonsense", "--more=1", `--url=${hub.url}`, "--room", ""],
      ["close-room", "--url", hub.url, ""],
    ]
  ) assertEquals((await complete(words, env)).values, ["lobby", "team"], words.join(" "));
  assertEquals((await complete(["connect", address, "--room=t"], env)).values, ["--room=team"]);
  assertEquals((await complete(["connect", address, "--room", "lobby,t"], env)).values, [
    "lobby,team",
  ]);
  assertEquals((await complete(["send", "--url", hub.url, "--to", "Al"], env)).values, HOSTILE);
  assertEquals((await complete(["ban", "--url", hub.url, "Al C"], env)).values, ["Al Capone"]);
  const quoted = ["send", "-p", "'a b'", "--to", "Al\\ C"];
  assertEquals((await complete(quoted, env, ["--quoted"])).values, ["Al Capone"]);
  const next = ["send", "-p", "a b", "--room"];
  assertEquals((await complete(next, env, ["--new-word"])).values, ["lobby", "team"]);
  assertEquals((await complete(["-p", ""], env)).values, ["a b", "c"]);
});

Deno.test("__complete prints no candidates and no errors when anything fails", async () => {
  for (
    const line of [
      "-p nobody connect --room ",
      "connect nobody.invalid --room ",
      "connect --config /nowhere --room ",
      "connect --token-file /nowhere --room ",
      "connect a --url b --room ",
    ]
  ) assertEquals(await valuesOf(line, { HOME: "/nowhere" }), [], line);
});

Deno.test("__complete ignores invalid names, and does not wait for a slow hub", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      Response.json({
        online: 3,
        members: ["a/b", "good", "\x1b[2J", "x\ny", "x\ty"].map((name) => ({ name, rooms: [] })),
      }),
  );
  const env = { BCAST_URL: `ws://127.0.0.1:${web.addr.port}/` };
  assertEquals(await valuesOf("send --to ", env), ["good"]);
  // Accepts connections and never answers.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const late = { BCAST_URL: `ws://127.0.0.1:${silent.addr.port}/`, BCAST_PATIENCE: "50" };
  assertEquals(await valuesOf("send --to ", late), []);
});

// Prints one line for each line to complete: the candidates of bash, in brackets.
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
  name: "bash completes commands, flags, values and names, and runs no part of a name",
  ignore: isMissing("bash"),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithUsers();
    const lines = await linesOf(
      "bash",
      `${BASH_TRY}
      try "bcast st" bcast st
      try "bcast -p work st" bcast -p work st
      try "bcast --config=x hi" bcast --config = x hi
      try "bcast token mi" bcast token mi
      try "bcast start --fsync " bcast start --fsync ""
      try "bcast start --fsync=a" bcast start --fsync = a
      try "bcast history --room te" bcast history --room te
      try "bcast history --room=" bcast history --room =
      try "bcast history --url ws://nobody.invalid:1/ --room " bcast history --url ws : //nobody.invalid : 1/ --room ""
      try "bcast -p w" bcast -p w
      try 'bcast -p \\$' bcast -p '\\$'
      try "bcast send --to Al" bcast send --to Al
      try 'bcast send --to "Al' bcast send --to '"Al'
      try "bcast send --to=Al=" bcast send --to = Al =
      try 'bcast send --to Al\\ C' bcast send --to 'Al\\ C'
      COMP_LINE="bcast history --quit" COMP_POINT=18 COMP_WORDS=(bcast history --quit) COMP_CWORD=2 COMPREPLY=()
      _bcast bcast; printf '<%s>' "\${COMPREPLY[@]}"; echo
      COMP_LINE="bcast send --to Al" COMP_POINT=18 COMP_WORDS=(bcast send --to Al) COMP_CWORD=3 COMPREPLY=()
      _bcast bcast; eval "set -- \${COMPREPLY[*]}"; printf '<%s>' "$@"; echo`,
      folder,
      hub.url,
    );
    assertEquals(lines.slice(0, 11), [
      "<start><status>",
      "<start><status>",
      "<history>",
      "<mint>",
      "<normal><always>",
      "<always>",
      "<team>",
      "<lobby><team>",
      "<>",
      "<work>",
      "<\\$\\(touch\\ pwned\\)>",
    ]);
    assertEquals(lines[11]?.split("><").length, HOSTILE.length, lines[11]);
    assert(!/[^\\][$`;"']/.test(lines[11]?.replaceAll(/\$'[^']*'/g, "") ?? ""), lines[11]);
    // Nothing makes the others harmless within double quotes.
    assertEquals(
      lines[12],
      "<Al Capone><Al;touch pwned><Al=x><Al’;touch pwned><Al爱丽丝>",
    );
    assertEquals(lines.slice(13, 16), ["<x>", "<Al\\ Capone>", "<--query>"]);
    // As the shell reads the candidates.
    assertEquals(lines[16], HOSTILE.map((name) => `<${name}>`).join(""));
    assert(!(await names(folder)).includes("pwned"));
  },
});

/** Types at a prompt, presses `keys` and Tab, waits for the result, and clears the line. */
function completer(terminal: Tmux) {
  return async (typed: string, shown: RegExp, ...keys: string[]): Promise<void> => {
    await terminal.type(typed);
    await terminal.press(...keys, "Tab");
    await terminal.shows(shown);
    // Keys of the line editor: a signal would discard what is typed next.
    await terminal.press("C-e", "C-u", "C-l");
    await terminal.shows(/^READY$/);
  };
}

Deno.test({
  name: "bash completes at a prompt: in a word, after =, and names of files",
  ignore: isMissing("bash") || tmuxIsMissing(),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithUsers();
    const env = environment(folder, hub.url);
    await using terminal = await Tmux.open({ columns: 100, rows: 30, env });
    await terminal.type(`cd ${folder.path}; PATH=$PWD:$PATH exec bash --norc`);
    await terminal.press("Enter");
    await terminal.type("PS1='READY '; source ./script.bash");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    await terminal.clear();
    const completes = completer(terminal);
    await completes("bcast his", /^READY bcast history$/m);
    await completes("bcast start --fsync=al", /^READY bcast start --fsync=always$/m);
    await completes("bcast history --room=te", /^READY bcast history --room=team$/m);
    await completes("bcast send --to 'Al C", /^READY bcast send --to 'Al Capone'$/m);
    await completes(
      "bcast send --to Al\\$",
      /^READY bcast send --to Al\\\$\\\(touch\\ pwned\\\)$/m,
    );
    await completes("bcast start --tls-cert unique-f", /--tls-cert unique-file\.pem$/m);
    await completes("bcast start --data=unique-d", /--data=unique-dir\/$/m);
    await completes(
      "bcast histo --room lobby",
      /^READY bcast history\s+--room lobby$/m,
      ..."x".repeat(13).split("").map(() => "Left"),
    );
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test({
  name: "fish completes commands, flags, values and names, and runs no part of a name",
  ignore: isMissing("fish"),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithUsers();
    const lines = await linesOf(
      "fish",
      `source ./script.fish
      for line in "bcast st" "bcast -p work st" "bcast history --qu" "bcast start --fsync " \\
          "bcast token mi" "bcast history --room te" "bcast history --room=te" \\
          "bcast start --tls-cert unique-f" "bcast start --tls-cert=unique-f" \\
          "bcast start --data=unique-d" "bcast send --to Al\\\\ C" "bcast send --to 'Al C" \\
          "bcast send --to Al"
        set -l offers (complete -C "$line" | string replace -r '\\t.*' '')
        printf '<%s>' $offers; echo
      end`,
      folder,
      hub.url,
    );
    const sorted = (line = ""): string[] => line.slice(1, -1).split("><").toSorted();
    assertEquals(lines.slice(0, 12).map(sorted), [
      ["start", "status"],
      ["start", "status"],
      ["--query"],
      ["always", "normal"],
      ["mint"],
      ["team"],
      ["--room=team"],
      ["unique-file.pem"],
      ["--tls-cert=unique-file.pem"],
      ["--data=unique-dir/"],
      ["Al Capone"],
      ["Al Capone"],
    ]);
    assertEquals(sorted(lines[12]), HOSTILE);
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test({
  name: "fish quotes names at a prompt",
  ignore: isMissing("fish") || tmuxIsMissing(),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithUsers();
    const env = { ...environment(folder, hub.url), HOME: folder.path };
    await using terminal = await Tmux.open({ columns: 100, rows: 30, env });
    await terminal.type(`cd ${folder.path}; PATH=$PWD:$PATH exec fish --no-config --private`);
    await terminal.press("Enter");
    await terminal.type("function fish_prompt; echo 'READY '; end; source ./script.fish; clear");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    const completes = async (typed: string, shown: RegExp): Promise<void> => {
      await terminal.type(typed);
      await terminal.press("Tab");
      await terminal.shows(shown);
      await terminal.press("C-u", "C-l");
      await terminal.shows(/^READY$/);
    };
    await completes("bcast his", /^READY bcast history$/m);
    await completes("bcast send --to Al\\ C", /^READY bcast send --to Al\\ Capone$/m);
    await completes(
      "bcast send --to Al\\$",
      /^READY bcast send --to Al\\\$\\\(touch\\ pwned\\\)$/m,
    );
    await completes("bcast send --to=Al\\;t", /^READY bcast send --to=Al\\;touch\\ pwned$/m);
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test({
  name: "zsh completes commands, flags, values and names, and runs no part of a name",
  ignore: isMissing("zsh") || tmuxIsMissing(),
  fn: async () => {
    await using folder = await shellFolder();
    await using hub = await hubWithUsers();
    // zsh completes in its line editor only, which needs a terminal.
    const env = environment(folder, hub.url);
    await using terminal = await Tmux.open({ columns: 100, rows: 30, env });
    // tmux changes PATH.
    await terminal.type(`cd ${folder.path}; PATH=$PWD:$PATH exec zsh -f`);
    await terminal.press("Enter");
    await terminal.type("PS1='READY '; autoload -Uz compinit; compinit -u -D; source ./script.zsh");
    await terminal.press("Enter");
    await terminal.shows(/^READY$/m);
    await terminal.clear();
    const completes = completer(terminal);
    await completes("bcast his", /^READY bcast history$/m);
    await completes("bcast -p work sta", /^start +-- Run a hub\s+status +-- Show the/m);
    await completes("bcast history --qu", /^READY bcast history --query$/m);
    await completes("bcast start --fsync=al", /^READY bcast start --fsync=always$/m);
    await completes("bcast history --room te", /^READY bcast history --room team$/m);
    await completes("bcast history --room=te", /^READY bcast history --room=team$/m);
    await completes("bcast send --to Al\\ C", /^READY bcast send --to Al\\ Capone$/m);
    await completes("bcast send --to 'Al C", /^READY bcast send --to 'Al Capone'$/m);
    await completes("bcast send --to Al\\$", /--to Al\\\$\\\(touch\\ pwned\\\)$/m);
    await completes("bcast token mint --exp", /^READY bcast token mint --expires$/m);
    await completes("bcast config pr", /^READY bcast config print$/m);
    await completes("bcast start --tls-cert unique-f", /--tls-cert unique-file\.pem$/m);
    await completes("bcast start --data=unique-d", /--data=unique-dir\/$/m);
    assert(!(await names(folder)).includes("pwned"));
  },
});

Deno.test("the PowerShell script asks bcast, and quotes names with PowerShell's own function", async () => {
  const script = await scriptFor("powershell");
  assertStringIncludes(script, "Register-ArgumentCompleter -Native -CommandName bcast");
  assertStringIncludes(script, "'__complete'");
  assertStringIncludes(script, "'--new-word'");
  // Unlike doubling ', it knows that PowerShell also takes ’ as a quote.
  assertStringIncludes(script, "EscapeSingleQuotedStringContent($value)");
  assert(!/Invoke-Expression|\biex\b/.test(script));
});

Deno.test("every completion script is static and at most 40 lines", async () => {
  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    const script = await scriptFor(shell);
    assert(script.trimEnd().split("\n").length <= 40, shell);
    assert(!script.includes("--room"), shell);
  }
});

Deno.test("bcast completions names the shells it knows", async () => {
  for (const args of [["completions"], ["completions", "tcsh"], ["completions", "__proto__"]]) {
    const context = memoryContext();
    assertEquals(await main(args, context), 2);
    assertEquals(
      context.stderr.text,
      "Name your shell: bcast completions bash|zsh|fish|powershell\n",
    );
  }
});

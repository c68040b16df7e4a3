import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandHelp } from "../../cli/help.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { main } from "../../main.ts";
import { type Folder, temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `bcast config …`, with `text` in the user's configuration file if given. */
async function config(
  folder: Folder,
  text: string | undefined,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  await Deno.mkdir(`${folder.path}/bcast`, { recursive: true });
  if (text !== undefined) await Deno.writeTextFile(pathIn(folder), text, { mode: 0o600 });
  const context = memoryContext({ env: { XDG_CONFIG_HOME: folder.path, ...env } });
  const code = await main(args, context);
  return { code, out: context.stdout.text, err: context.stderr.text };
}

function pathIn(folder: Folder): string {
  return `${folder.path}/bcast/config.json`;
}

const SECRET = "s3cret-that-nobody-may-see";

const GOOD = `{
  "profile": "work",
  "profiles": {
    "work": {
      "url": "wss://alice:${SECRET}@chat.example/?token=${SECRET}",
      "token": "${SECRET}",
      "room": ["ops", "lobby"]
    },
    "home": { "name": "Alice" }
  },
  "start": {
    "max-rooms": 7,
    "token": "${SECRET}",
    "token-file": "tokens.txt"
  }
}`;

/** The cells of a table by its columns; no value in these tests contains two spaces. */
function rows(text: string): readonly (readonly string[])[] {
  return text.trimEnd().split("\n").slice(1).map((line) => line.split(/ {2,}/));
}

Deno.test("`bcast config check` lists all errors of a file in order, and exits with 1", async () => {
  await using folder = await temporaryFolder();
  const { code, out, err } = await config(
    folder,
    `{
  "profile": "wrok",
  "profiles": {
    "work": { "url": "ws://x/", "token": ["${SECRET}"], "json": true }
  }
  "start": { "prot": 1, "port": "x", "port": 5 },
  "status": 5,
  "who": {room: "a"}
}`,
    ["config", "check"],
  );
  assertEquals([code, err], [1, ""]);
  assertEquals(out.replaceAll(`${pathIn(folder)}:`, "").trimEnd().split("\n"), [
    `2:14: There is no profile "wrok". Did you mean "work"?`,
    `4:42: "token" of "work" must be text`,
    `4:74: unknown key "json" in "work". Valid keys: url, host, port, name, room, token`,
    `6:3: expected a comma`,
    `6:14: unknown key "prot" in "start". Did you mean "port"?`,
    `6:33: "port" of "start" must be a whole number from 0 to 65535; it is "x"`,
    `6:46: "port" is a duplicate`,
    `7:13: "status" must be an object, such as {"key": "value"}`,
    `8:11: invalid JSON value: strings need quotes`,
  ]);
});

Deno.test("`bcast config check` reports valid and missing files", async () => {
  await using folder = await temporaryFolder();
  const path = pathIn(folder);
  assertEquals(await config(folder, undefined, ["config", "check"]), {
    code: 0,
    out: `There is no configuration file ${path}; none is needed\n`,
    err: "",
  });
  assertEquals(await config(folder, GOOD, ["config", "check"]), {
    code: 0,
    out: `${path} is valid: 2 profiles, 1 command\n`,
    err: "",
  });
  const other = `${folder.path}/other.json`;
  await Deno.writeTextFile(other, "{}");
  for (
    const [args, env] of [
      [["config", "check", other], { BCAST_CONFIG: path }],
      [["--config", other, "config", "check"], { BCAST_CONFIG: path }],
      [["config", "check"], { BCAST_CONFIG: other }],
    ] as const
  ) {
    const { out } = await config(folder, undefined, args, env);
    assertEquals(out, `${other} is valid: 0 profiles, 0 commands\n`);
  }
  assertEquals(await config(folder, undefined, ["config", "check", "/nowhere/x.json"]), {
    code: 2,
    out: "",
    err:
      "Cannot read the configuration file /nowhere/x.json: it does not exist. Check --config, or create the file\n",
  });
});

Deno.test({
  name: "`bcast config check` warns of a token that others can read, even in an invalid file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    await config(folder, `{"bench": {"token": "t"}, "x": 1}`, ["config", "check"]);
    await Deno.chmod(pathIn(folder), 0o644);
    const { code, err } = await config(folder, undefined, ["config", "check"]);
    assertEquals(code, 1);
    const path = pathIn(folder);
    assertEquals(
      err,
      `Warning: ${path} holds a token and is readable by others. Run: chmod 600 ${path}\n`,
    );
  },
});

Deno.test("`bcast config print` lists each setting with its command and origin", async () => {
  await using folder = await temporaryFolder();
  const { code, out } = await config(folder, GOOD, ["config", "print"], {
    BCAST_NAME: "al",
    BCAST_TOKEN: SECRET,
  });
  assertEquals(code, 0);
  const path = pathIn(folder);
  const told = rows(out);
  assertEquals(told.filter(([command]) => command === "start").toSorted(), [
    ["start", "max-rooms", "7", `${path}:12`],
    ["start", "token", "***", "BCAST_TOKEN"],
    ["start", "token-file", "tokens.txt", `${path}:14`],
  ]);
  assertEquals(told.filter(([command]) => command === "connect").toSorted(), [
    ["connect", "name", "al", "BCAST_NAME"],
    ["connect", "room", "ops,lobby", `profile work, ${path}:7`],
    ["connect", "token", "***", "BCAST_TOKEN"],
    ["connect", "url", "wss://alice:***@chat.example/?token=***", `profile work, ${path}:5`],
  ]);
  assertEquals(told.find(([command, key]) => command === "who" && key === "room")?.[2], "ops");
  const home = await config(folder, undefined, ["config", "print", "-p", "home"]);
  assert(
    rows(home.out).some(([command, key, value]) =>
      command === "send" && key === "name" && value === "Alice"
    ),
  );
  assert(!home.out.includes("work"));
});

Deno.test("`bcast config print` without settings says so", async () => {
  await using folder = await temporaryFolder();
  assertEquals(await config(folder, undefined, ["config", "print"]), {
    code: 0,
    out: "",
    err: "Nothing is set: all commands use their defaults\n",
  });
});

for (const { name, flags } of COMMANDS.filter((command) => Object.keys(command.flags).length > 0)) {
  Deno.test(`\`bcast config print ${name}\` lists all its flags`, async () => {
    await using folder = await temporaryFolder();
    const { code, out } = await config(folder, undefined, ["config", "print", name, "--json"]);
    assertEquals(code, 0);
    const told = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(
      told.map(({ value }) => value),
      Object.values(flags).map(({ fallback }) => fallback ?? null),
    );
    assert(
      told.every((row) =>
        row.command === name && row.source === "default" && row.origin === "default"
      ),
    );
    // Tokens must not be printed.
    for (const [key, { placeholder, secret }] of Object.entries(flags)) {
      assertEquals(secret === true, placeholder === "TOKEN" || key === "token", key);
    }
  });
}

Deno.test("`bcast config print COMMAND -- FLAGS` gives flags precedence, like the command", async () => {
  await using folder = await temporaryFolder();
  const args = ["config", "print", "start", "--json", "--", "--max-rooms", "5", "--token=abc"];
  const { out } = await config(folder, GOOD, args, { BCAST_MAX_ROOMS: "6", BCAST_PORT: "9" });
  const told = new Map(
    out.trimEnd().split("\n").map((line) => [JSON.parse(line).setting, JSON.parse(line)]),
  );
  const of = { command: "start" };
  assertEquals(told.get("max-rooms"), {
    ...of,
    setting: "max-rooms",
    value: 5,
    source: "flag",
    origin: "--max-rooms",
  });
  assertEquals(told.get("port"), {
    ...of,
    setting: "port",
    value: 9,
    source: "env",
    origin: "BCAST_PORT",
  });
  assertEquals(told.get("token").value, "***");
  for (
    const [rest, message] of [
      [["start", "--", "--max-room", "5"], "Unknown flag --max-room. Did you mean --max-rooms?"],
      [["--", "--port", "5"], "No command given for these flags. Name it: bcast config print"],
      [["strat"], `Unknown command "strat". Did you mean start?`],
      [["start", "-p", "home"], "A profile names a hub, but bcast start does not connect to one"],
      [["-p", "hoem"], `There is no profile "hoem" in ${pathIn(folder)}. Did you mean "home"?`],
    ] as const
  ) {
    const { code, err } = await config(folder, undefined, ["config", "print", ...rest]);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
  }
});

Deno.test("`bcast config print` reports an invalid variable, and exits with 1", async () => {
  await using folder = await temporaryFolder();
  const env = { BCAST_PORT: "0" };
  const { code, out } = await config(folder, undefined, ["config", "print"], env);
  assertEquals(code, 1);
  const told = rows(out);
  assertEquals(told.find(([command]) => command === "start"), ["start", "port", "0", "BCAST_PORT"]);
  assertEquals(told.find(([command]) => command === "who"), [
    "who",
    "port",
    "0",
    `BCAST_PORT must be a whole number from 1 to 65535; it is "0"`,
  ]);
});

Deno.test("no invalid setting reveals a secret", async () => {
  await using folder = await temporaryFolder();
  for (
    const text of [
      `{"connect": {"token": ["${SECRET}"]}}`,
      `{"profiles": {"a": {"token": {"a": "${SECRET}"}}}}`,
      `{"start": {"token": true}, "bench": {"token": ["${SECRET}"]}}`,
    ]
  ) {
    for (const args of [["config", "check"], ["config", "print"], ["who"]]) {
      const { code, out, err } = await config(folder, text, args);
      assert(code !== 0);
      assert(!(out + err).includes(SECRET), out + err);
      assertStringIncludes(out + err, "must be text");
    }
  }
});

Deno.test("the help of bcast config fits 80 columns", () => {
  const group = COMMANDS.find(({ name }) => name === "config");
  const members = Object.values(group?.commands ?? {});
  assertEquals(members.length, 2);
  for (const command of members) {
    for (const line of commandHelp(command).split("\n")) assert(line.length <= 80, line);
  }
});

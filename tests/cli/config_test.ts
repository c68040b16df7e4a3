import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ADDRESS_FLAGS, hubAddress } from "../../commands/client/address.ts";
import { type AnyCommand, defineCommand } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { envLayer, envName, flagName, resolveFlags } from "../../cli/command_line.ts";
import * as flag from "../../cli/flags.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { main } from "../../main.ts";
import { type Folder, temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** What a command got for its flags. */
interface Got {
  readonly values: Readonly<Record<string, unknown>>;
  readonly sources: Readonly<Record<string, string>>;
  readonly address: string | undefined;
  readonly warnings: string;
}

const CLIENT = {
  ...ADDRESS_FLAGS,
  room: flag.list({
    fallback: [],
    expects: "a room",
    accepts: (r) => /^[a-z]+$/.test(r),
    help: "",
  }),
  name: flag.text({ help: "" }),
  token: flag.text({ help: "", secret: true }),
  json: flag.toggle({ help: "" }),
  maxBytes: flag.bytes({ fallback: 1024, help: "" }),
  where: flag.text({ help: "", localOnly: true }),
};
const SERVER = {
  port: flag.integer({ fallback: 8765, max: 65_535, help: "" }),
  memory: flag.toggle({ help: "" }),
};
const SINGLE = { ...ADDRESS_FLAGS, room: flag.text({ help: "" }) };

/** Runs a command line of three made-up commands with a configuration file. */
async function run(
  folder: Folder,
  config: string | undefined,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Got> {
  const path = `${folder.path}/bcast/config.json`;
  await Deno.mkdir(`${folder.path}/bcast`, { recursive: true });
  if (config !== undefined) await Deno.writeTextFile(path, config, { mode: 0o600 });
  const context = memoryContext({ env: { XDG_CONFIG_HOME: folder.path, ...env } });
  let got: Got | undefined;
  const define = <F extends flag.Flags>(name: string, flags: F): AnyCommand =>
    defineCommand({
      name,
      flags,
      summary: "",
      description: "",
      positional: { placeholder: "URL", help: "" },
      examples: [],
      run: (input) => {
        const { flags: values, source, positional } = input;
        const sources = Object.fromEntries(Object.keys(flags).map((key) => [key, source(key)]));
        const address = "url" in values
          ? hubAddress({
            flags: values as unknown as flag.FlagValues<typeof ADDRESS_FLAGS>,
            positional,
            source,
          }).href
          : undefined;
        got = { values, sources, address, warnings: context.stderr.text };
        return Promise.resolve(0);
      },
    });
  const all = [define("talk", CLIENT), define("serve", SERVER), define("read", SINGLE)];
  const [name, ...rest] = args;
  await all.find((command) => command.name === name)?.execute(rest, context, [{
    title: "",
    commands: all,
  }]);
  assert(got !== undefined);
  return got;
}

const CONFIG = `{
  // Comments are welcome, and so are commas at the end.
  "profile": "home",
  "profiles": {
    "home": { "url": "ws://home:1/", "name": "Alice" },
    "work": { "host": "work", "port": 99, "room": ["ops", "dev"], "token": 12345678901234567890, },
  },
  /* a part for each command */
  "talk": { "room": "lobby", "json": true, "max-bytes": "4K", "where": "here", "port": 5 },
  "serve": { "port": 9000, "memory": true },
}`;

Deno.test("a configuration file counts below flags, environment and profile", async () => {
  await using folder = await temporaryFolder();
  const { values, sources, address } = await run(folder, CONFIG, ["talk"]);
  assertEquals(values["room"], ["lobby"]);
  assertEquals([values["name"], values["maxBytes"], values["json"]], ["Alice", 4096, true]);
  const { name, room, url, host } = sources;
  assertEquals({ name, room, url, host }, {
    name: "profile",
    room: "config",
    url: "profile",
    host: "default",
  });
  assertEquals(address, "ws://home:1/");
  const louder = await run(folder, CONFIG, ["talk", "--max-bytes", "1K", "-p", "work"], {
    BCAST_ROOM: "env",
    BCAST_NAME: "Env",
    BCAST_PROFILE: "home",
    BCAST_WHERE: "there",
  });
  assertEquals(louder.values["maxBytes"], 1024);
  assertEquals([louder.values["room"], louder.values["name"]], [["env"], "Env"]);
  assertEquals(louder.values["token"], "12345678901234567890");
  // What is a command's own, the environment does not say.
  assertEquals([louder.values["where"], louder.sources["where"]], ["here", "config"]);
  assertEquals(louder.address, "ws://work:99/");
});

for (
  const [what, args, env, address] of [
    [
      "the argument, without the profile's port",
      ["talk", "other", "-p", "work"],
      {},
      "ws://other:8765/",
    ],
    ["--host over the profile's url", ["talk", "--host", "other"], {}, "ws://other:8765/"],
    ["BCAST_HOST over the profile's url", ["talk"], { BCAST_HOST: "other" }, "ws://other:8765/"],
    [
      "BCAST_URL over the profile's host",
      ["talk", "-p=work"],
      { BCAST_URL: "ws://other/" },
      "ws://other/",
    ],
    ["the profile of BCAST_PROFILE", ["talk"], { BCAST_PROFILE: "work" }, "ws://work:99/"],
    ["--port over the profile's", ["talk", "-p", "work", "--port", "7"], {}, "ws://work:7/"],
    ["BCAST_PORT with an argument", ["talk", "other"], { BCAST_PORT: "7" }, "ws://other:7/"],
  ] as const
) {
  Deno.test(`hubAddress() takes ${what}`, async () => {
    await using folder = await temporaryFolder();
    assertEquals((await run(folder, CONFIG, args, env)).address, address);
  });
}

Deno.test("a command that takes one room speaks in the first of a profile", async () => {
  await using folder = await temporaryFolder();
  const { values } = await run(folder, CONFIG, ["read", "-p", "work"]);
  assertEquals(values["room"], "ops");
});

Deno.test("`--profile` fails for a command that connects to no hub", async () => {
  await using folder = await temporaryFolder();
  const { values } = await run(folder, CONFIG, ["serve"], { BCAST_PROFILE: "work" });
  assertEquals(values, { port: 9000, memory: true });
  const error = await assertRejects(
    () => run(folder, CONFIG, ["serve", "--profile", "work"]),
    UsageError,
  );
  assertEquals(error.message, "A profile names a hub, but bcast serve does not connect to one");
});

Deno.test("without a file there are the defaults, and no profile", async () => {
  await using folder = await temporaryFolder();
  assertEquals((await run(folder, undefined, ["serve"])).values, { port: 8765, memory: false });
  for (const text of ["", " // nothing yet\n", "{}", "\uFEFF{}"]) {
    assertEquals((await run(folder, text, ["serve"])).values["port"], 8765);
  }
  await using empty = await temporaryFolder();
  const error = await assertRejects(() => run(empty, undefined, ["talk", "-p", "x"]), UsageError);
  assertEquals(
    error.message,
    `There is no profile "x": there is no configuration file ${empty.path}/bcast/config.json. Create that file, or leave out -p`,
  );
});

Deno.test("--config and BCAST_CONFIG name another file, which must be there", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/other.json`;
  await Deno.writeTextFile(file, `{"serve": {"port": 7}}`);
  assertEquals((await run(folder, CONFIG, ["serve", "--config", file])).values["port"], 7);
  const env = { BCAST_CONFIG: file };
  assertEquals((await run(folder, CONFIG, ["serve"], env)).values["port"], 7);
  for (
    const [path, why] of [
      [`${folder.path}/none.json`, "it does not exist. Check --config, or create the file"],
      [`${file}/none.json`, "it does not exist. Check --config, or create the file"],
      [folder.path, "it is a directory"],
    ] as const
  ) {
    const error = await assertRejects(
      () => run(folder, CONFIG, ["serve", "--config", path]),
      UsageError,
    );
    assertEquals(error.message, `Cannot read the configuration file ${path}: ${why}`);
  }
});

for (
  const [text, message] of [
    [`{"serve": {"prot": 1}}`, `1:12: unknown key "prot" in "serve". Did you mean "port"?`],
    [`{"serve": {"zzz": 1}}`, `1:12: unknown key "zzz" in "serve". Valid keys: port, memory`],
    [`{\n "sevre": {}}`, `2:2: unknown key "sevre" in the file. Did you mean "serve"?`],
    [
      `{"talk": {"maxBytes": 1}}`,
      `1:11: unknown key "maxBytes" in "talk". Did you mean "max-bytes"?`,
    ],
    [
      `{"serve": {\n\t"port": "x"}}`,
      `2:10: "port" of "serve" must be a whole number from 0 to 65535; it is "x"`,
    ],
    [
      `{"serve": {"port": 1.5}}`,
      `1:20: "port" of "serve" must be a whole number from 0 to 65535; it is 1.5`,
    ],
    [
      `{"serve": {"port": null}}`,
      `1:20: "port" of "serve" must be a whole number from 0 to 65535; it is null`,
    ],
    [
      `{"serve": {"memory": "yes"}}`,
      `1:22: "memory" of "serve" must be true or false; it is "yes"`,
    ],
    [`{"talk": {"name": ["a"]}}`, `1:19: "name" of "talk" must be text; it is ["a"]`],
    [`{"talk": {"room": ["a", 5]}}`, `1:19: "room" of "talk" must be a room; it is ["a", 5]`],
    [
      `{"talk": {"room": [ "é\u{1f600}", "B" ]}, "x": 1}`,
      `1:19: "room" of "talk" must be a room; it is [ "é\u{1f600}", "B" ]`,
    ],
    [
      `{"é\u{1f600}": {}}`,
      `1:2: unknown key "é\u{1f600}" in the file. Valid keys: profile, profiles, talk, serve, read`,
    ],
    [`{"serve": 5}`, `1:11: "serve" must be an object, such as {"key": "value"}`],
    [`[]`, `1:1: the file must be an object, such as {"key": "value"}`],
    [`{"serve": {}, "serve": {}}`, `1:24: "serve" is a duplicate`],
    [`{"serve": {"port": 1 "memory": true}}`, `1:22: expected a comma`],
    [`{"serve": {"port" 1}}`, `1:19: expected a colon`],
    [`{"serve": `, `1:11: expected a value`],
    [`{"serve": {port: 1}}`, `1:12: invalid JSON value: strings need quotes`],
    [
      `{"profile": "hoem", "profiles": {"home": {}}}`,
      `1:13: There is no profile "hoem". Did you mean "home"?`,
    ],
    [`{"profile": 5}`, `1:13: "profile" must be the name of a profile`],
    [
      `{"profiles": {"a": {"json": true}}}`,
      `1:21: unknown key "json" in "a". Valid keys: url, host, port, name, room, token`,
    ],
    [`{"profiles": {"a": 5}}`, `1:20: "a" must be an object, such as {"key": "value"}`],
    [`{"serve": {"\u001b[2J": 1}}`, `1:12: invalid character in a string: escape it`],
    [`{"\\u001b[2J": 1}`, `1:2: unknown key "␛[2J" in the file. Valid keys:`],
  ] as const
) {
  Deno.test(`loadConfig() points at what is wrong in ${JSON.stringify(text)}`, async () => {
    await using folder = await temporaryFolder();
    // Whatever the command at hand: a mistake is told before it does harm.
    const error = await assertRejects(() => run(folder, text, ["read"]), UsageError);
    const path = `${folder.path}/bcast/config.json:`;
    assert(error.message.startsWith(path + message), error.message);
  });
}

Deno.test({
  name: "a token that others may read is warned of",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/bcast/config.json`;
    assertEquals((await run(folder, CONFIG, ["talk"])).warnings, "");
    await Deno.chmod(path, 0o640);
    assertEquals(
      (await run(folder, undefined, ["talk"])).warnings,
      `Warning: ${path} holds a token and is readable by others. Run: chmod 600 ${path}\n`,
    );
    await Deno.writeTextFile(path, `{"talk": {"room": "a"}}`);
    assertEquals((await run(folder, undefined, ["talk"])).warnings, "");
  },
});

/** A text that a flag takes, and that is not its default. */
function sample({ kind, options, placeholder, fallback }: flag.AnyFlag): string {
  if (kind === "switch") return "true";
  if (options !== undefined) return options.find((option) => option !== fallback) ?? "";
  const samples: Readonly<Record<string, string>> = {
    ...{ TIME: "7m", BYTES: "128K", "N|all": "7" },
    ...{ ORIGIN: "https://seven.example", CIDR: "10.7.0.0/16", "SHA256:…": "7".repeat(64) },
  };
  if (/^(?:N|ID|PORT)$/.test(placeholder)) return "7";
  return samples[placeholder] ?? "sample7";
}

for (const { name, flags } of COMMANDS) {
  for (const [key, declared] of Object.entries(flags)) {
    Deno.test(`bcast ${name}: ${envName(key)} and the configuration file say ${flagName(key)}`, () => {
      const text = sample(declared);
      const layer = envLayer((variable) => variable === envName(key) ? text : undefined);
      const { values, rank } = resolveFlags({ [key]: declared }, [layer]);
      if (declared.localOnly) {
        assertEquals(rank(key), -1);
        return;
      }
      assertEquals(rank(key), 0);
      assert(JSON.stringify(values[key]) !== JSON.stringify(declared.fallback), text);
      // A name for a flag that is a name for all commands: nothing else may be called so.
      assert(!["profile", "config", "help"].includes(key));
    });
  }
}

Deno.test("-p, --profile and --config stand before the command or after it", async () => {
  await using folder = await temporaryFolder();
  await using hub = await startTestHub();
  const file = `${folder.path}/config.json`;
  await Deno.writeTextFile(file, JSON.stringify({ profiles: { here: { url: hub.url } } }));
  for (
    const args of [
      ["-p", "here", "--config", file, "status", "--json"],
      ["--profile=here", `--config=${file}`, "status", "--json"],
      ["status", "-p", "here", "--config", file, "--json"],
      ["-p", "none", "status", "-p", "here", "--config", file, "--json"],
    ]
  ) {
    const context = memoryContext();
    assertEquals(await main(args, context), 0, context.stderr.text);
    assertEquals(JSON.parse(context.stdout.text).name, "bcast");
  }
  for (
    const [args, message] of [
      [["-p"], "--profile needs a value: --profile PROFILE"],
      [["status", "-p"], "--profile needs a value: --profile PROFILE"],
      [
        ["-p", "hree", "status", "--config", file],
        `There is no profile "hree" in ${file}. Did you mean "here"?`,
      ],
    ] as const
  ) {
    const context = memoryContext();
    assertEquals([await main(args, context), context.stderr.text], [2, message + "\n"]);
  }
});

Deno.test("help works whatever is wrong with the configuration file", async () => {
  for (const args of [["help"], ["version"], ["start", "--help"], ["completions", "bash"]]) {
    const context = memoryContext({ env: { BCAST_CONFIG: "/nowhere/config.json" } });
    assertEquals(await main(args, context), 0);
    assertEquals(context.stderr.text, "");
  }
});

Deno.test("docs/config.md lists every key of a profile, and its example is valid", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/config.md", import.meta.url));
  const [, example = ""] = /```jsonc\n(.*?)```/s.exec(text) ?? [];
  await using folder = await temporaryFolder();
  const file = `${folder.path}/config.json`;
  await Deno.writeTextFile(file, example, { mode: 0o600 });
  // It is read and found right before anything is looked up.
  const context = memoryContext({ env: { BCAST_PROFILE: "home" } });
  await main(["status", "--config", file, "nobody.invalid"], context);
  assertMatch(context.stderr.text, /^The host of .* is unknown/);
  for (const key of ["url", "host", "port", "name", "room", "token"]) {
    assertStringIncludes(text, `\`${key}\``);
  }
});

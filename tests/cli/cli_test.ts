import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  banner,
  exposureWarnings,
  lanAddresses,
  listeningLine,
} from "../../commands/start/banner.ts";
import { CliError, stackOf, UsageError } from "../../cli/errors.ts";
import { explain } from "../../commands/explain_error.ts";
import { envLayer, parseCommandLine, resolveFlags } from "../../cli/command_line.ts";
import { isUnspecified } from "../../lib/net.ts";
import * as flag from "../../cli/flags.ts";
import { StreamOutput } from "../../cli/output.ts";
import { configDirectory, dataDirectory } from "../../cli/paths.ts";
import { programName } from "../../cli/shell.ts";
import { safeJson } from "../../protocol.ts";
import { ConnectError } from "../../client/types.ts";
import { main } from "../../main.ts";
import { memoryContext } from "../kit/memory_output.ts";

const FLAGS = {
  host: flag.text({ fallback: "localhost", help: "h" }),
  token: flag.text({ help: "t" }),
  port: flag.integer({ fallback: 8765, max: 65_535, help: "p" }),
  maxBytes: flag.bytes({ fallback: 65_536, min: 1024, help: "b" }),
  retention: flag.seconds({ fallback: 86_400, min: 1, help: "r" }),
  fsync: flag.choice(["normal", "always"], { fallback: "normal", help: "f" }),
  memory: flag.toggle({ help: "m" }),
  room: flag.list({
    fallback: ["lobby"],
    expects: "a room",
    accepts: (room) => /^[a-z]+$/.test(room),
    help: "r",
  }),
};

function read(args: readonly string[], env: Record<string, string> = {}): {
  readonly values: flag.FlagValues<typeof FLAGS>;
  readonly rank: (name: keyof typeof FLAGS) => number;
  readonly positionals: readonly string[];
} {
  const line = parseCommandLine(args, FLAGS);
  const { values, rank } = resolveFlags(FLAGS, [line, envLayer((name) => env[name])]);
  return { values, rank, positionals: line.positionals };
}

Deno.test("resolveFlags() returns the defaults when no layer has a value", () => {
  assertEquals(read([]).values, {
    host: "localhost",
    token: undefined,
    port: 8765,
    maxBytes: 65_536,
    retention: 86_400,
    fsync: "normal",
    memory: false,
    room: ["lobby"],
  });
});

for (
  const [args, name, expected] of [
    [["--host", "a"], "host", "a"],
    [["--host=a=b"], "host", "a=b"],
    [["--host=-x"], "host", "-x"],
    [["--host", "007"], "host", "007"],
    [["--port", "0"], "port", 0],
    [["--port", "65535"], "port", 65_535],
    [["--port", "1", "--port", "2"], "port", 2],
    [["--max-bytes", "2048"], "maxBytes", 2048],
    [["--max-bytes", "4K"], "maxBytes", 4096],
    [["--max-bytes", "1MiB"], "maxBytes", 1_048_576],
    [["--max-bytes", "2gb"], "maxBytes", 2_147_483_648],
    [["--retention", "90s"], "retention", 90],
    [["--retention", "15m"], "retention", 900],
    [["--retention", "12h"], "retention", 43_200],
    [["--retention", "30d"], "retention", 2_592_000],
    [["--retention", "2w"], "retention", 1_209_600],
    [["--fsync", "ALWAYS"], "fsync", "always"],
    [["--memory"], "memory", true],
    [["--memory=false"], "memory", false],
    [["--memory=off"], "memory", false],
    [["--memory", "--port", "1"], "memory", true],
    [["--room", "a", "--room", "b", "--room", "a"], "room", ["a", "b"]],
    [["--room", "a, b"], "room", ["a", "b"]],
  ] as const
) {
  Deno.test(`parseCommandLine() reads ${args.join(" ")}`, () => {
    assertEquals<unknown>(read(args).values[name], expected);
  });
}

for (
  const [args, message] of [
    [["--prot", "1"], "Unknown flag --prot. Did you mean --port?"],
    [["--max-byte=1"], "Unknown flag --max-byte. Did you mean --max-bytes?"],
    [["--zzzzzz"], "Unknown flag --zzzzzz. See --help"],
    [["-x"], "Unknown flag -x. See --help"],
    [["-port", "9000"], "Unknown flag -port. Did you mean --port?"],
    [["-port=9000"], "Unknown flag -port. Did you mean --port?"],
    [["-addr", ":9000"], "Unknown flag -addr. Did you mean --host?"],
    [["-HOST", "a"], "Unknown flag -HOST. Did you mean --host?"],
    [["--addr", "a"], "Unknown flag --addr. Did you mean --host?"],
    [["--constructor"], "Unknown flag --constructor. See --help"],
    [["--port"], "--port needs a value: --port N"],
    [["--port="], "--port needs a value: --port N"],
    [["--port", "-5"], "--port needs a value: --port N, or --port=-5"],
    [["--port", "x"], '--port must be a whole number from 0 to 65535; it is "x"'],
    [["--port", "1e3"], '--port must be a whole number from 0 to 65535; it is "1e3"'],
    [["--port=-5"], '--port must be a whole number from 0 to 65535; it is "-5"'],
    [["--port", "65536"], '--port must be a whole number from 0 to 65535; it is "65536"'],
    [
      ["--max-bytes", "1023"],
      '--max-bytes must be a number of bytes from 1024 up, such as 65536, 64K or 4M; it is "1023"',
    ],
    [
      ["--retention", "5"],
      '--retention must be a time from 1s to 36500d, such as 90s, 12h or 30d; it is "5"',
    ],
    [
      ["--retention", "1y"],
      '--retention must be a time from 1s to 36500d, such as 90s, 12h or 30d; it is "1y"',
    ],
    [["--fsync", "no"], '--fsync must be one of normal, always; it is "no"'],
    [["--memory=maybe"], '--memory must be true or false; it is "maybe"'],
    [["--room", "a", "--room", "B!"], '--room must be a room; it is "a,B!"'],
    [["--host\x1b[2J", "x"], "Unknown flag --host␛[2J. See --help"],
  ] as const
) {
  Deno.test(`parseCommandLine() says what is wrong with ${JSON.stringify(args)}`, () => {
    const error = assertThrows(() => read(args), UsageError);
    assertEquals(error.message, message);
    assertEquals(error.exitCode, 2);
  });
}

Deno.test("resolveFlags() takes the environment below the flags", () => {
  const env = { BCAST_PORT: "1", BCAST_MAX_BYTES: "4K", BCAST_MEMORY: "1", BCAST_ROOM: "a,b" };
  const { values, rank } = read(["--port", "2"], env);
  assertEquals([values.port, values.maxBytes, values.memory], [2, 4096, true]);
  assertEquals(values.room, ["a", "b"]);
  assertEquals([rank("port"), rank("memory"), rank("host")], [0, 1, -1]);
  assertEquals(read(["--memory=false"], env).values.memory, false);
});

Deno.test("resolveFlags() names the variable that is wrong, and takes an empty one for none", () => {
  assertThrows(() => read([], { BCAST_PORT: "x" }), UsageError, "BCAST_PORT must be a whole");
  assertEquals(read([], { BCAST_PORT: "" }).values.port, 8765);
});

Deno.test("parseCommandLine() leaves what is no flag, and all after --", () => {
  assertEquals(read(["a", "--port", "1", "8765", "--", "--memory"]).positionals, [
    "a",
    "8765",
    "--memory",
  ]);
  assertEquals(read(["--", "--memory"]).values.memory, false);
});

Deno.test("every command takes --version, but not after --", async () => {
  for (const args of [["send", "--version"], ["token", "mint", "-V"], ["start", "--version"]]) {
    const context = memoryContext();
    assertEquals(await main(args, context), 0);
    assertMatch(context.stdout.text, /^bcast \d/);
  }
  const context = memoryContext();
  assertEquals(await main(["config", "print", "--", "--version"], context), 2);
});

Deno.test("bcast --version and bcast version print the version of deno.json", async () => {
  const [a, b] = [memoryContext(), memoryContext()];
  assertEquals([await main(["--version"], a), await main(["version"], b)], [0, 0]);
  assertEquals(a.stdout.text, b.stdout.text);
  const config: unknown = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const { version } = config as { version: string };
  assert(a.stdout.text.startsWith(`bcast ${version} (deno `), a.stdout.text);
});

for (
  const [args, message] of [
    [["strat"], 'Unknown command "strat". Did you mean start? See bcast help'],
    [["serve"], 'Unknown command "serve". Did you mean start? See bcast help'],
    [["client"], 'Unknown command "client". Did you mean connect? See bcast help'],
    [["connect", "-username", "Al"], "Unknown flag -username. Did you mean --name?"],
    [["connect", "--user", "Al"], "Unknown flag --user. Did you mean --name?"],
    [["connect", "--server", "a"], "Unknown flag --server. Did you mean --url?"],
    [["start", "--verbose"], "Unknown flag --verbose. Did you mean --log-level debug?"],
    [
      ["start", "-p", "9000"],
      "config.json. For a port, write --port 9000",
    ],
    [
      ["connect", "22001"],
      'Cannot connect to "22001": for a port, write localhost:PORT or --port PORT',
    ],
    [["help", "conect"], 'Unknown command "conect". Did you mean connect? See bcast help'],
    [
      ["--port", "99", "send", "hi"],
      "Unknown flag --port before a command. Write it after the command. See bcast help",
    ],
    [["--verson"], "Unknown flag --verson. Did you mean --version? See bcast help"],
    [["-v"], "Unknown flag -v before a command. Write it after the command. See bcast help"],
    [["\x1b]0;x"], 'Unknown command "␛]0;x". See bcast help'],
    [["start", "--prot", "1"], "Unknown flag --prot. Did you mean --port?"],
    [["start", "now"], 'Unexpected argument "now". See bcast start --help'],
    [
      ["start", "--data", "x", "--memory"],
      "Cannot use --data together with --memory: leave one out",
    ],
    [["connect", "ftp://x"], 'Cannot connect to "ftp://x": use HOST, HOST:PORT, ws://HOST:PORT'],
    [["connect", "a", "--host", "b"], 'Cannot use --host together with "a": leave one out'],
    [["who", "a", "--url", "ws://b"], 'Cannot use --url together with "a": leave one out'],
    [
      ["send", "x", "--url", "ws://b", "--host", "c"],
      'Cannot use --host together with "ws://b": leave one out',
    ],
    [["connect", "--name", "a/b"], "--name must be a name of 1 to 32 visible characters"],
  ] as const
) {
  Deno.test(`bcast ${JSON.stringify(args)} is wrong usage: one line, exit code 2`, async () => {
    const context = memoryContext({ env: { HOME: "/nowhere" } });
    assertEquals(await main(args, context), 2);
    assertStringIncludes(context.stderr.text, message);
    assertEquals(context.stderr.text.split("\n").length, 2);
    assertEquals(context.stdout.text, "");
  });
}

Deno.test("main() shows a stack only at --log-level debug", async () => {
  const quiet = memoryContext();
  await main(["strat"], quiet);
  assert(!quiet.stderr.text.includes(" at "));
  for (
    const [args, env] of [
      [["start", "x", "--log-level", "debug"], {}],
      [["start", "x", "--log-level=trace"], {}],
      [["start", "x"], { BCAST_LOG_LEVEL: "debug" }],
    ] as const
  ) {
    const context = memoryContext({ env });
    assertEquals(await main(args, context), 2);
    assertMatch(context.stderr.text, /^Unexpected argument "x".*\n.*\n +at /);
  }
});

Deno.test("explain() gives each failure its exit code and one harmless line", () => {
  const code = (failure: ConnectError["failure"]): number =>
    explain(new ConnectError(failure, "no")).exitCode;
  assertEquals(code("rejected"), 4);
  for (
    const failure of [
      "connection-refused",
      "unknown-host",
      "not-a-hub",
      "busy",
      "lost",
      "network",
    ] as const
  ) assertEquals(code(failure), 3);
  assertEquals(code("closed"), 130);
  assertEquals(explain(new CliError("a\n  b\x1b[2J")), { message: "a b␛[2J", exitCode: 1 });
  assertMatch(explain(new TypeError("x is not y")).message, /^Internal error: x is not y\./);
  assertEquals(explain("thrown text").exitCode, 1);
  assertStringIncludes(
    stackOf(new CliError("a", 1, { cause: new Error("b") })),
    "Caused by: Error: b",
  );
});

Deno.test("dataDirectory() and configDirectory() follow each platform's custom", () => {
  const at = (os: typeof Deno.build.os, vars: Record<string, string>): readonly string[] => {
    const home = { os, env: (name: string) => vars[name] };
    return [dataDirectory(home), configDirectory(home)];
  };
  assertEquals(at("linux", { HOME: "/h" }), ["/h/.local/share/bcast", "/h/.config/bcast"]);
  assertEquals(at("linux", { HOME: "/h", XDG_DATA_HOME: "/d", XDG_CONFIG_HOME: "rel" }), [
    "/d/bcast",
    "/h/.config/bcast",
  ]);
  assertEquals(at("darwin", { HOME: "/Users/a" }), [
    "/Users/a/Library/Application Support/bcast",
    "/Users/a/Library/Preferences/bcast",
  ]);
  assertEquals(at("windows", { USERPROFILE: "C:\\U\\a", LOCALAPPDATA: "C:\\L" }), [
    "C:\\L\\bcast",
    "C:\\U\\a\\AppData\\Roaming\\bcast",
  ]);
  assertThrows(() => at("linux", {}), CliError, "set HOME, or use --data DIR");
});

Deno.test("safeJson() holds no character that a terminal obeys, and reads back as it was", () => {
  const value = { text: "\x1b[2J\x07\u009b31m\u202e\u2028\u{e0041}\ud800 ünï 😀" };
  const json = safeJson(value);
  assert(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(json), json);
  assertEquals(JSON.parse(json), value);
});

Deno.test("StreamOutput keeps the order, finishes partial writes, and notes a closed pipe", async () => {
  const taken: number[] = [];
  const sink = {
    isTerminal: () => false,
    write: (bytes: Uint8Array) => {
      const some = bytes.subarray(0, 3);
      taken.push(...some);
      return Promise.resolve(some.length);
    },
  };
  const output = new StreamOutput(sink);
  assertEquals(await output.write(""), true);
  void output.write("hello ");
  assertEquals(output.waiting, 6);
  assertEquals(await output.write("world"), true);
  assertEquals(new TextDecoder().decode(new Uint8Array(taken)), "hello world");
  assertEquals([output.waiting, output.columns, output.color], [0, 80, false]);

  const closed = new StreamOutput({
    isTerminal: () => false,
    write: () => Promise.reject(new Deno.errors.BrokenPipe("nobody")),
  });
  assertEquals([await closed.write("a"), await closed.write("b")], [false, false]);
});

Deno.test("banner() shows how to join, and the warnings", () => {
  const base = {
    port: 8765,
    rooms: ["lobby"],
    guarded: false,
    history: "in memory only",
    program: "bcast",
    addresses: [],
    bound: ["127.0.0.1"],
    warnings: [],
  };
  const local = banner({ ...base, host: "localhost", bound: ["127.0.0.1", "::1"] });
  assertMatch(
    local,
    /^Listening on ws:\/\/localhost:8765\/\nOpen http:\/\/localhost:8765 in a browser\n\n/,
  );
  assertMatch(local, /^ {2}Address {2}127\.0\.0\.1:8765, \[::1\]:8765$/m);
  const half = banner({ ...base, host: "localhost" });
  assertMatch(half, /^ {2}Address {2}127\.0\.0\.1:8765 \(this machine has no other loopback\)$/m);
  assertMatch(local, /^ {2}bcast connect$/m);
  const wide = banner({
    ...base,
    host: "0.0.0.0",
    port: 9000,
    addresses: ["192.168.1.5", "fd00::2"],
    bound: ["0.0.0.0"],
    warnings: ["Mind the gap."],
  });
  assertMatch(wide, /^ {2}bcast connect --port 9000$/m);
  assertMatch(wide, /^ {2}bcast connect ws:\/\/192\.168\.1\.5:9000\/$/m);
  assertStringIncludes(
    wide,
    "\nOpen http://localhost:9000 in a browser, or on other machines:\n" +
      "  http://192.168.1.5:9000\n  http://[fd00::2]:9000\n\n",
  );
  assert(!wide.includes("token"));
  const guarded = banner({ ...base, host: "192.168.1.5", guarded: true });
  assertMatch(guarded, /^Clients need a token/m);
  assertMatch(wide, /^Mind the gap\.$/m);
  const secure = banner({ ...base, host: "192.168.1.5", secure: true, fingerprint: "SHA256:x" });
  assertMatch(secure, /^Listening on wss:\/\/192\.168\.1\.5:8765\/\n/);
  assertMatch(secure, /^Open https:\/\/192\.168\.1\.5:8765 in a browser$/m);
  assertMatch(banner({ ...base, host: "::1" }), /^Open http:\/\/\[::1\]:8765 in a browser$/m);
  assertMatch(secure, /^ {2}bcast connect wss:\/\/192\.168\.1\.5:8765\/ --fingerprint SHA256:x$/m);
  const home = banner({ ...base, host: "localhost", secure: true });
  assertMatch(home, /^ {2}bcast connect wss:\/\/localhost:8765\/$/m);
  assertEquals(listeningLine({ host: "::", port: 1 }), "Listening on ws://localhost:1/\n");
  assertEquals(listeningLine({ host: "::1", port: 1 }), "Listening on ws://[::1]:1/\n");
  assertEquals(
    listeningLine({ host: "::1", port: 1, tcpPort: 2, secure: true }),
    "Listening on wss://[::1]:1/\nListening on tcp://[::1]:2 for lines\n",
  );
  const lines = banner({ ...base, host: "localhost", tcpPort: 2, guarded: true });
  assertMatch(lines, /^ {2}nc localhost 2$/m);
  assertMatch(lines, /^On the TCP port, send it as the first line: \/token SECRET$/m);
});

Deno.test("exposureWarnings() names each exposure, and none for a loopback hub", () => {
  assertEquals(exposureWarnings({ host: "localhost", secure: false, guarded: false }), []);
  const open = exposureWarnings({ host: "0.0.0.0", secure: false, guarded: false }).join("\n");
  assertMatch(open, /every client that can reach this address may read and write/);
  assertMatch(open, /Traffic is not encrypted/);
  assertMatch(open, /To accept only clients on this machine, use --host localhost/);
  const secure = exposureWarnings({ host: "192.168.1.5", secure: true, guarded: false }).join("\n");
  assert(!secure.includes("encrypted"), secure);
  assertMatch(secure, /No token is required/);
  const guarded = exposureWarnings({ host: "192.168.1.5", secure: false, guarded: true }).join(
    "\n",
  );
  assert(!guarded.includes("every client"), guarded);
  assertEquals(exposureWarnings({ host: "192.168.1.5", secure: true, guarded: true }), []);
  const lines = { secure: true, guarded: true, tcpPort: 8766 };
  assertEquals(exposureWarnings({ host: "192.168.1.5", ...lines }), [
    "Traffic on the --tcp port is never encrypted, tokens included.",
    "To accept only clients on this machine, use --host localhost.",
  ]);
  assertEquals(exposureWarnings({ host: "localhost", ...lines }), []);
  assertEquals(
    exposureWarnings({ host: "0.0.0.0", secure: false, guarded: true, tcpPort: 8766 }).filter(
      (sentence) => sentence.includes("encrypted"),
    ).length,
    1,
  );
});

Deno.test("lanAddresses() leaves out loopback and link-local addresses", () => {
  const of = (address: string): { address: string; family: "IPv4" | "IPv6" } => ({
    address,
    family: address.includes(":") ? "IPv6" : "IPv4",
  });
  const all = ["::1", "fe80::1", "fd00::2", "127.0.0.1", "169.254.1.1", "10.0.0.2"].map(of);
  assertEquals(lanAddresses("::", all), ["10.0.0.2", "fd00::2"]);
  assertEquals(lanAddresses("0.0.0.0", all), ["10.0.0.2"]);
  assert(isUnspecified("::") && !isUnspecified("localhost"));
});

Deno.test("programName() is what works where the program was started", () => {
  const launch = { standalone: false, execPath: "/usr/bin/deno", denoVersion: "2.9.6" };
  assertEquals(programName({ ...launch, standalone: true }), "bcast");
  assertEquals(programName(launch), "deno task");
  assertEquals(
    programName({ ...launch, execPath: "/home/a/.npm/_npx/1/node_modules/deno" }),
    "npx -y deno@2.9.6 task",
  );
});

Deno.test("every task that runs or builds the program takes its permissions from the one set", async () => {
  const config: unknown = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const { tasks, permissions } = config as {
    tasks: Record<string, { command: string }>;
    permissions: { default: { env: readonly string[]; sys: readonly string[] } };
  };
  for (const name of ["start", "connect", "dev", "build"]) {
    const command = tasks[name]?.command ?? "";
    assert(/ --permission-set /.test(command) && !/--allow-/.test(command), command);
  }
  assert(Array.isArray(permissions.default.env) && Array.isArray(permissions.default.sys));
});

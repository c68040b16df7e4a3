import { assert, assertEquals } from "@std/assert";
import { exportPKCS8, generateKeyPair, SignJWT } from "jose";
import { openSqliteBroker } from "../../broker/sqlite/sqlite_broker.ts";
import { sqliteStorage } from "../../server/storage.ts";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import type { AnyCommand } from "../../cli/command.ts";
import { FIRST_EXAMPLES } from "../../cli/help.ts";
import { connect, HubApi, hubUrl } from "../../client.ts";
import { COMMANDS } from "../../commands/mod.ts";
import { type ExampleResult, runExample, shellOf } from "../kit/run_example.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

/** Shell scripts that replace the other programs of examples. */
const STUBS = {
  jq: "exec head -n 1",
  tail: "exec echo 'a line of a log'",
  "notify-send": "touch notified",
  "work.sh": "touch worked",
};

/** Replacements of addresses and paths that exist on other machines only. */
const REPLACEMENTS: readonly (readonly [from: string, to: (place: Place) => string])[] = [
  ["192.168.1.5", ({ host }) => host],
  ["/srv/bcast", ({ folder }) => `${folder}/srv`],
  ["/backup/bcast.db", ({ folder }) => `${folder}/copy.db`],
  ["/var/log/bcast.log", ({ folder }) => `${folder}/bcast.log`],
];

/** Flags that make an example short and light; they override earlier ones. */
const EXTRA_FLAGS: readonly (readonly [fits: RegExp, flags: string])[] = [
  [/^bench/, "--seconds 1"],
  [/^bench(?!.*--clients)/, "--clients 20"],
  [/^bench(?!.*--(?:in-flight|scene))/, "--rate 50"],
];

/** The command line that is run for an example. */
function lineOf(example: string, place: Place): string {
  const line = REPLACEMENTS.reduce((text, [from, to]) => text.replace(from, to(place)), example);
  return [line, ...EXTRA_FLAGS.filter(([fits]) => fits.test(line)).map(([, flags]) => flags)].join(
    " ",
  );
}

interface Place {
  /** `HOST:PORT` of the hub. */
  readonly host: string;
  readonly folder: string;
}

/** The requirements and expectations of an example; the first that fits applies. */
interface ExampleCase {
  readonly fits: RegExp;
  /** For examples that run until they are stopped: see `ExampleRun`. */
  readonly shows?: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  /** Contents of the files that it reads, by name. */
  readonly files?: () => Promise<Readonly<Record<string, string>>>;
  /** A directory in its folder with the log of a hub. */
  readonly log?: string;
  /** Runs it on a separate hub with a client called Eve, and an admin token in the environment. */
  readonly moderates?: {
    /** A moderation action that precedes it. */
    readonly before?: readonly [action: string, fields: object];
  };
  /** See `ExampleRun`. */
  readonly then?: string;
  /** The expected standard output. */
  readonly prints?: RegExp;
  /** A message that must be in the log afterwards. */
  readonly keeps?: { readonly room: string; readonly like: RegExp };
}

/** The keys for `bcast token`. */
async function keys(): Promise<Readonly<Record<string, string>>> {
  const secret = "s".repeat(43);
  const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const token = new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject("Alice");
  return {
    "jwt.txt": `${secret}\n`,
    "alice.jwt": await token.setExpirationTime("1h").sign(new TextEncoder().encode(secret)),
    "private.pem": await exportPKCS8(pair.privateKey),
  };
}

const JWT = /^(?:[\w-]+\.){2}[\w-]+\n$/;

const JSON_LINES = /^(?:\{.*\}\n)+$/;

const EXAMPLE_CASES: readonly ExampleCase[] = [
  {
    fits: /^start .*--quiet/,
    shows: /./,
    prints: /^Listening on ws:\S+\n$/,
  },
  { fits: /^backup --data/, log: "srv", prints: /^Saved 1 message in 1 room \(.*\) to .*\.db\n$/ },
  { fits: /^backup/, log: "data/bcast", prints: /^Saved 1 message in 1 room / },
  { fits: /^start/, shows: /stops it/, env: { BCAST_PORT: "0" }, prints: /^Listening on ws:\S+\n/ },
  { fits: /^echo "build is green"/, keeps: { room: "lobby", like: /^ci: build is green$/ } },
  { fits: /^connect --json --room team/, prints: JSON_LINES },
  { fits: /^connect/, prints: /^\[[\d:]+\] Alice: / },
  { fits: /^bench.*--json/, prints: JSON_LINES },
  { fits: /^bench/, env: { BCAST_SECONDS: "1" }, prints: /^messages\/s +[1-9]/m },
  { fits: /^history .*--json/, prints: JSON_LINES },
  { fits: /^history --query/, prints: /^(?:\[[\d:]+\] Alice: deploy \d failed\n){5}$/ },
  { fits: /^history/, prints: /^(?:\[[\d:]+\] Alice: .*\n)+$/ },
  { fits: /^(?:who|rooms).*--json/, prints: JSON_LINES },
  { fits: /^who/, prints: /^NAME +ROOMS\nAlice +lobby/ },
  { fits: /^rooms/, prints: /^ROOM +ONLINE +MESSAGES +NEWEST\n(?:.*\n)*lobby +1 / },
  { fits: /^status --watch.*--json/, shows: /\n/, prints: JSON_LINES },
  { fits: /^status --watch/, shows: /\n/, prints: /^\S+Z {2}clients \d/ },
  { fits: /^status/, prints: /^hub +bcast / },
  { fits: /^token secret/ },
  { fits: /^token mint/, files: keys, prints: JWT },
  { fits: /^token inspect/, files: keys, prints: /Alice/ },
  {
    fits: /^config check \S/,
    files: () => Promise.resolve({ "other.json": `{"start": {"port": 9000}}` }),
    prints: /^other\.json is valid: /,
  },
  { fits: /^config check/, prints: /^There is no configuration file / },
  {
    fits: /^config print .*--json/,
    prints: /^\{"command":"connect","setting":"url","value":"ws:.*"origin":"BCAST_URL"\}\n/,
  },
  { fits: /^config print .*--port/, prints: /^port +9000 +--port$/m },
  { fits: /^config print start/, prints: /^port +8765 +default$/m },
  { fits: /^config print/, prints: /^listen +url +ws:\S+ +BCAST_URL$/m },
  { fits: /completions bash/, then: "; complete -p bcast", prints: /-F _bcast bcast/ },
  { fits: /completions fish/, then: "; complete -c bcast", prints: /__bcast_complete/ },
  { fits: /^__complete/, prints: /^history\t.*\n:none$/m },
  { fits: /^help start/, prints: /^Usage: bcast start \[flags\]$/m },
  { fits: /^kick Eve/, moderates: {}, prints: /^Kicked Eve: 1 session ended, from 127/ },
  { fits: /^ban Eve/, moderates: {}, prints: /^Banned Eve: 1 session ended, from 127/ },
  { fits: /^ban --address/, moderates: {}, prints: /^Banned 192\.0\.2\.7: 0 sessions/ },
  {
    fits: /^unban Eve/,
    moderates: { before: ["ban", { name: "Eve" }] },
    prints: /^No longer banned: Eve\n$/,
  },
  {
    fits: /^unban --address/,
    moderates: { before: ["ban", { address: "2001:db8::7" }] },
    prints: /^No longer banned: 2001:db8::\/64\n$/,
  },
  {
    fits: /^bans --json/,
    moderates: { before: ["ban", { name: "Eve" }] },
    prints: /^\{"kind":"ban","name":"Eve","by":"admin",.*\}\n$/,
  },
  {
    fits: /^bans/,
    moderates: { before: ["mute", { name: "Eve", reason: "flood" }] },
    prints: /^TYPE .*\nmuted +Eve +lifted +admin +flood\n$/,
  },
  { fits: /^mute Eve/, moderates: {}, prints: /^Muted Eve: 1 session muted\n$/ },
  { fits: /^mute --address/, moderates: {}, prints: /^Muted 192\.0\.2\.7: 0 sessions/ },
  {
    fits: /^unmute Eve/,
    moderates: { before: ["mute", { name: "Eve" }] },
    prints: /^No longer muted: Eve\n$/,
  },
  { fits: /^close-room/, moderates: {}, prints: /^Closed party: 1 member removed\n$/ },
  {
    fits: /^open-room/,
    moderates: { before: ["close-room", { room: "party" }] },
    prints: /^Opened party\n$/,
  },
  { fits: /^announce --room/, moderates: {}, prints: /^Announced to 1 connection\n$/ },
  { fits: /^announce/, moderates: {}, prints: /^Announced to 1 connection\n$/ },
  {
    fits: /^release-name/,
    moderates: {},
    prints: /^Released Alice: any client may use it now\n$/,
  },
  { fits: /^version/, prints: /^bcast \d/ },
  { fits: /^send/, keeps: { room: "dev", like: /build is green/ } },
  { fits: /bcast send --room logs/, keeps: { room: "logs", like: /a line of a log/ } },
  { fits: /bcast send .*--room metrics/, keeps: { room: "metrics", like: /cpu/ } },
  { fits: /^listen.*\| jq/ },
  { fits: /^listen .*--output/, shows: /chat\.log/ },
  { fits: /^listen/, shows: /\n/, prints: /Alice/ },
  { fits: /^exec .*notify-send/, shows: /notified/ },
  { fits: /^exec .*work\.sh/, shows: /worked/ },
  { fits: /^exec/, shows: /\n/, prints: /Alice/ },
];

const ADMIN_TOKEN = "an-admin-token-for-examples";

/** Starts a moderated hub with Eve in two rooms; returns the environment to connect to it. */
async function startHubWithEve(
  { before }: NonNullable<ExampleCase["moderates"]>,
): Promise<{ readonly env: Readonly<Record<string, string>> } & AsyncDisposable> {
  const broker = await openSqliteBroker({ path: ":memory:" });
  // The name Alice is owned by a token.
  await sqliteStorage(broker).ownedNames.put([{ key: "alice", name: "Alice", seen: Date.now() }]);
  const hub = await startTestHub({
    broker,
    authorizer: combineAuthorizers([new SecretAuthorizer([ADMIN_TOKEN], { admin: true })], {
      open: true,
    }),
  });
  const eve = await TestSocket.plain(hub.url, "Eve", "room=lobby&room=party");
  if (before !== undefined) {
    const api = new HubApi({ url: hubUrl({ url: hub.url }), token: ADMIN_TOKEN });
    await api.moderate(...before);
  }
  return {
    env: { BCAST_URL: hub.url, BCAST_TOKEN: ADMIN_TOKEN },
    async [Symbol.asyncDispose]() {
      await eve.close();
      await hub.stop();
    },
  };
}

async function makeLog(path: string): Promise<void> {
  await using broker = await openSqliteBroker({ path });
  await broker.append([{ room: "lobby", sender: "Alice", content: { message: "hi" } }]);
}

/** All commands, including those of groups. */
const WORDS: readonly AnyCommand[] = COMMANDS.flatMap((command) => [
  command,
  ...Object.values(command.commands ?? {}),
]);

/** All examples of all helps. */
const EXAMPLES: readonly string[] = [
  ...new Set(
    [...FIRST_EXAMPLES, ...WORDS.flatMap(({ examples }) => examples)].map(([line]) => line),
  ),
];

/** The rooms that examples name. */
const ROOMS: readonly string[] = [
  ...new Set(["lobby", ...EXAMPLES.flatMap((line) => /--room ([a-z]+)/.exec(line)?.[1] ?? [])]),
];

/** The shells that are not installed; prints a warning for each. */
function missingShells(): readonly string[] {
  return [...new Set(EXAMPLES.map(shellOf))].filter((shell) => {
    try {
      return !new Deno.Command(shell, { args: ["-c", "exit 0"] }).outputSync().success;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // deno-lint-ignore no-console -- a skipped test must not look like a passed one
      console.warn(`SKIPPED: examples for ${shell}, because it is not installed`);
      return true;
    }
  });
}

/** Runs `task` for each of `items`, a few at a time. */
async function eachOf<T>(items: readonly T[], width: number, task: (item: T) => Promise<void>) {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      await task(item);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

Deno.test({
  name: "every example in every help text works as described",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const broker = await openSqliteBroker({ path: ":memory:" });
    await broker.append(ROOMS.flatMap((room) =>
      [1, 2, 3, 4, 5, 6].map((n) => ({
        room,
        sender: "Alice",
        content: { message: `deploy ${n} failed` },
      }))
    ));
    await using hub = await startTestHub({ broker });
    // A client that keeps sending messages, for examples that listen.
    await using alice = connect({
      url: hub.url,
      sender: "Alice",
      rooms: ROOMS.map((room) => ({ room, history: 0 })),
      echo: false,
    });
    const talking = setInterval(() => {
      for (const room of ROOMS) void alice.send({ message: "still here", room }).catch(() => {});
    }, 50);
    const failures: string[] = [];
    const missing = missingShells();
    const examples = EXAMPLES.filter((line) => !missing.includes(shellOf(line)));
    try {
      // The slow examples run first.
      const order = examples.toSorted((a, b) =>
        Number(/^bench/.test(b)) - Number(/^bench/.test(a))
      );
      await eachOf(order.map((line, n) => [line, n] as const), 4, async ([line, n]) => {
        const place = { host: new URL(hub.url).host, folder: `${folder.path}/${n}` };
        await Deno.mkdir(place.folder);
        const exampleCase = EXAMPLE_CASES.find(({ fits }) => fits.test(line));
        const { shows, then, env, files, log, moderates } = exampleCase ?? {};
        if (log !== undefined) await makeLog(`${place.folder}/${log}/bcast.db`);
        await using own = moderates === undefined ? undefined : await startHubWithEve(moderates);
        for (const [name, text] of Object.entries(await files?.() ?? {})) {
          await Deno.writeTextFile(`${place.folder}/${name}`, text, { mode: 0o600 });
        }
        const outcome = await runExample({
          line: lineOf(line, place),
          folder: place.folder,
          env: {
            ...(line.startsWith("start") ? {} : { BCAST_URL: hub.url }),
            XDG_CONFIG_HOME: `${place.folder}/config`,
            XDG_DATA_HOME: `${place.folder}/data`,
            ...own?.env,
            ...env,
          },
          stubs: STUBS,
          ...(shows === undefined ? {} : { shows }),
          ...(then === undefined ? {} : { then }),
        });
        const trouble = complaint(outcome, exampleCase);
        if (trouble !== undefined) failures.push(`bcast ${line}: ${trouble}\n${show(outcome)}`);
      });
    } finally {
      clearInterval(talking);
    }
    await alice.close();
    for (const { keeps, fits } of EXAMPLE_CASES) {
      if (keeps === undefined || !examples.some((line) => fits.test(line))) continue;
      const kept = await broker.read(keeps.room, { limit: 10_000 });
      const texts = kept.map(({ sender, message, data }) =>
        `${sender}: ${message ?? JSON.stringify(data)}`
      );
      assert(texts.some((text) => keeps.like.test(text)), `${fits}: nothing in ${keeps.room}`);
    }
    assertEquals(failures, [], failures.join("\n"));
  },
});

function complaint(
  { code, out, err }: ExampleResult,
  exampleCase: ExampleCase | undefined,
): string | undefined {
  const ending = exampleCase?.shows === undefined ? [0] : [0, 130, 143];
  if (!ending.includes(code)) return `ended with ${code}`;
  if (exampleCase?.prints !== undefined && !exampleCase.prints.test(out)) {
    return `does not print ${exampleCase.prints}`;
  }
  return /^(?:Unknown|Unexpected|Cannot) /m.test(err) ? "complains" : undefined;
}

function show({ out, err }: ExampleResult): string {
  return `${out.slice(-800)}\n${err.slice(-800)}`;
}

Deno.test("every command has an example, and every example a purpose that fits on its line", () => {
  for (const { name, examples } of WORDS) {
    assert(examples.length > 0, name);
    for (const [line, purpose] of examples) {
      assert(line.includes(name), line);
      assert(line.length <= 73 && purpose.length <= 76, line);
    }
  }
});

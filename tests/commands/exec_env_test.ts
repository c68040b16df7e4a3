import { assert, assertEquals, assertMatch } from "@std/assert";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { connect } from "../../client.ts";
import { bcastOnPath, Program } from "../kit/process.ts";
import { keyPair, shownFingerprint } from "../kit/certificates.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { connectorFor } from "../../commands/client/trust.ts";
import { readFingerprint } from "../../server/transports/tls.ts";

const SECRET = "s3cret-~!$&'*+,;=:@/";
const posix = Deno.build.os !== "windows";

/** Starts a hub that requires {@linkcode SECRET}, with one message. */
async function hubWithToken() {
  const hub = await startTestHub({ authorizer: new SecretAuthorizer([SECRET]) });
  await using writer = connect({ url: hub.url, sender: "Bob", token: SECRET });
  await writer.send({ message: "hi" });
  return hub;
}

interface Run {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: string;
}

async function exec(
  args: readonly string[],
  env: Record<string, string> = {},
  prefix: readonly string[] = [],
): Promise<Run> {
  await using program = new Program(args, env, prefix);
  const code = await program.exit();
  return { code, lines: program.lines, errors: program.errors };
}

/** The variables that `env` prints in a command, by name. */
function variables({ lines }: Run): ReadonlyMap<string, string> {
  return new Map(lines.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

/** Flags for one run: the command prints everything it has access to, and exec exits. */
const ONCE = ["--after", "0", "--count", "1"];
const LOOK = [
  "env",
  "tr '\\0' '\\n' </proc/self/environ",
  "tr '\\0' '\\n' </proc/self/cmdline",
  "ls -l /proc/self/fd",
].join("; ");

Deno.test({
  name: "bcast exec hides the token from its commands, however it was given",
  ignore: Deno.build.os !== "linux",
  fn: async (test) => {
    await using hub = await hubWithToken();
    await using folder = await temporaryFolder();
    const { host } = new URL(hub.url);
    const tokenFile = `${folder.path}/token`;
    await Deno.writeTextFile(tokenFile, `${SECRET}\n`, { mode: 0o600 });
    const config = `${folder.path}/settings/bcast/config.json`;
    await Deno.mkdir(`${folder.path}/settings/bcast`, { recursive: true });
    const profiles = { work: { url: hub.url, token: SECRET } };
    await Deno.writeTextFile(config, JSON.stringify({ profiles, profile: "work" }));
    await Deno.chmod(config, 0o600);
    const query = `ws://${host}/?token=${encodeURIComponent(SECRET)}`;
    const ways: Record<string, { env?: Record<string, string>; args?: string[] }> = {
      "BCAST_TOKEN": { env: { BCAST_URL: hub.url, BCAST_TOKEN: SECRET } },
      "BCAST_TOKEN_FILE": { env: { BCAST_URL: hub.url, BCAST_TOKEN_FILE: tokenFile } },
      "BCAST_URL": { env: { BCAST_URL: query } },
      "BCAST_URL with a user": {
        env: { BCAST_URL: `ws://me:${encodeURIComponent(SECRET)}@${host}/`, BCAST_TOKEN: SECRET },
      },
      "BCAST_CONFIG": { env: { BCAST_CONFIG: config, BCAST_PROFILE: "work" } },
      "the user's own configuration": { env: { XDG_CONFIG_HOME: `${folder.path}/settings` } },
      "--token": { args: ["--url", hub.url, "--token", SECRET] },
      "--token-file": { args: ["--url", hub.url, "--token-file", tokenFile] },
      "--url": { args: ["--url", query] },
      "--config": { args: ["--config", config, "-p", "work"] },
    };
    for (const [name, { env = {}, args = [] }] of Object.entries(ways)) {
      await test.step(name, async () => {
        const run = await exec(["exec", ...args, ...ONCE, "--", "sh", "-c", LOOK], env);
        assertEquals([run.code, run.errors], [0, ""]);
        const all = run.lines.join("\n");
        assert(!all.includes(SECRET), all);
        assert(!all.includes(encodeURIComponent(SECRET)), all);
        assert(!all.includes(tokenFile), all);
        assert(!all.includes(config), all);
        const found = variables(run);
        assertEquals(found.get("BCAST_URL"), `ws://${host}/`);
        assertEquals(found.get("BCAST_MESSAGE_ID"), "1");
        // A bcast in the command finds no token by itself.
        const path = { PATH: await bcastOnPath(folder.path) };
        const send = await exec(
          ["exec", ...args, ...ONCE, "--", "bcast", "send", "may I?"],
          { ...env, ...path },
        );
        assertEquals(send.code, 1);
        assertMatch(send.errors, /^The hub at [^\n]* rejected the [^\n]*token/);
      });
    }
  },
});

Deno.test({
  name: "bcast exec --share-token lets its commands answer on a hub that requires a token",
  ignore: !posix,
  fn: async (test) => {
    await using hub = await hubWithToken();
    await using folder = await temporaryFolder();
    const tokenFile = `${folder.path}/token`;
    await Deno.writeTextFile(tokenFile, `${SECRET}\n`, { mode: 0o600 });
    const path = { PATH: await bcastOnPath(folder.path) };
    const ways: Record<string, Record<string, string>> = {
      "BCAST_TOKEN": { BCAST_URL: hub.url, BCAST_TOKEN: SECRET },
      "BCAST_TOKEN_FILE": { BCAST_URL: hub.url, BCAST_TOKEN_FILE: tokenFile },
      "BCAST_URL": { BCAST_URL: `${hub.url}?token=${encodeURIComponent(SECRET)}` },
    };
    await using reader = connect({ url: hub.url, token: SECRET });
    for (const [name, env] of Object.entries(ways)) {
      await test.step(name, async () => {
        const command = ["bcast", "send", `answer by ${name}`];
        const args = ["exec", "--share-token", ...ONCE, "--", ...command];
        const run = await exec(args, { ...env, ...path });
        assertEquals(run, { code: 0, lines: [], errors: "" });
      });
    }
    const { messages } = await reader.history("lobby");
    assertEquals(messages.slice(1).map(({ message }) => message), [
      "answer by BCAST_TOKEN",
      "answer by BCAST_TOKEN_FILE",
      "answer by BCAST_URL",
    ]);
  },
});

Deno.test({
  name: "a bcast send in a command of bcast exec answers in the room, at the hub",
  ignore: !posix,
  fn: async () => {
    const tls = await keyPair();
    await using hub = await startTestHub({ tls });
    await using other = await startTestHub();
    await using folder = await temporaryFolder();
    const url = new URL(`wss://localhost:${hub.port}/`);
    await Deno.writeTextFile(`${folder.path}/ca.pem`, tls.cert);
    const trust = { fingerprint: readFingerprint(shownFingerprint(tls)) };
    await using way = connectorFor(url, trust);
    await using observer = connect({ url, rooms: [] }, way.environment);
    {
      await using writer = connect({ url, rooms: [{ room: "a-1.b_2" }] }, way.environment);
      await writer.send({ message: "déjà 世界 🎉" });
    }
    const env = {
      PATH: await bcastOnPath(folder.path),
      // The environment of a user who usually uses another hub.
      BCAST_PORT: String(other.port),
      BCAST_HOST: "127.0.0.1",
      BCAST_ROOM: "elsewhere",
    };
    const room = ["--room", "a-1.b_2", ...ONCE];
    const address = ["--url", `wss://localhost:${hub.port}`];
    const answer = ["--", "sh", "-c", 'cd /; bcast send "re $(cat)"'];
    const run = await exec(
      ["exec", ...address, "--fingerprint", shownFingerprint(tls), ...room, ...answer],
      env,
    );
    assertEquals(run, { code: 0, lines: [], errors: "" });
    assertEquals(
      (await observer.history("a-1.b_2")).messages.map(({ message }) => message),
      ["déjà 世界 🎉", "re déjà 世界 🎉"],
    );
    const shown = await exec(
      ["exec", ...address, "--fingerprint", shownFingerprint(tls), "--ca", "ca.pem", ...room]
        .concat(
          ["--", "env"],
        ),
      env,
      // The command may change its directory: the path of the file must be absolute.
      ["sh", "-c", `cd ${folder.path}; exec "$0" "$@"`],
    ).then(variables);
    assertEquals(shown.get("BCAST_URL"), url.href);
    assertEquals(shown.get("BCAST_FINGERPRINT"), trust.fingerprint);
    assertEquals(shown.get("BCAST_CA"), `${folder.path}/ca.pem`);
    assertEquals(shown.get("BCAST_ROOM"), "a-1.b_2");
    assertEquals([shown.get("BCAST_HOST"), shown.get("BCAST_PORT")], ["", ""]);
  },
});

Deno.test({
  name: "a command of bcast exec reaches another hub in the way that docs/shell.md shows",
  ignore: !posix,
  fn: async () => {
    const docs = await Deno.readTextFile(new URL("../../docs/shell.md", import.meta.url));
    const script = /-- sh -c '(unset BCAST_URL [^']*)'/.exec(docs)?.[1] ?? "";
    assertMatch(script, /bcast -p other send/);
    const tls = await keyPair();
    await using hub = await startTestHub({ tls });
    await using other = await hubWithToken();
    await using folder = await temporaryFolder();
    const url = new URL(`wss://localhost:${hub.port}/`);
    {
      await using way = connectorFor(url, { fingerprint: readFingerprint(shownFingerprint(tls)) });
      await using writer = connect({ url, rooms: [{ room: "alerts" }] }, way.environment);
      await writer.send({ message: "smoke in room 7" });
    }
    await Deno.mkdir(`${folder.path}/settings/bcast`, { recursive: true });
    const profiles = { other: { url: other.url, token: SECRET, room: "ops" } };
    const config = `${folder.path}/settings/bcast/config.json`;
    await Deno.writeTextFile(config, JSON.stringify({ profiles }), { mode: 0o600 });
    const run = await exec(
      ["exec", "--url", url.href, "--fingerprint", shownFingerprint(tls), "--room", "alerts"]
        .concat(
          [...ONCE, "--", "sh", "-c", script],
        ),
      {
        PATH: await bcastOnPath(folder.path),
        XDG_CONFIG_HOME: `${folder.path}/settings`,
      },
    );
    assertEquals(run, { code: 0, lines: [], errors: "" });
    await using reader = connect({ url: other.url, rooms: [], token: SECRET });
    const { messages: [first] } = await reader.history("ops");
    assertEquals(first?.message, "smoke in room 7");
    // The `via` chain is forwarded, too.
    assertEquals(first?.via?.length, 1);
  },
});

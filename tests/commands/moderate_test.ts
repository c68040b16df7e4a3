import { assertEquals, assertMatch } from "@std/assert";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken } from "../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../auth/keys.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { connect, ConnectError } from "../../client.ts";
import { main } from "../../main.ts";
import type { Server } from "../../server.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

const ADMIN = "an-admin-token-of-the-hub";

function moderated(): Promise<Server> {
  return startTestHub({
    authorizer: combineAuthorizers([new SecretAuthorizer([ADMIN], { admin: true })], {
      open: true,
    }),
    trustedProxies: ["127.0.0.1"],
  });
}

/** Exit code, standard output, standard error. */
async function run(
  hub: { readonly url: string },
  args: readonly string[],
  env: Record<string, string> = { BCAST_TOKEN: ADMIN },
): Promise<readonly [number, string, string]> {
  const context = memoryContext({ env: { BCAST_URL: hub.url, ...env } });
  const code = await main(args, context);
  return [code, context.stdout.text, context.stderr.text];
}

Deno.test("moderation commands exit with 0 when done, 1 for an unknown name", async () => {
  await using hub = await moderated();
  const eve = await TestSocket.plain(hub.url, "Eve");
  assertEquals(await run(hub, ["kick", "eve", "--reason", "spam"]), [
    0,
    "Kicked eve: 1 session ended, from 127.0.0.1\n",
    "",
  ]);
  assertEquals((await eve.closed).reason, "A moderator kicked you: spam");
  assertEquals(await run(hub, ["kick", "Eve"]), [1, "", "Eve is not connected\n"]);
  assertEquals(await run(hub, ["unban", "Eve"]), [1, "", "Eve is not banned\n"]);
  assertEquals(await run(hub, ["unmute", "Eve"]), [1, "", "Eve is not muted\n"]);
  assertEquals(await run(hub, ["open-room", "party"]), [1, "", "Room party is not closed\n"]);
  assertEquals(
    (await run(hub, ["ban", "Eve", "--address", "2001:db8::7"]))[1].slice(0, 28),
    "Banned Eve and 2001:db8::7: ",
  );
  assertEquals((await run(hub, ["ban", "--address", "127.0.0.1"]))[0], 1);
});

Deno.test("moderation commands exit with 4 without an admin token, and 3 without a hub", async () => {
  await using hub = await moderated();
  const commands = [
    ["kick", "Eve"],
    ["ban", "Eve"],
    ["unban", "Eve"],
    ["bans"],
    ["mute", "Eve"],
    ["unmute", "Eve"],
    ["close-room", "party"],
    ["open-room", "party"],
    ["announce", "hi"],
    ["release-name", "Eve"],
  ];
  for (const args of commands) {
    const [code, out, err] = await run(hub, args, {});
    assertEquals([code, out], [4, ""], args[0]);
    assertMatch(
      err,
      /^The hub at \S+ rejected the request: Only moderators may do this: [^\n]*\n$/,
    );
    assertEquals((await run(hub, args, { BCAST_TOKEN: "wrong" }))[0], 4);
  }
  await using open = await startTestHub();
  const [code, , err] = await run(open, ["bans"]);
  assertEquals(code, 4);
  assertMatch(err, /bcast token secret FILE, and start the hub with --admin-token-file FILE\n$/);
  assertEquals((await run({ url: "ws://127.0.0.1:1/" }, ["kick", "Eve"]))[0], 3);
});

for (
  const [args, message] of [
    [["kick"], "No name given. Use bcast kick NAME\n"],
    [["kick", "a/b"], "NAME must be a name"],
    [["ban"], "No target given. Use bcast ban NAME, or bcast ban --address ADDR\n"],
    [["ban", "Eve", "--for", "soon"], "--for must be a time"],
    [["mute", "Eve", "Bob"], 'Unexpected argument "Bob"'],
    [["close-room", "Party"], "ROOM must be a room"],
    [["release-name"], "No name given. Use bcast release-name NAME\n"],
    [["announce"], "Nothing to announce. Write a text: bcast announce TEXT...\n"],
  ] as const
) {
  Deno.test(`bcast ${args.join(" ")} is wrong usage`, async () => {
    const [code, , err] = await run({ url: "ws://nobody.invalid/" }, args);
    assertEquals([code, err.slice(0, message.length)], [2, message]);
  });
}

Deno.test("reason, target and duration are not read from the environment", async () => {
  await using hub = await moderated();
  const env = { BCAST_TOKEN: ADMIN, BCAST_ADDRESS: "192.0.2.7", BCAST_FOR: "1h" };
  assertEquals((await run(hub, ["ban"], env))[0], 2);
  assertEquals((await run(hub, ["ban", "Eve"], { ...env, BCAST_REASON: "x" }))[0], 0);
  const [, out] = await run(hub, ["bans", "--json"]);
  assertMatch(out, /^\{"kind":"ban","name":"Eve","by":"admin","since":"[^"]+"\}\n$/);
  await using lobby = await TestSocket.plain(hub.url, "Alice", "room=lobby");
  assertEquals((await run(hub, ["announce", "hi", "all"], { ...env, BCAST_ROOM: "team" }))[0], 0);
  assertEquals(
    (await lobby.next("system", ({ event }) => event === "announcement"))["message"],
    "hi all",
  );
});

Deno.test("bcast bans lists active sanctions in columns and as JSON", async () => {
  await using hub = await moderated();
  assertEquals((await run(hub, ["bans"]))[2], "No bans, no mutes, no closed rooms\n");
  await run(hub, ["ban", "Eve", "--for", "1d", "--reason", "spam"]);
  await run(hub, ["mute", "--address", "2001:db8::7"]);
  await run(hub, ["close-room", "party"]);
  const [code, out] = await run(hub, ["bans"]);
  assertEquals(code, 0);
  const rows = out.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assertEquals(rows.map(([what, whom, , by, reason]) => [what, whom, by, reason]), [
    ["TYPE", "TARGET", "BY", "REASON"],
    ["banned", "Eve", "admin", "spam"],
    ["muted", "2001:db8::/64", "admin", "-"],
    ["closed", "party", "admin", "-"],
  ]);
  assertMatch(rows[1]?.[2] ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
  assertEquals((await run(hub, ["bans", "--json"]))[1].trimEnd().split("\n").length, 3);
});

Deno.test("bcast connect does not reconnect after a ban, and prints the reason", async () => {
  await using hub = await moderated();
  await using conversation = connect({ url: hub.url, sender: "Eve" });
  let thrown: unknown;
  try {
    for await (const event of conversation) {
      if (event.type === "online") await run(hub, ["ban", "Eve", "--reason", "spam"]);
    }
  } catch (error) {
    thrown = error;
  }
  assertEquals(thrown instanceof ConnectError && thrown.failure, "rejected");
  assertMatch(String(thrown), /Eve is banned: spam/);
});

Deno.test({
  name: "bans survive a restart of the hub, and bcast connect exits with 4",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const file = `${folder.path}/admin`;
    await Deno.writeTextFile(file, `${ADMIN}\n`, { mode: 0o600 });
    const args = ["--data", `${folder.path}/data`, "--admin-token-file", file];
    {
      const { program, url } = await startHubProcess(args);
      await using hub = program;
      await using ban = new Program(["ban", "Eve", "--reason", "spam", "--token-file", file], {
        BCAST_URL: url,
      });
      assertEquals(await ban.exit(), 0, ban.errors);
      hub.kill("SIGTERM");
      assertEquals(await hub.exit(), 0);
      assertMatch(hub.errors, /audit: admin at (?:127\.0\.0\.1|::1) banned Eve: spam/);
    }
    const { program, url } = await startHubProcess(args);
    await using _hub = program;
    await using client = new Program(["connect", "--name", "Eve"], {
      BCAST_URL: url,
      XDG_DATA_HOME: folder.path,
    });
    assertEquals(await client.exit(), 4, client.errors);
    assertMatch(client.errors + client.lines.join("\n"), /Eve is banned: spam/);
  },
});

Deno.test("bcast release-name frees a name that a token reserved, unless its owner is connected", async () => {
  const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
  await using hub = await startTestHub({
    authorizer: combineAuthorizers([
      new SecretAuthorizer([ADMIN], { admin: true }),
      new JwtAuthorizer({ keys: [secretKey(key)] }),
    ], { open: true }),
  });
  const token = await mintToken(signingSecret(key), { issuedAt: Date.now(), sub: "jean-luc" });
  assertEquals(await run(hub, ["release-name", "jean-luc"]), [
    1,
    "",
    "No token has reserved the name jean-luc\n",
  ]);
  const owner = await TestSocket.plain(hub.url, undefined, `token=${token}`);
  assertEquals(await run(hub, ["release-name", "Jean-Luc"]), [
    1,
    "",
    "Jean-Luc is connected with a token of that name: kick or ban Jean-Luc first\n",
  ]);
  await owner.close();
  const early = await TestSocket.plain(hub.url, "Jean-Luc");
  assertEquals(early.all("welcome")[0]?.["sender"], "Jean-Luc-2");
  await early.close();
  assertEquals(await run(hub, ["release-name", "Jean-Luc"]), [
    0,
    "Released Jean-Luc: any client may use it now\n",
    "",
  ]);
  await using guest = await TestSocket.plain(hub.url, "Jean-Luc");
  assertEquals(guest.all("welcome")[0]?.["sender"], "Jean-Luc");
});

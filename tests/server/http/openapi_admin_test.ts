import { assert, assertEquals } from "@std/assert";
import { combineAuthorizers } from "../../../auth/authorizer.ts";
import { JwtAuthorizer, mintToken } from "../../../auth/jwt.ts";
import { secretKey, signingSecret } from "../../../auth/keys.ts";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { OPERATIONS } from "../../../server/http/api/operations.ts";
import { sqliteStorage } from "../../../server/storage.ts";
import { MAX_SANCTIONS } from "../../../server/moderation/sanctions.ts";
import { openSqliteBroker } from "../../../broker/sqlite/sqlite_broker.ts";
import type { Server } from "../../../server.ts";
import { fetchJson, httpUrl } from "../../kit/http.ts";
import { openApiChecker } from "../../kit/openapi_checker.ts";
import { TestSocket } from "../../kit/test_socket.ts";
import { startTestHub, type TestHubOptions } from "../../kit/test_hub.ts";

const ADMIN = "an-admin-token-of-the-hub";
const KEY = new TextEncoder().encode("0123456789abcdef0123456789abcdef");

function moderated(options: TestHubOptions = {}): Promise<Server> {
  return startTestHub({
    authorizer: combineAuthorizers([
      new SecretAuthorizer([ADMIN], { admin: true }),
      new JwtAuthorizer({ keys: [secretKey(KEY)] }),
    ], { open: true }),
    ...options,
  });
}

function asAdmin(body: string, token = ADMIN): RequestInit {
  return {
    body,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  };
}

Deno.test("GET /api/openapi.json lists exactly the operations that exist", async () => {
  await using hub = await moderated();
  const { operations, document } = await openApiChecker(hub);
  // A 404 lists the paths that exist.
  const known = async (path: string): Promise<readonly string[]> => {
    const { status, body } = await fetchJson(hub, path, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    assertEquals(status, 404);
    const [, names = ""] = String(body.error.message).split(" are ");
    return names.split(", ");
  };
  const routed = [...await known("/api/nothing"), ...await known("/api/admin/nothing")];
  assertEquals(Object.keys(document.paths).toSorted(), routed.toSorted());
  const methods = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  assertEquals(operations.map(([method, path]) => `${method} ${path}`), methods);
  for (const [method, path] of operations) {
    const { status } = await fetch(httpUrl(hub, path.replace("{room}", "lobby")), {
      method,
      ...(method === "POST" ? asAdmin("") : {}),
    }).then(async (response) => {
      await response.body?.cancel();
      return response;
    });
    assert(![404, 405].includes(status), `${method} ${path} ${status}`);
  }
});

/** Valid commands, in a sequence in which each has an effect. */
const COMMANDS: readonly (readonly [command: string, body: object])[] = [
  ["mute", { name: "O'Neil (x)", for: 1.5, reason: "x" }],
  ["unmute", { name: "O'Neil (x)" }],
  ["mute", { address: "2001:db8::7" }],
  ["unmute", { address: "2001:db8::7", name: "Nobody" }],
  ["announce", { message: "Dinner is ready" }],
  ["announce", { message: "Dinner \u202e is \x1b ready", room: "lobby" }],
  ["close-room", { room: "party", reason: "y".repeat(200), for: 60 }],
  ["open-room", { room: "party" }],
  ["kick", { name: "O'Neil (x)", reason: "世界" }],
  ["ban", { name: "山田 太郎", address: "192.0.2.7", for: 315_360_000 }],
  ["release-name", { name: "jean-luc" }],
  ["unban", { name: "山田 太郎", address: "192.0.2.7" }],
];

/** Invalid commands. */
const WRONG: readonly (readonly [command: string, body: unknown])[] = [
  ["kick", {}],
  ["kick", { name: 7 }],
  ["kick", { name: "Eve", resaon: "x" }],
  ["kick", { name: "Eve", for: 60 }],
  ["ban", {}],
  ["ban", { reason: "x" }],
  ["ban", { name: "Eve", for: "1d" }],
  ["ban", { name: "Eve", for: 0 }],
  ["ban", { name: "Eve", for: 1e300 }],
  ["ban", { name: "Eve", reason: "" }],
  ["mute", []],
  ["unban", { address: 7 }],
  ["unmute", { for: 1, name: "Eve" }],
  ["close-room", { room: "../x" }],
  ["close-room", "party"],
  ["open-room", { room: "party", for: 1 }],
  ["release-name", { room: "party" }],
  ["announce", { message: "x".repeat(1001) }],
  ["announce", { room: "lobby" }],
];

Deno.test("GET /api/openapi.json describes every moderator command and every response to it", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  await using hub = await moderated({ broker });
  const checker = await openApiChecker(hub);
  const operations = checker.operations.filter(([, path]) => path.startsWith("/api/admin/"));
  const at = (command: string): string => `/api/admin/${command}`;
  const ask = (command: string, body: unknown, token?: string): Promise<void> =>
    checker.ask(hub, "POST", at(command), "", asAdmin(JSON.stringify(body), token));
  await using _o = await TestSocket.plain(hub.url, "O'Neil (x)");
  const token = await mintToken(signingSecret(KEY), { issuedAt: Date.now(), sub: "jean-luc" });
  const owner = await TestSocket.plain(hub.url, undefined, `token=${token}`);
  await ask("release-name", { name: "jean-luc" });
  await owner.close();
  for (const [command, body] of COMMANDS) {
    const validate = checker.body("POST", at(command));
    assert(validate(body), `${command}: ${JSON.stringify(validate.errors)}`);
    await ask(command, body);
    assert(checker.seen.has(`POST ${at(command)} 200`), `${command} ${JSON.stringify(body)}`);
  }
  for (const [command, body] of WRONG) {
    assert(!checker.body("POST", at(command))(body), `${command} ${JSON.stringify(body)}`);
    checker.seen.delete(`POST ${at(command)} 400`);
    await ask(command, body);
    assert(checker.seen.has(`POST ${at(command)} 400`), `${command} ${JSON.stringify(body)}`);
  }
  using client = Deno.createHttpClient({ allowHost: true });
  for (const [method, path] of operations) {
    const { body, ...init } = asAdmin("{}");
    const misdirected: RequestInit & { client: Deno.HttpClient } = {
      ...init,
      ...(method === "GET" ? {} : { body }),
      headers: { ...init.headers, host: "evil.example" },
      client,
    };
    await checker.ask(hub, method, path, "", misdirected);
  }
  await ask("ban", { name: "Eve", reason: "spam", for: 60 });
  await ask("mute", { address: "2001:db8::7" });
  await ask("close-room", { room: "party" });
  for (const [command] of [...COMMANDS, ["bans"]] as const) {
    const method = command === "bans" ? "GET" : "POST";
    const init = method === "GET" ? {} : { body: "{}" };
    const headers = { "content-type": "application/json" };
    await checker.ask(hub, method, at(command), "", { ...init, headers });
    const mine = { ...headers, authorization: `Bearer ${token}` };
    await checker.ask(hub, method, at(command), "", { ...init, headers: mine });
    if (method === "GET") {
      const admin = { authorization: `Bearer ${ADMIN}` };
      await checker.ask(hub, method, at(command), "", { headers: admin });
      await checker.ask(hub, method, at(command), "?unknown=1", { headers: admin });
    } else {
      await ask(command, { message: "x".repeat(70_000) });
    }
  }
  // No session of that name, and nothing to lift.
  await ask("kick", { name: "Nobody" });
  await ask("unban", { name: "Nobody" });
  await ask("unmute", { name: "Nobody" });
  await ask("open-room", { room: "open" });
  await ask("release-name", { name: "Nobody" });
  await using limited = await moderated({ limits: { ratePerAddress: 1, rateOnLoopback: true } });
  for (const [method, path] of operations) {
    while (!checker.seen.has(`${method} ${path} 429`)) {
      await checker.ask(limited, method, path, "", method === "POST" ? asAdmin("{}") : {});
    }
  }
  const crowded = await openSqliteBroker({ path: ":memory:" });
  await sqliteStorage(crowded).sanctions.put(Array.from({ length: MAX_SANCTIONS }, (_, n) => ({
    ...{ kind: "ban", on: "name", key: `n${n}`, target: `n${n}`, by: "admin" } as const,
    ...{ since: n, until: Infinity },
  })));
  await using full = await moderated({ broker: crowded });
  for (const [command, body] of [["ban", { name: "x" }], ["mute", { name: "x" }]] as const) {
    await checker.ask(full, "POST", at(command), "", asAdmin(JSON.stringify(body)));
  }
  await checker.ask(full, "POST", at("close-room"), "", asAdmin(`{"room":"party"}`));
  // An internal error cannot be provoked, and slow bodies have a test of their own.
  const left = operations.flatMap(([method, path, { responses }]) =>
    Object.keys(responses).map((status) => `${method} ${path} ${status}`)
  ).filter((what) => !checker.seen.has(what) && !/ (500|408)$/.test(what));
  assertEquals(left, []);
});

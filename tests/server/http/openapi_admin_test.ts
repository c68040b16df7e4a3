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
import { address, tell } from "../../kit/http.ts";
import { inspect } from "../../kit/inspector.ts";
import { TestSocket } from "../../kit/socket.ts";
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

function ordering(body: string, token = ADMIN): RequestInit {
  return {
    body,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  };
}

Deno.test("GET /api/openapi.json lists every route, and every route that it lists is there", async () => {
  await using hub = await moderated();
  const { operations, document } = await inspect(hub);
  // The hub's own words on what there is, for paths that are not.
  const known = async (path: string): Promise<readonly string[]> => {
    const { status, body } = await tell(hub, path, {
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
    const { status } = await fetch(address(hub, path.replace("{room}", "lobby")), {
      method,
      ...(method === "POST" ? ordering("") : {}),
    }).then(async (response) => {
      await response.body?.cancel();
      return response;
    });
    assert(![404, 405].includes(status), `${method} ${path} ${status}`);
  }
});

/** Orders that are as they should be, in an order in which each has something to do. */
const ORDERS: readonly (readonly [order: string, body: object])[] = [
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

/** Orders that are not. */
const WRONG: readonly (readonly [order: string, body: unknown])[] = [
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

Deno.test("GET /api/openapi.json describes every order of moderators and every answer to one", async () => {
  const broker = await openSqliteBroker({ path: ":memory:" });
  await using hub = await moderated({ broker });
  const inspector = await inspect(hub);
  const operations = inspector.operations.filter(([, path]) => path.startsWith("/api/admin/"));
  const at = (order: string): string => `/api/admin/${order}`;
  const ask = (order: string, body: unknown, token?: string): Promise<void> =>
    inspector.ask(hub, "POST", at(order), "", ordering(JSON.stringify(body), token));
  await using _o = await TestSocket.plain(hub.url, "O'Neil (x)");
  const token = await mintToken(signingSecret(KEY), { issuedAt: Date.now(), sub: "jean-luc" });
  const owner = await TestSocket.plain(hub.url, undefined, `token=${token}`);
  await ask("release-name", { name: "jean-luc" });
  await owner.close();
  for (const [order, body] of ORDERS) {
    const validate = inspector.body("POST", at(order));
    assert(validate(body), `${order}: ${JSON.stringify(validate.errors)}`);
    await ask(order, body);
    assert(inspector.seen.has(`POST ${at(order)} 200`), `${order} ${JSON.stringify(body)}`);
  }
  for (const [order, body] of WRONG) {
    assert(!inspector.body("POST", at(order))(body), `${order} ${JSON.stringify(body)}`);
    inspector.seen.delete(`POST ${at(order)} 400`);
    await ask(order, body);
    assert(inspector.seen.has(`POST ${at(order)} 400`), `${order} ${JSON.stringify(body)}`);
  }
  using client = Deno.createHttpClient({ allowHost: true });
  for (const [method, path] of operations) {
    const { body, ...init } = ordering("{}");
    const misdirected: RequestInit & { client: Deno.HttpClient } = {
      ...init,
      ...(method === "GET" ? {} : { body }),
      headers: { ...init.headers, host: "evil.example" },
      client,
    };
    await inspector.ask(hub, method, path, "", misdirected);
  }
  await ask("ban", { name: "Eve", reason: "spam", for: 60 });
  await ask("mute", { address: "2001:db8::7" });
  await ask("close-room", { room: "party" });
  for (const [order] of [...ORDERS, ["bans"]] as const) {
    const method = order === "bans" ? "GET" : "POST";
    const init = method === "GET" ? {} : { body: "{}" };
    const headers = { "content-type": "application/json" };
    await inspector.ask(hub, method, at(order), "", { ...init, headers });
    const mine = { ...headers, authorization: `Bearer ${token}` };
    await inspector.ask(hub, method, at(order), "", { ...init, headers: mine });
    if (method === "GET") {
      const admin = { authorization: `Bearer ${ADMIN}` };
      await inspector.ask(hub, method, at(order), "", { headers: admin });
    } else {
      await ask(order, { message: "x".repeat(70_000) });
    }
  }
  // Nobody of that name, and nothing to lift.
  await ask("kick", { name: "Nobody" });
  await ask("unban", { name: "Nobody" });
  await ask("unmute", { name: "Nobody" });
  await ask("open-room", { room: "open" });
  await ask("release-name", { name: "Nobody" });
  await using limited = await moderated({ limits: { ratePerAddress: 1, rateOnLoopback: true } });
  for (const [method, path] of operations) {
    while (!inspector.seen.has(`${method} ${path} 429`)) {
      await inspector.ask(limited, method, path, "", method === "POST" ? ordering("{}") : {});
    }
  }
  const crowded = await openSqliteBroker({ path: ":memory:" });
  await sqliteStorage(crowded).sanctions.put(Array.from({ length: MAX_SANCTIONS }, (_, n) => ({
    ...{ kind: "ban", on: "name", key: `n${n}`, target: `n${n}`, by: "admin" } as const,
    ...{ since: n, until: Infinity },
  })));
  await using full = await moderated({ broker: crowded });
  for (const [order, body] of [["ban", { name: "x" }], ["mute", { name: "x" }]] as const) {
    await inspector.ask(full, "POST", at(order), "", ordering(JSON.stringify(body)));
  }
  await inspector.ask(full, "POST", at("close-room"), "", ordering(`{"room":"party"}`));
  // A fault cannot be had for the asking; bodies that are late have a test of their own.
  const left = operations.flatMap(([method, path, { responses }]) =>
    Object.keys(responses).map((status) => `${method} ${path} ${status}`)
  ).filter((what) => !inspector.seen.has(what) && !/ (500|408)$/.test(what));
  assertEquals(left, []);
});

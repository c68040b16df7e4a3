import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OPERATIONS } from "../../../server/http/api/operations.ts";
import { fetchJson } from "../../kit/http.ts";
import { startModeratedHub } from "../../kit/test_hub.ts";

/** A path of an operation, with values for its variables. */
function pathOf(path: string): string {
  return path.replace("{room}", "lobby").replace("{id}", "1");
}

Deno.test("every operation rejects unknown parameters, and names those it knows", async () => {
  await using hub = await startModeratedHub();
  const headers = { authorization: "Bearer an-admin-token-of-the-hub" };
  for (const { method, path, query = {} } of OPERATIONS) {
    for (const unknown of ["limt=5", "x", "%1b%5B2J=1", "Limit=3", "toString=1"]) {
      const { status, body } = await fetchJson(hub, `${pathOf(path)}?${unknown}`, {
        method,
        headers,
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      assertEquals([status, body.error.code], [400, "bad_parameter"], `${method} ${path}`);
      for (const name of Object.keys(query)) assertStringIncludes(body.error.message, name);
      assert(!/\p{Cc}/u.test(body.error.message));
    }
  }
});

Deno.test("every operation rejects a parameter that is given twice, unless it is a list", async () => {
  await using hub = await startModeratedHub();
  const headers = { authorization: "Bearer an-admin-token-of-the-hub" };
  for (const { method, path, query = {} } of OPERATIONS) {
    for (const [name, schema] of [...Object.entries(query), ["token", undefined] as const]) {
      if (schema?.type === "array") continue;
      const { status, body } = await fetchJson(hub, `${pathOf(path)}?${name}=1&${name}=1`, {
        method,
        headers,
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      assertEquals([status, body.error.code], [400, "bad_parameter"], `${method} ${path} ${name}`);
      assertStringIncludes(body.error.message, `"${name}"`);
    }
  }
});

Deno.test("`?token=` is a parameter of every operation", async () => {
  await using hub = await startModeratedHub();
  const token = "token=an-admin-token-of-the-hub";
  for (const path of ["/api/rooms", "/api/people", "/api/status", "/api/admin/bans"]) {
    assertEquals((await fetchJson(hub, `${path}?${token}`)).status, 200, path);
  }
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import { connect } from "../../../client.ts";
import { keyPair } from "../../kit/certificates.ts";
import { rawGet } from "../../kit/raw_http.ts";
import { startTestHub } from "../../kit/test_hub.ts";

const ANY = ["Accept", "*/*"] as const;

Deno.test("the plain page names the address of the request", async () => {
  await using hub = await startTestHub({ rooms: ["team.de-1"] });
  for (const host of [`localhost:${hub.port}`, `127.0.0.1:${hub.port}`, `[::1]:${hub.port}`]) {
    const answer = await rawGet(hub.port, "/", [["Host", host], ANY]);
    assertEquals(answer.status, 200);
    assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
    assertStringIncludes(answer.headers.get("vary") ?? "", "accept");
    assert(answer.body.startsWith(`Open http://${host} in a browser`), answer.body);
    assertStringIncludes(answer.body, `bcast connect ws://${host}/`);
    assertStringIncludes(answer.body, `http://${host}/api/rooms/team.de-1/messages`);
    assert(!answer.body.includes("TOKEN"));
  }
  const browser = await rawGet(hub.port, "/", [["Accept", "text/html,*/*;q=0.8"]]);
  assertStringIncludes(browser.body, "<!DOCTYPE html>");
  assertEquals((await rawGet(hub.port, "/ws", [ANY])).status, 426);
});

Deno.test("the commands on the plain page work", async () => {
  await using hub = await startTestHub();
  const { body } = await rawGet(hub.port, "/", [["Host", `127.0.0.1:${hub.port}`], ANY]);
  const [, post = ""] = /curl -d "Hello" (\S+)/.exec(body) ?? [];
  const posted = await fetch(post, { method: "POST", body: "Hello" });
  assertEquals(posted.status, 201);
  await posted.body?.cancel();
  const [, listen = ""] = /curl -N (\S+)/.exec(body) ?? [];
  const events = await fetch(listen);
  assertEquals(events.headers.get("content-type")?.split(";")[0], "text/event-stream");
  await events.body?.cancel();
  const [, url = ""] = /bcast connect (\S+)/.exec(body) ?? [];
  await using alice = connect({ url, sender: "Alice" });
  assertEquals((await alice.members("lobby")).online, 1);
});

Deno.test("the plain page mentions TLS and tokens, and guesses no address behind a proxy", async () => {
  const tls = await keyPair();
  await using hub = await startTestHub({
    tls,
    host: "localhost",
    authorizer: new SecretAuthorizer(["a-secret-that-is-long"]),
  });
  using client = Deno.createHttpClient({ caCerts: [tls.cert] });
  const page = async (headers: Record<string, string>): Promise<string> => {
    const url = `https://localhost:${hub.port}/`;
    return await (await fetch(url, { client, headers: { accept: "*/*", ...headers } })).text();
  };
  const direct = await page({});
  assertMatch(direct, /^Open https:\/\/localhost:\d+ in a browser/);
  assertMatch(direct, /bcast connect wss:\/\/localhost:\d+\/ --token-file FILE/);
  assertMatch(direct, /curl -N -H "Authorization: Bearer TOKEN" https:/);
  for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    const passedOn = await page({ [name]: "for=192.0.2.1" });
    assert(!passedOn.includes("localhost"), passedOn);
  }
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectorFor, webSocketThrough } from "../../commands/client/trust.ts";
import { connect } from "../../client.ts";
import { keyPair } from "../kit/certificates.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { Nginx, nginxIsMissing } from "../kit/nginx.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { until } from "../kit/wait.ts";

const guide = await Deno.readTextFile(new URL("../../docs/deploy.md", import.meta.url));
const UNIT = new URL("../../deploy/bcast.service", import.meta.url);

/** The forwarded address of the client, which differs from the one of the proxy. */
const CLIENT = "127.0.0.2";

/** Replaces every `from` with its `to`; fails if `text` does not contain one of them. */
function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((result, [from, to]) => {
    assert(result.includes(from), `docs/deploy.md no longer says ${from}`);
    return result.replaceAll(from, to);
  }, text);
}

function leftOut(what: string): void {
  // deno-lint-ignore no-console -- a skipped test must not look like a passed one
  console.warn(`SKIPPED behind nginx: ${what}`);
}

Deno.test({
  name: "docs/deploy.md: nginx with TLS and a base path lets clients through",
  ignore: nginxIsMissing(),
  fn: async (t) => {
    await using folder = await temporaryFolder();
    const { cert, key } = await keyPair(["localhost"]);
    const files = { cert: `${folder.path}/cert.pem`, key: `${folder.path}/key.pem` };
    await Deno.writeTextFile(files.cert, cert);
    await Deno.writeTextFile(files.key, key);
    const { program: hub, url: hubUrl } = await startHubProcess([
      ...["--memory", "--trust-proxy", "127.0.0.1/32"],
    ]);
    await using _hub = hub;

    const [, block = ""] = /```nginx\n(.*?)```/s.exec(guide) ?? [];
    const port = freePort();
    const config = replaced(block, {
      "listen 443 ssl;": `listen 127.0.0.1:${port} ssl;`,
      "server_name chat.example.com;": "server_name localhost;",
      "/etc/ssl/chat.example.com.pem": files.cert,
      "/etc/ssl/private/chat.example.com.key": files.key,
      "127.0.0.1:8765": new URL(hubUrl).host,
    });
    await using nginx = await Nginx.start(folder.path, config);
    const url = new URL(`wss://localhost:${port}/chat/`);
    await using way = connectorFor(url, { ca: files.cert });
    using http = Deno.createHttpClient({ caCerts: [cert], localAddress: CLIENT });
    const get = (path: string, accept = "*/*"): Promise<Response> =>
      fetch(new URL(path, `https://localhost:${port}/chat/`), {
        client: http,
        redirect: "manual",
        headers: { accept },
      });
    const up = until("nginx and the hub behind it", async () => {
      try {
        return (await (await get("healthz")).text()) === "ok\n";
      } catch (error) {
        if (error instanceof TypeError) return false;
        throw error;
      }
    });
    const died = nginx.ended().then((errors) => {
      throw new Error(`nginx ended: ${errors}`);
    });
    // Its regular exit at the end of the test needs no report.
    died.catch(() => undefined);
    await Promise.race([up, died]);

    await t.step("two clients exchange messages", async () => {
      await using alice = connect({ url, sender: "Alice" }, way.environment);
      await using bob = connect({ url, sender: "Bob" }, way.environment);
      await alice.send({ message: "through the proxy" });
      for await (const event of bob) if (event.type === "message") break;
      assertEquals((await bob.members("lobby")).online, 2);
    });

    await t.step("errors of the hub reach the client", async () => {
      const answer = await get("nowhere");
      assertEquals(answer.status, 404);
      assertMatch(answer.headers.get("server") ?? "", /nginx/);
      assertMatch(await answer.text(), /hub/);
    });

    await t.step("the hub sees the real address", async () => {
      const socket = webSocketThrough(http, new URL(url), []);
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      socket.close();
      await until("the address in the log", () => hub.errors.includes(`from ${CLIENT}`));
    });

    await t.step("the page and all its files are served", async () => {
      const answer = await get("", "text/html");
      const page = await answer.text();
      assertEquals(answer.status, 200);
      assertMatch(answer.headers.get("content-type") ?? "", /^text\/html/);
      const names = [...page.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, name]) => name ?? "");
      assert(names.length > 0, page);
      for (const name of names) {
        const part = await get(name);
        await part.body?.cancel();
        assertEquals(part.status, 200, name);
      }
    });

    await t.step(
      "the host name of the proxy is accepted, and a forged one without the proxy rejected",
      async () => {
        const options = { hostname: "localhost", port, caCerts: [cert] };
        using through = await Deno.connectTls(options);
        assertEquals(await statusFor(through, "/chat/api/status", "chat.example.com"), 200);
        const { hostname, port: own } = new URL(hubUrl);
        using past = await Deno.connect({ hostname, port: Number(own) });
        const forged = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: localhost\r\n";
        assertEquals(await statusFor(past, "/api/status", `evil.example:${own}`, forged), 421);
      },
    );

    await t.step("events arrive one by one", async () => {
      const answer = await get("api/rooms/lobby/events");
      if (answer.status === 404) {
        await answer.body?.cancel();
        return leftOut("server-sent events, which there are none yet");
      }
      assertEquals(answer.status, 200);
      await using alice = connect({ url, sender: "Alice" }, way.environment);
      await alice.send({ message: "as an event" });
      let heard = "";
      const decoder = new TextDecoder();
      for await (const part of answer.body ?? []) {
        heard += decoder.decode(part, { stream: true });
        if (heard.includes("as an event")) break;
      }
      assert(heard.includes("as an event"), heard);
    });
  },
});

Deno.test({
  name: "`systemd-analyze` accepts deploy/bcast.service",
  ignore: systemdIsMissing(),
  fn: async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/bcast.service`;
    const unit = await Deno.readTextFile(UNIT);
    // `verify` requires the executable, which is not installed here.
    assert(unit.includes("ExecStart=/usr/local/bin/bcast start"));
    await Deno.writeTextFile(path, unit.replaceAll("/usr/local/bin/bcast", Deno.execPath()));
    assertEquals(await analyze(["verify", "--man=no", path]), "");
    const report = await analyze(["security", "--offline=true", "--no-pager", path]);
    const [, score = "10"] = /Overall exposure level for \S+: ([0-9.]+)/.exec(report) ?? [];
    const [, claimed = "0"] = /rates it\s+([0-9.]+) of 10/.exec(guide.replace(/\s+/g, " ")) ?? [];
    assert(Number(score) <= Number(claimed), `${score}, docs/deploy.md says ${claimed}\n${report}`);
  },
});

Deno.test("deploy/bcast.service starts the hub with existing flags", async () => {
  const unit = await Deno.readTextFile(UNIT);
  const [, line = ""] = /^ExecStart=\/usr\/local\/bin\/bcast start (.*)$/m.exec(unit) ?? [];
  await using folder = await temporaryFolder();
  const args = line.replace("%S", folder.path).split(" ");
  await using hub = new Program(["start", "--port", "0", ...args]);
  await hub.line(/^Listening on ws:\/\/localhost:\d+\/$/);
  if (Deno.build.os === "windows") return;
  // `ExecReload` on a hub that has nothing to reload.
  hub.kill("SIGHUP");
  hub.kill("SIGTERM");
  assertEquals(await hub.exit(), 0, hub.errors);
});

function systemdIsMissing(): boolean {
  try {
    return !new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null" })
      .outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a skipped test must not look like a passed one
    console.warn("SKIPPED: the checks of the systemd unit, because systemd is not installed");
    return true;
  }
}

async function analyze(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args: [...args],
    env: { NO_COLOR: "1", SYSTEMD_COLORS: "0" },
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, said);
  return said.trim();
}

/** The status of a request with the header `Host: host`, which `fetch()` cannot send. */
async function statusFor(
  conn: Deno.Conn,
  path: string,
  host: string,
  headers = "",
): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(64);
  const count = await conn.read(buffer) ?? 0;
  return Number(new TextDecoder().decode(buffer.subarray(0, count)).split(" ")[1]);
}

/** A port that is free now: nginx cannot choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

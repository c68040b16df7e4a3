import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { pathToFileURL } from "node:url";
import { Assets } from "../../server/http/assets.ts";
import { buildWeb } from "../../web/build.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { startTestHub } from "../kit/test_hub.ts";
import { PathProxy } from "../kit/path_proxy.ts";

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

/** The limit for the compressed script of the page, in bytes. */
const MAX_SCRIPT = 64 * 1024;

/** The response for an asset. */
function ask(path: string, headers: HeadersInit = {}, method = "GET"): Response | undefined {
  return new Assets().answer(new Request(`http://hub${path}`, { method, headers }), path);
}

async function pageText(): Promise<string> {
  const response = ask("/", HTML);
  assert(response !== undefined);
  return await response.text();
}

/** All files that the page refers to. */
async function named(): Promise<string[]> {
  return [...(await pageText()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
}

await buildWeb();

Deno.test("`buildWeb()` does nothing when the sources are unchanged", async () => {
  assertEquals(await buildWeb(), false);
});

Deno.test("`Assets` serves the page to clients that accept HTML, and leaves other requests to the hub", async () => {
  await using hub = await startTestHub();
  const url = hub.url.replace("ws:", "http:");
  const page = await fetch(url, { headers: HTML });
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assertMatch(await page.text(), /<div id="app">/);

  const other = await fetch(url, { headers: { accept: "*/*" } });
  assertEquals(other.status, 200);
  // Older runtimes add the encoding.
  assertMatch(other.headers.get("vary") ?? "", /(?:^|, )accept$/);
  assertMatch(await other.text(), /^Open http:\/\/127\.0\.0\.1:\d+ in a browser/);
});

Deno.test("`Assets` serves only `GET` and `HEAD`, and only its files", () => {
  assertEquals(ask("/", HTML, "POST"), undefined);
  for (
    const path of ["/index.html", "/list.json", "/../deno.json", "/assets/", "/assets/app.js", "//"]
  ) {
    assertEquals(ask(path, HTML), undefined, path);
  }
});

Deno.test("`Assets` answers `HEAD` as `GET`, without the body", async () => {
  const [get, head] = [ask("/", HTML), ask("/", HTML, "HEAD")];
  assert(get !== undefined && head !== undefined);
  assertEquals([...head.headers], [...get.headers]);
  assertEquals([(await head.text()).length, (await get.text()).length > 0], [0, true]);
});

Deno.test("`Assets` lets browsers cache files with a hash in their name, and revalidate all others", async () => {
  for (const path of await named()) {
    const control = ask(`/${path}`)?.headers.get("cache-control");
    assertEquals(
      control,
      path.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      path,
    );
  }
  assertEquals(ask("/", HTML)?.headers.get("cache-control"), "no-cache");
  assertEquals(ask("/sw.js")?.headers.get("cache-control"), "no-cache");
});

Deno.test("`Assets` sends the best accepted encoding, each with its own ETag", async () => {
  const path = `/${(await named()).find((each) => each.endsWith(".js"))}`;
  const tags = new Set<string | null>();
  const plain = await ask(path)?.text();
  for (
    const [accepted, coding] of [
      ["", null],
      ["identity", null],
      ["gzip, deflate", "gzip"],
      ["gzip, deflate, br, zstd", "br"],
      ["br;q=0, gzip;q=0.5", "gzip"],
      ["*", null],
      ["brotli", null],
    ] as const
  ) {
    const response = ask(path, { "accept-encoding": accepted });
    assert(response !== undefined);
    assertEquals(response.headers.get("content-encoding"), coding, accepted);
    assertEquals(response.headers.get("vary"), "accept-encoding");
    tags.add(response.headers.get("etag"));
    const body = new Uint8Array(await response.arrayBuffer());
    assertEquals(response.headers.get("content-length"), String(body.length));
    const decoded = coding === "br"
      ? brotliDecompressSync(body)
      : coding === "gzip"
      ? gunzipSync(body)
      : body;
    assertEquals(new TextDecoder().decode(decoded), plain);
  }
  assertEquals(tags.size, 3);
});

Deno.test("`Assets` answers 304 to a matching ETag", () => {
  const etag = ask("/", HTML)?.headers.get("etag") ?? "";
  for (const known of [etag, `"other", ${etag}`, `W/${etag}`, "*"]) {
    const response = ask("/", { ...HTML, "if-none-match": known });
    assertEquals([response?.status, response?.body, response?.headers.get("etag")], [
      304,
      null,
      etag,
    ]);
  }
  assertEquals(ask("/", { ...HTML, "if-none-match": `"other"` })?.status, 200);
});

Deno.test("`Assets` sends a policy against inline and third-party content", async () => {
  for (const path of ["/", ...(await named()).map((each) => `/${each}`)]) {
    const headers = ask(path, HTML)?.headers;
    const policy = headers?.get("content-security-policy") ?? "";
    assertMatch(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assertMatch(policy, /frame-ancestors 'none'/);
    assert(!policy.includes("unsafe"), policy);
    assert(!/\*|https?:/.test(policy), policy);
    assertEquals(headers?.get("x-content-type-options"), "nosniff");
    assertEquals(headers?.get("referrer-policy"), "no-referrer");
    assertEquals(headers?.get("cross-origin-opener-policy"), "same-origin");
  }
  const page = await pageText();
  assert(!/<style|style=|<script(?![^>]*src=)|\son\w+=/i.test(page), page);
  assert(!/https?:|\/\//.test(page), "The page names another host");
});

Deno.test("`Assets` sends a script of at most 64 KiB", async () => {
  const path = (await named()).find((each) => each.endsWith(".js"));
  for (const coding of ["br", "gzip"]) {
    const length = ask(`/${path}`, { "accept-encoding": coding })?.headers.get("content-length");
    assert(Number(length) > 0 && Number(length) <= MAX_SCRIPT, `${coding}: ${length} bytes`);
  }
});

Deno.test("the page's script does not contain the schema library", async () => {
  const path = (await named()).find((each) => each.endsWith(".js"));
  const text = await ask(`/${path}`)?.text() ?? "";
  // Every schema of the library has this key of Standard Schema; minifying keeps it.
  assert(text.length > 0 && !text.includes("~standard"));
});

Deno.test("`Assets` answers 503 while the page is not built", async () => {
  await using folder = await temporaryFolder();
  const assets = new Assets(pathToFileURL(`${folder.path}/`));
  const response = assets.answer(new Request("http://hub/", { headers: HTML }), "/");
  assertEquals(response?.status, 503);
  assertMatch(await response?.text() ?? "", /its web page is not built: run "deno task web"/);
  assertEquals(assets.answer(new Request("http://hub/sw.js"), "/sw.js"), undefined);
});

Deno.test("the page and all its files are served under a base path behind a proxy", async () => {
  await using hub = await startTestHub();
  await using proxy = new PathProxy("/chat", hub.port);
  const page = await fetch(proxy.url, { headers: HTML });
  const paths = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)];
  assertNotEquals(paths.length, 0);
  for (const [, path = ""] of paths) {
    const response = await fetch(new URL(path, proxy.url));
    assertEquals(response.status, 200, path);
    await response.body?.cancel();
  }
});

import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import type { Authorizer } from "../../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../../auth/secrets.ts";
import type { Server } from "../../../server.ts";
import { browserTests, type TestBrowser } from "../../kit/browser.ts";
import { keyPair } from "../../kit/certificates.ts";
import { fetchJson, httpUrl } from "../../kit/http.ts";
import { startTestHub } from "../../kit/test_hub.ts";

const test = browserTests();

const SECRET = "the-secret-of-the-owner";

/** Cross-origin requests that a page can make, with or without an `Origin` header. */
const REQUESTS: Readonly<Record<string, (url: string) => void>> = {
  image: (url) => new Image().src = url,
  redirect: (url) => new Image().src = `/to?${encodeURIComponent(url)}`,
  script: (url) => {
    document.head.append(Object.assign(document.createElement("script"), { src: url }));
  },
  module: (url) => {
    const script = document.createElement("script");
    document.head.append(Object.assign(script, { type: "module", src: url }));
  },
  style: (url) => {
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { rel: "stylesheet", href: url }));
  },
  prefetch: (url) => {
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { rel: "prefetch", href: url }));
  },
  preload: (url) => {
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { rel: "preload", as: "image", href: url }));
  },
  media: (url) => {
    document.body.append(Object.assign(document.createElement("video"), { src: url }));
  },
  frame: (url) => {
    document.body.append(Object.assign(document.createElement("iframe"), { src: url }));
  },
  object: (url) => {
    document.body.append(Object.assign(document.createElement("object"), { data: url }));
  },
  form: (url) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "target" });
    const form = document.createElement("form");
    document.body.append(frame, Object.assign(form, { action: url, target: "target" }));
    form.method = "post";
    form.submit();
  },
  beacon: (url) => {
    navigator.sendBeacon(url, "x");
  },
  "fetch without CORS": (url) => {
    fetch(url, { mode: "no-cors", referrerPolicy: "no-referrer" }).catch(() => {});
  },
  "fetch with CORS": (url) => {
    fetch(url).catch(() => {});
  },
  "event source": (url) => {
    new EventSource(url);
  },
};

/** A page on another origin: `host` decides whether it is also another site. */
function foreignSite(host: string): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve(
    { hostname: host, port: 0, onListen() {} },
    ({ url }) => {
      const { pathname, search } = new URL(url);
      if (pathname === "/to") return Response.redirect(decodeURIComponent(search.slice(1)));
      return new Response("<!doctype html><title>Cats</title><body>Cats", {
        headers: { "content-type": "text/html" },
      });
    },
  );
  return {
    url: `http://${host}:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Starts a hub with a token that records the tokens it receives. */
async function startTokenHub(
  origins: readonly string[] = [],
): Promise<{ readonly hub: Server; readonly asked: string[] }> {
  const asked: string[] = [];
  const known = new SecretAuthorizer([SECRET]);
  const authorizer: Authorizer = {
    required: true,
    authorize(token) {
      if (token !== undefined) asked.push(token);
      return known.authorize(token);
    },
  };
  return { hub: await startTestHub({ authorizer, origins, metrics: "all" }), asked };
}

/** Opens a page of the other site; its errors do not fail the test. */
async function visit(
  browser: TestBrowser,
  url: string,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  await using profile = await browser.newProfile();
  const page = await profile.context.newPage();
  try {
    await page.goto(url);
    await use(page);
  } finally {
    profile.faults.length = 0;
  }
}

/**
 * The status of the request for `url` that `go` makes, or that the browser hid the response from the
 * page.
 */
async function outcome(
  page: Page,
  url: string,
  go: (url: string) => void,
): Promise<number | "withheld"> {
  const mine = (request: { url(): string }): boolean => request.url() === url;
  const over = Promise.race([
    page.waitForEvent("requestfailed", mine),
    page.waitForEvent("requestfinished", mine),
  ]);
  await page.evaluate(go, url);
  return (await (await over).response())?.status() ?? "withheld";
}

/** The number of requests that the hub rejected with 403. */
async function refused(hub: Server): Promise<number> {
  const text = await (await fetch(httpUrl(hub, "/metrics"))).text();
  return Number(/^bcast_turned_away_total\{status="403"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** The outcome of an upgrade that the page requests. */
function upgrade(page: Page, url: string): Promise<string> {
  return page.evaluate((url) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(url, "bcast.v1");
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    }), url.replace("http", "ws"));
}

// The hub is at 127.0.0.1: the first is the same site on another port, the second another site.
for (const host of ["127.0.0.1", "localhost"]) {
  test(`no request of a page at ${host}, on another port, reaches tokens or rooms`, async (browser) => {
    const { hub, asked } = await startTokenHub();
    await using _hub = hub;
    await using site = foreignSite(host);
    let tried = 0;
    await visit(browser, site.url, async (page) => {
      for (const [way, go] of Object.entries(REQUESTS)) {
        for (
          const path of ["/api/status", "/api/rooms/lobby/messages", "/metrics"]
        ) {
          const query = `token=guess&query=a*+a*&way=${encodeURIComponent(way)}`;
          const status = await outcome(page, httpUrl(hub, `${path}?${query}`), go);
          assert(status === 403 || status === "withheld", `${way} ${path}: ${status}`);
          tried++;
        }
      }
      assertEquals(await upgrade(page, httpUrl(hub, "/?token=guess")), "refused");
      const linked = await outcome(page, httpUrl(hub, "/api/status?token=guess&linked"), (url) => {
        location.href = url;
      });
      assertEquals(linked, 403);
      tried += 2;
    });
    assert(await refused(hub) >= tried, "all of them came to the hub");
    assertEquals(asked, []);
    const headers = { authorization: `Bearer ${SECRET}` };
    assertEquals((await fetchJson(hub, "/api/status", { headers })).status, 200);
  });

  test(`a page at ${host}, on another port, can link to the hub's page`, async (browser) => {
    await using hub = await startTestHub();
    await using site = foreignSite(host);
    await visit(browser, site.url, async (page) => {
      await page.evaluate((url) => {
        document.body.append(
          Object.assign(document.createElement("a"), { href: url, textContent: "Chat" }),
        );
      }, httpUrl(hub, "/"));
      await page.locator("a").click();
      await page.locator("#app").first().waitFor();
      assert(page.url().startsWith(httpUrl(hub, "/")), page.url());
    });
  });
}

test("a page allowed by --origin fetches, listens and connects; images of other pages are rejected", async (browser) => {
  await using site = foreignSite("localhost");
  const { hub } = await startTokenHub([new URL(site.url).origin]);
  await using _hub = hub;
  await visit(browser, site.url, async (page) => {
    const status = httpUrl(hub, "/api/status");
    const found = await page.evaluate(
      async ([url, token]) => {
        const headers = { authorization: `Bearer ${token}` };
        return (await fetch(url ?? "", { headers })).status;
      },
      [status, SECRET],
    );
    assertEquals(found, 200);
    const events = httpUrl(hub, `/api/rooms/lobby/events?token=${SECRET}`);
    const listens = await page.evaluate((url) =>
      new Promise<string>((resolve) => {
        const source = new EventSource(url);
        source.onopen = () => (source.close(), resolve("open"));
        source.onerror = () => resolve("refused");
      }), events);
    assertEquals(listens, "open");
    assertEquals(await upgrade(page, httpUrl(hub, "/")), "open");
    const before = await refused(hub);
    const image = await outcome(page, `${status}?image`, (url) => void (new Image().src = url));
    // An image request has no `Origin`, and any client can omit or forge `Referer`.
    assert(image === 403 || image === "withheld", String(image));
    assertEquals(await refused(hub), before + 1);
  });
});

test("the hub's own page and a typed address are not rejected", async (browser) => {
  await using hub = await startTestHub();
  await using profile = await browser.newProfile();
  const { page } = await profile.open(hub);
  assertEquals(await page.evaluate(async () => (await fetch("/api/status")).status), 200);
  assertEquals((await page.goto(httpUrl(hub, "/api/status")))?.status(), 200);
});

test("the hub's own page posts over HTTP/2 and connects on a hub with TLS", async (browser) => {
  await using hub = await startTestHub({ tls: await keyPair() });
  await using profile = await browser.newProfile({
    ignoreHTTPSErrors: true,
    serviceWorkers: "block",
  });
  const { page } = await profile.open(httpUrl(hub, "/"));
  const [status, protocol] = await page.evaluate(async () => {
    const { status } = await fetch("/api/rooms/lobby/messages", { method: "POST", body: "hi" });
    const [entry] = performance.getEntriesByType("resource").slice(-1);
    return [status, (entry as PerformanceResourceTiming).nextHopProtocol];
  });
  assertEquals([status, protocol], [201, "h2"]);
  assertEquals(await upgrade(page, httpUrl(hub, "/")), "open");
});

import { assertEquals } from "@std/assert";
import { type Golden, LaterHub, parseLines } from "../../../conformance/later_hub.ts";
import { Assets } from "../../../server/http/assets.ts";
import { browserTests } from "../../kit/browser.ts";

const test = browserTests();

const GOLDEN = new URL("../../../conformance/frames/hub.ndjson", import.meta.url);

test("the page goes on with a hub of a later version: each message once, and no reconnect but the hub's", async (browser) => {
  const golden = parseLines<Golden>(await Deno.readTextFile(GOLDEN));
  const broken: string[] = [];
  const later = new LaterHub(golden, (ok, rule, saw) => {
    if (!ok) broken.push(`${rule}: ${saw}`);
  });
  const assets = new Assets();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      if (request.headers.has("upgrade")) return later.handle(request);
      const { pathname } = new URL(request.url);
      if (pathname === "/api/rooms") return Response.json({ defaults: [], total: 0, rooms: [] });
      return assets.answer(request, pathname) ?? new Response(null, { status: 404 });
    },
  );
  await using profile = await browser.newProfile({ height: 2000, serviceWorkers: "block" });
  // Not waiting until it is online: the hub ends the third connection.
  const query = "name=Alice&room=dev";
  const chat = await profile.open(`http://127.0.0.1:${server.addr.port}/`, { query });
  await later.done;
  assertEquals(broken, []);
  await chat.sees("twenty-six");
  const shown = golden.flatMap(({ frame, expect }) =>
    (expect.show ?? []).flatMap((id) => {
      const list = (frame["messages"] ?? [frame]) as { id: number; message?: string }[];
      return list.filter((entry) => entry.id === id).map(({ message }) =>
        message ?? `  "build": 17`
      );
    })
  );
  const lines = (await chat.texts()).join("\n").split("\n");
  const counts = shown.map((each) => [each, lines.filter((line) => line === each).length]);
  assertEquals(counts, shown.map((each) => [each, 1]), lines.join("\n"));
});

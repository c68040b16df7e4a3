import { assert, assertEquals } from "@std/assert";
import { main } from "../../main.ts";
import { combineAuthorizers } from "../../auth/authorizer.ts";
import { SecretAuthorizer } from "../../auth/secrets.ts";
import { shellWords } from "../../cli/shell.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

const text = await Deno.readTextFile(new URL("../../docs/moderation.md", import.meta.url));

const TOKEN = "an-admin-token-of-the-hub";

Deno.test("all moderation commands in docs/moderation.md work in sequence", async () => {
  await using hub = await startTestHub({
    authorizer: combineAuthorizers([new SecretAuthorizer([TOKEN], { admin: true })], {
      open: true,
    }),
  });
  const eve = await TestSocket.plain(hub.url, "Eve", "room=party");
  const [, block = ""] = /BCAST_TOKEN_FILE=admin\.txt\n([^`]+)```/.exec(text) ?? [];
  const lines = block.trim().split("\n");
  assert(lines.length >= 10);
  for (const line of lines) {
    const [program, ...args] = shellWords(line);
    assertEquals(program, "bcast");
    const context = memoryContext({ env: { BCAST_URL: hub.url, BCAST_TOKEN: TOKEN } });
    assertEquals(await main(args, context), 0, `${line}\n${context.stderr.text}`);
  }
  assertEquals((await eve.closed).code, 4503);
});

Deno.test("docs/moderation.md names every command with its fields", async () => {
  await using hub = await startTestHub({
    authorizer: new SecretAuthorizer([TOKEN], { admin: true }),
  });
  const ask = async (what: string, body: object): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${hub.port}/api/admin/${what}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(body),
    });
    const answer: { readonly error: { readonly message: string } } = await response.json();
    return answer.error.message;
  };
  const known = (await ask("?", {})).split(" are ")[1]?.split(", ") ?? [];
  const rows = text.split("\n").filter((line) => /^\| `(?:POST|GET) /.test(line));
  const documented = new Map(rows.flatMap((row) => {
    const [, request = "", fields = ""] = row.split("|");
    const names = [...fields.matchAll(/`([a-z]+)\??`/g)].map(([, name]) => name ?? "");
    return [...request.matchAll(/(?:admin|…)\/([a-z-]+)/g)].map(([, order]) =>
      [order ?? "", names] as const
    );
  }));
  const paths = [...documented.keys()].map((name) => `/api/admin/${name}`);
  assertEquals(paths.toSorted(), known.toSorted());
  for (const [order, names] of documented) {
    if (order === "bans") continue;
    const allowed = (await ask(order, { "?": 1 })).split(": use ")[1]?.split(", ");
    assertEquals(names.toSorted(), allowed?.toSorted(), order);
  }
});

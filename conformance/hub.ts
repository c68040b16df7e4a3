// deno-lint-ignore-file no-console -- this script prints its results
/**
 * A hub of a later version for testing a client: plays `frames/hub.ndjson` to it.
 *
 * Usage: `deno run -N -R=conformance conformance/hub.ts [PORT]`, then let your client connect to
 * the address that is printed, and join one room. Prints what the client must show, and a line for
 * each rule that can be seen from here; exits with 1 if the client breaks one.
 *
 * @module
 */
import { type Golden, LaterHub, parseLines } from "./later_hub.ts";

const port = Number(Deno.args[0] ?? 0);
const text = await Deno.readTextFile(new URL("frames/hub.ndjson", import.meta.url));
const golden = parseLines<Golden>(text);

let broken = 0;
const hub = new LaterHub(golden, (ok, rule, saw) => {
  if (!ok) broken++;
  console.log(`${ok ? "ok  " : "FAIL"}  ${rule}: ${saw}`);
});

const server = Deno.serve({
  hostname: "127.0.0.1",
  port,
  onListen: ({ port }) => {
    console.log(`Let your client connect to ws://127.0.0.1:${port} and join one room.`);
    const shown = golden.flatMap(({ expect }) => expect.show ?? []);
    console.log(`It must show the messages ${shown.join(", ")} once each, and no others.`);
  },
}, (request) => hub.handle(request));

await hub.done;
await server.shutdown();
if (broken > 0) Deno.exit(1);

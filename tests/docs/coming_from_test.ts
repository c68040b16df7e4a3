import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../main.ts";
import { memoryContext } from "../kit/memory_output.ts";
import { python } from "../kit/python.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { startTestHub } from "../kit/test_hub.ts";

const text = await Deno.readTextFile(new URL("../../docs/coming-from.md", import.meta.url));

const interpreter = python();

Deno.test({
  name: `the client in docs/coming-from.md works${interpreter ? "" : ": SKIPPED, no websockets"}`,
  ignore: interpreter === undefined,
  fn: async () => {
    const [, code = ""] = /```python\n([^`]+)```/.exec(text) ?? [];
    await using hub = await startTestHub();
    await using reader = await TestSocket.plain(hub.url, "Reader");
    const child = new Deno.Command(interpreter ?? "", {
      args: ["-u", "-c", code.replace("ws://localhost:8765/", hub.url)],
      stdout: "piped",
    }).spawn();
    assertEquals((await reader.next("message"))["sender"], "Alice");
    reader.send({ type: "message", message: "Hello, Alice" });
    let printed = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += piece;
      if (printed.includes("Reader Hello, Alice\n")) break;
    }
    child.kill("SIGTERM");
    await child.status;
    assertStringIncludes(printed, "Alice Welcome! 2 online\n");
    assertStringIncludes(printed, "Alice Hello\n");
  },
});

Deno.test("every foreign flag and command in docs/coming-from.md gets the right hint", async () => {
  const [, section = ""] = text.split("## The command line");
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  let tried = 0;
  for (const row of rows) {
    const [, left = "", right = ""] = row.split("|");
    for (const [, words = ""] of left.matchAll(/`([^`]+)`/g)) {
      const isFlag = words.startsWith("-");
      const context = memoryContext();
      const code = await main([...(isFlag ? ["connect"] : []), ...words.split(" ")], context);
      assertEquals(code, 2, words);
      const [, hint] = /(?:Did you mean |write )((?:--)?[a-z-]+)/.exec(context.stderr.text) ?? [];
      assert(hint !== undefined, context.stderr.text);
      const known = right.includes(hint) || (hint === "--url" && right.includes("--host"));
      assert(known, `${words}: ${context.stderr.text}`);
      tried++;
    }
  }
  assert(tried > 12, String(tried));
});

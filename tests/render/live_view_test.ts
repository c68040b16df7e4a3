import { assertEquals } from "@std/assert";
import { LiveView } from "../../render/live_view.ts";
import { MemoryOutput } from "../kit/memory_output.ts";

class Narrow extends MemoryOutput {
  override readonly columns = 10;
}

Deno.test("`LiveView` redraws in place what fits, and restores the screen", async () => {
  const output = new Narrow();
  {
    await using view = new LiveView(output, () => 2);
    await view.show(["short", "a line that is longer", "a third"]);
    await view.show(["世界世界世界", "b"]);
  }
  assertEquals(
    output.text,
    "\x1b[?1049h\x1b[?25l\x1b[Hshort\x1b[K\r\na line th…\x1b[K\x1b[J" +
      "\x1b[H世界世界…\x1b[K\r\nb\x1b[K\x1b[J\x1b[?25h\x1b[?1049l",
  );
  const silent = new Narrow();
  await new LiveView(silent, () => 2)[Symbol.asyncDispose]();
  assertEquals(silent.text, "");
});

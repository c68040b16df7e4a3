import { assertEquals } from "@std/assert";

/** If set, fixtures are written instead of compared. */
const UPDATE = "BCAST_UPDATE_FIXTURES";

/** Compares a screen with `tests/fixtures/NAME.txt`. */
export async function assertFixture(name: string, screen: string): Promise<void> {
  const url = new URL(`../fixtures/${name}.txt`, import.meta.url);
  const shown = screen + "\n";
  if (Deno.env.has(UPDATE)) return await Deno.writeTextFile(url, shown);
  const kept = await Deno.readTextFile(url);
  const hint =
    `The screen differs from tests/fixtures/${name}.txt. If the change is intended, run ` +
    `${UPDATE}=1 deno task test tests/terminal/scenes_tmux_test.ts, and review the difference`;
  assertEquals(shown, kept, hint);
}

/** A screen with its times of the day replaced, as they differ between runs. */
export function timeless(screen: string): string {
  return screen.replaceAll(/\[\d\d:\d\d:\d\d\]/g, "[hh:mm:ss]");
}

import { assertEquals } from "@std/assert";

/** Set to anything, it makes fixtures of what is, instead of comparing. */
const UPDATE = "BCAST_UPDATE_FIXTURES";

/** Compares a screen with the one that is kept as `tests/fixtures/NAME.txt`. */
export async function assertFixture(name: string, screen: string): Promise<void> {
  const url = new URL(`../fixtures/${name}.txt`, import.meta.url);
  const shown = screen + "\n";
  if (Deno.env.has(UPDATE)) return await Deno.writeTextFile(url, shown);
  const kept = await Deno.readTextFile(url);
  const how = `The screen differs from tests/fixtures/${name}.txt. If it is as it should be, run ` +
    `${UPDATE}=1 deno task test tests/terminal/scenes_tmux_test.ts, and look at the difference`;
  assertEquals(shown, kept, how);
}

/** A screen without its times of the day, of which no two runs have the same. */
export function timeless(screen: string): string {
  return screen.replaceAll(/\[\d\d:\d\d:\d\d\]/g, "[hh:mm:ss]");
}

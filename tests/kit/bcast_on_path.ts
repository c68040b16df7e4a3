import { programCommand } from "./process.ts";

/**
 * Makes `bcast` a command that runs the program under test.
 *
 * @param folder where it is put.
 * @returns the `PATH` on which it is the first.
 */
export async function bcastOnPath(folder: string): Promise<string> {
  const words = programCommand().map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${folder}/bcast`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return `${folder}:${Deno.env.get("PATH") ?? ""}`;
}

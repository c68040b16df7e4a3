import { defineCommand } from "../cli/command.ts";
import { EXIT } from "../cli/errors.ts";
import { VERSION } from "../lib/version.ts";

/** `bcast version`. */
export const version = defineCommand({
  name: "version",
  summary: "Show the version",
  description: "Shows the versions of bcast and of the runtime, and the platform.",
  flags: {},
  examples: [["version", "Show the version"]],
  run: async (_input, { stdout }) => {
    await stdout.write(
      `bcast ${VERSION} (deno ${Deno.version.deno}, ${Deno.build.os} ${Deno.build.arch})\n`,
    );
    return EXIT.done;
  },
});

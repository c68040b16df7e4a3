import { resolve } from "node:path";
import { backUp } from "../broker/sqlite/backup.ts";
import { type CommandInput, commandsIn, defineCommand } from "../cli/command.ts";
import { loadConfig } from "../cli/config.ts";
import type { Context } from "../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { plural } from "../lib/words.ts";
import { formatBytes } from "@std/fmt";
import { visible } from "../protocol.ts";
import { resolveFlags } from "../cli/command_line.ts";
import { databaseIn } from "./start/data_directory.ts";

const FLAGS = {
  data: flag.text({
    placeholder: "DIR",
    defaultText: "as bcast start",
    help: "Data directory of the hub",
  }),
  force: flag.toggle({ help: "Replace FILE if it exists" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast backup`. */
export const backup = defineCommand({
  name: "backup",
  summary: "Copy the hub's log to a file",
  description:
    "Writes a consistent copy of the log to FILE: messages, bans and mutes. The hub may be " +
    "running. Only you can read the file.\n\nTo restore: stop the hub, copy FILE to bcast.db " +
    "in its data directory, and start it. Clients are told that history changed.",
  positional: { placeholder: "FILE", help: "The file to write", required: true },
  flags: FLAGS,
  examples: [
    ["backup bcast-backup.db", "Copy the log of this user's hub"],
    ["backup --data /srv/bcast --force /backup/bcast.db", "Replace yesterday's copy"],
  ],
  run,
});

async function run(input: Input, context: Context): Promise<ExitCode> {
  const { flags, positional: target } = input;
  if (target === undefined || target === "") {
    throw new UsageError("No file given. Name the file to write: bcast backup FILE");
  }
  const data = flags.data ?? await dataOfStart(input, context);
  const { bytes, messages, rooms } = await backUp(
    resolve(databaseIn(data, context)),
    resolve(target),
    { replace: flags.force },
  );
  await context.stdout.write(
    `Saved ${plural(messages, "message")} in ${plural(rooms, "room")} (${formatBytes(bytes)}) ` +
      `to ${visible(target)}\n`,
  );
  return EXIT.done;
}

/** The data directory that the configuration file sets for `bcast start`. */
async function dataOfStart(
  { globals, sections }: Input,
  context: Context,
): Promise<string | undefined> {
  const config = await loadConfig(globals.config, context, commandsIn(sections));
  const { data } = FLAGS;
  return resolveFlags({ data }, [config.command({ name: "start", flags: { data } })]).values
    .data;
}

import { resolve } from "node:path";
import { backUp } from "../broker/sqlite/backup.ts";
import { type AnyCommand, type CommandInput, defineCommand } from "../cli/command.ts";
import { loadConfig } from "../cli/config.ts";
import type { Context } from "../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import type { CommandGroup } from "../cli/help.ts";
import { plural } from "../lib/words.ts";
import { formatBytes } from "@std/fmt";
import { visible } from "../protocol.ts";
import { databaseIn } from "./database_path.ts";

const FLAGS = {
  data: flag.text({
    placeholder: "DIR",
    shown: "as bcast start",
    help: "Data directory of the hub",
  }),
  force: flag.toggle({ help: "Replace FILE if it exists" }),
};

type Input = CommandInput<typeof FLAGS>;

/** `bcast backup`; it finds the log by the settings of `start` among the commands of `groups`. */
export function backup(groups: () => readonly CommandGroup[]): AnyCommand {
  return defineCommand({
    name: "backup",
    summary: "Copy the hub's log to a file",
    description:
      "Writes a consistent copy of the log to FILE: messages, bans and mutes. The hub may be " +
      "running. Only you can read the file.\n\nTo restore: stop the hub, copy FILE to bcast.db " +
      "in its data directory, and start it. Clients are told that history changed.",
    positional: { placeholder: "FILE", help: "The file to write" },
    flags: FLAGS,
    examples: [
      ["backup bcast-backup.db", "Copy the log of this user's hub"],
      ["backup --data /srv/bcast --force /backup/bcast.db", "Replace yesterday's copy"],
    ],
    run: (input, context) => run(input, context, groups),
  });
}

async function run(
  input: Input,
  context: Context,
  groups: () => readonly CommandGroup[],
): Promise<ExitCode> {
  const { flags, positional: target } = input;
  if (target === undefined || target === "") {
    throw new UsageError("No file given. Name the file to write: bcast backup FILE");
  }
  const data = flags.data ?? await dataOfStart(input, context, groups);
  const { bytes, messages, rooms } = await backUp(
    resolve(databaseIn(data, context)),
    resolve(target),
    { replace: flags.force },
  );
  await context.stdout.write(
    `Saved ${plural(messages, "message")} of ${plural(rooms, "room")} (${formatBytes(bytes)}) ` +
      `to ${visible(target)}\n`,
  );
  return EXIT.done;
}

/** The directory that the configuration file gives to `start`. */
async function dataOfStart(
  { globals }: Input,
  context: Context,
  groups: () => readonly CommandGroup[],
): Promise<string | undefined> {
  const commands = groups().flatMap(({ commands }) => commands);
  const config = await loadConfig(globals.config, context, commands);
  const { data } = FLAGS;
  return flag.resolveFlags({ data }, [config.command({ name: "start", flags: { data } })]).values
    .data;
}

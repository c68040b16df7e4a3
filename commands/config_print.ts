import {
  type AnyCommand,
  type CommandInput,
  defineCommand,
  type Source,
  sourceAt,
} from "../cli/command.ts";
import { loadConfig } from "../cli/config.ts";
import type { Context } from "../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import { unusedSettings } from "../cli/unused.ts";
import { findCommand } from "./help.ts";

const FLAGS = {
  json: flag.toggle({ help: "Print JSON, one setting per line" }),
};

type Input = CommandInput<typeof FLAGS>;

/** What stands for a secret. */
const BLANK = "***";

/** One flag of one command, as it stands. */
interface Row {
  readonly command: string;
  readonly setting: string;
  /** For a program. */
  readonly value: unknown;
  /** For a person. */
  readonly shown: string;
  readonly source: Source;
  /** Where exactly it is said. */
  readonly origin: string;
  /** What is wrong with what is said. */
  readonly problem?: string;
  /** The setting that counts in its place. */
  readonly unused?: string;
}

/** `bcast config print`, about the settings of the commands that `all` gives. */
export function configPrint(all: () => readonly AnyCommand[]): AnyCommand {
  return defineCommand({
    name: "config print",
    summary: "Show settings and where each comes from",
    description:
      "Without COMMAND: all settings of all commands that differ from the default. With " +
      "COMMAND: all its settings; flags after -- show what they would change. Tokens are " +
      "masked. Exits with 1 if a value is invalid.",
    positional: { placeholder: "COMMAND", help: "Command to show" },
    words: {
      placeholder: "FLAG...",
      help: "Flags of that command to include",
      afterDashes: true,
    },
    flags: FLAGS,
    unconfigured: true,
    examples: [
      ["config print", "Show all settings that are not defaults"],
      ["config print start -- --port 9000", "Show the settings of bcast start --port 9000"],
      ["config print connect --json", "As JSON, for a program"],
    ],
    run: (input, context) => run(input, context, all()),
  });
}

async function run(
  { flags, positional, words, globals }: Input,
  context: Context,
  all: readonly AnyCommand[],
): Promise<ExitCode> {
  const config = await loadConfig(globals.config, context, all);
  const env = flag.envLayer(context.env);
  const rowsOf = (command: AnyCommand, profile = globals.profile): readonly Row[] => {
    const line = flag.parseCommandLine(words, command.flags);
    const layers = [line, env, config.profile(command, profile), config.command(command)];
    const rows = Object.entries(command.flags).map((each) => rowOf(command.name, each, layers));
    return markUnused(rows, command.flags["url"] !== undefined);
  };
  if (positional === undefined && words.length > 0) {
    throw new UsageError(
      "No command given for these flags. Name it: bcast config print COMMAND -- FLAG...",
    );
  }
  // That a profile is nothing to some commands is no mistake where it is asked for all of them.
  const profile = globals.profile && { ...globals.profile, insist: false };
  const rows = positional === undefined
    ? all.filter(({ hidden }) => !hidden).flatMap((command) => rowsOf(command, profile))
      .filter(({ source }) => source !== "default")
    : rowsOf(findCommand(positional, withMembers(all)));
  await (flags.json
    ? context.stdout.write(rows.map(jsonOf).join(""))
    : printTable(rows, positional, context));
  return rows.some(({ problem }) => problem !== undefined) ? EXIT.failed : EXIT.done;
}

/** All commands, those of groups too. */
function withMembers(all: readonly AnyCommand[]): readonly AnyCommand[] {
  return all.flatMap((command) => [command, ...Object.values(command.commands ?? {})]);
}

function rowOf(
  command: string,
  [name, declared]: readonly [string, flag.AnyFlag],
  layers: readonly flag.Layer[],
): Row {
  const rank = layers.findIndex((layer) => layer.texts(name, declared) !== undefined);
  const layer = layers[rank];
  const base = { command, setting: flag.kebab(name), source: sourceAt(rank) };
  if (layer === undefined) {
    const shown = declared.kind === "switch" ? "false" : declared.shown || "-";
    return { ...base, value: declared.fallback, shown, origin: "default" };
  }
  const shown = declared.secret
    ? BLANK
    : withoutSecrets((layer.texts(name, declared) ?? []).join(","));
  const said = { ...base, shown, origin: layer.place(name) };
  try {
    const { values } = flag.resolveFlags({ [name]: declared }, [layer]);
    return { ...said, value: declared.secret ? BLANK : values[name] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { ...said, value: shown, problem: withoutSecrets(error.message) };
  }
}

/** Tells of each row whose setting another one replaces. */
function markUnused(rows: readonly Row[], isClient: boolean): readonly Row[] {
  const said = rows.filter(({ source }) => source !== "default")
    // A switch that is off replaces nothing.
    .filter(({ value }) => value !== false)
    .map(({ setting, source, shown }) => [setting, { source, text: shown }] as const);
  const unused = unusedSettings(new Map(said), isClient);
  return rows.map((row) => {
    const by = unused.get(row.setting);
    return by === undefined ? row : { ...row, unused: by };
  });
}

/** `text` without the token or the password of an address that is in it. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/([?&]token=)[^&#\s"]*/g, `$1${BLANK}`)
    .replaceAll(/(:\/\/[^/?#\s@]*:)[^/?#\s@]*@/g, `$1${BLANK}@`);
}

function jsonOf({ command, setting, value, source, origin, problem, unused }: Row): string {
  const row = { command, setting, value: value ?? null, source, origin, problem, unused };
  return safeJson(row, (_, item) => typeof item === "string" ? withoutSecrets(item) : item) + "\n";
}

async function printTable(
  rows: readonly Row[],
  command: string | undefined,
  { stdout, stderr }: Context,
): Promise<void> {
  if (rows.length === 0) {
    await stderr.write(
      command === undefined
        ? "Nothing is set: all commands use their defaults\n"
        : `bcast ${command} takes no flags\n`,
    );
    return;
  }
  const head = [{ title: "SETTING" }, { title: "VALUE" }, { title: "FROM" }];
  const cells = rows.map(({ command, setting, shown, origin, problem, unused }) => [
    command,
    setting,
    shown,
    problem ?? (unused === undefined ? origin : `${origin}, not used: ${unused} counts`),
  ]);
  await stdout.write(
    command === undefined
      ? columns([{ title: "COMMAND" }, ...head], cells, stdout)
      : columns(head, cells.map(([, ...rest]) => rest), stdout),
  );
}

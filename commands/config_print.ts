import {
  type AnyCommand,
  type CommandInput,
  commandsIn,
  defineCommand,
  isStronger,
  type Source,
  sourceAt,
} from "../cli/command.ts";
import { loadConfig } from "../cli/config.ts";
import type { Context } from "../cli/context.ts";
import { EXIT, type ExitCode, UsageError } from "../cli/errors.ts";
import * as flag from "../cli/flags.ts";
import { safeJson } from "../protocol.ts";
import { columns } from "../render/table.ts";
import { findCommand } from "../cli/dispatch.ts";
import { portIn } from "../client.ts";
import {
  configKey,
  envLayer,
  type Layer,
  parseCommandLine,
  resolveFlags,
} from "../cli/command_line.ts";

const FLAGS = {
  json: flag.toggle({ help: "Print JSON, one setting per line" }),
};

type Input = CommandInput<typeof FLAGS>;

const MASK = "***";

/** The effective value of a flag of a command. */
interface Row {
  readonly command: string;
  readonly setting: string;
  /** For JSON. */
  readonly value: unknown;
  /** For the table. */
  readonly shown: string;
  readonly source: Source;
  /** Where exactly it was set. */
  readonly origin: string;
  /** Why the value is invalid. */
  readonly problem?: string;
  /** The setting that overrides this one. */
  readonly unused?: string;
}

/** `bcast config print`. */
export const configPrint = defineCommand({
  name: "config print",
  summary: "Show settings and where each comes from",
  description: "Without COMMAND: all settings of all commands that differ from the default. With " +
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
  run,
});

async function run(
  { flags, positional, words, globals, sections }: Input,
  context: Context,
): Promise<ExitCode> {
  const all = commandsIn(sections);
  const config = await loadConfig(globals.config, context, all);
  const env = envLayer(context.env);
  const rowsOf = (command: AnyCommand, profile = globals.profile): readonly Row[] => {
    const line = parseCommandLine(words, command.flags);
    const layers = [line, env, config.profile(command, profile), config.command(command)];
    const rows = Object.entries(command.flags).map((each) => rowOf(command.name, each, layers));
    return markUnused(rows, command.flags["url"] !== undefined);
  };
  if (positional === undefined && words.length > 0) {
    throw new UsageError(
      "No command given for these flags. Name it: bcast config print COMMAND -- FLAG...",
    );
  }
  // For all commands at once, it is no mistake that some cannot use the profile.
  const profile = globals.profile && { ...globals.profile, required: false };
  const rows = positional === undefined
    ? all.filter(({ hidden }) => !hidden).flatMap((command) => rowsOf(command, profile))
      .filter(({ source }) => source !== "default")
    : rowsOf(findCommand(positional, withMembers(all)));
  await (flags.json
    ? context.stdout.write(rows.map(jsonOf).join(""))
    : printTable(rows, positional, context));
  return rows.some(({ problem }) => problem !== undefined) ? EXIT.failed : EXIT.done;
}

/** All commands, including the members of groups. */
function withMembers(all: readonly AnyCommand[]): readonly AnyCommand[] {
  return all.flatMap((command) => [command, ...Object.values(command.commands ?? {})]);
}

function rowOf(
  command: string,
  [name, declared]: readonly [string, flag.AnyFlag],
  layers: readonly Layer[],
): Row {
  const rank = layers.findIndex((layer) => layer.texts(name, declared) !== undefined);
  const layer = layers[rank];
  const base = { command, setting: configKey(name), source: sourceAt(rank) };
  if (layer === undefined) {
    const shown = declared.kind === "switch" ? "false" : declared.defaultText || "-";
    return { ...base, value: declared.fallback, shown, origin: "default" };
  }
  const shown = declared.secret
    ? MASK
    : withoutSecrets((layer.texts(name, declared) ?? []).join(","));
  const said = { ...base, shown, origin: layer.origin(name) };
  try {
    const { values } = resolveFlags({ [name]: declared }, [layer]);
    return { ...said, value: declared.secret ? MASK : values[name] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { ...said, value: shown, problem: withoutSecrets(error.message) };
  }
}

/** Marks each row whose setting another one overrides. */
function markUnused(rows: readonly Row[], isClient: boolean): readonly Row[] {
  const said = rows.filter(({ source }) => source !== "default")
    // A switch that is off overrides nothing.
    .filter(({ value }) => value !== false)
    .map(({ setting, source, shown }) => [setting, { source, text: shown }] as const);
  const unused = unusedSettings(new Map(said), isClient);
  return rows.map((row) => {
    const by = unused.get(row.setting);
    return by === undefined ? row : { ...row, unused: by };
  });
}

/** Masks the token or password of an address in `text`. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/([?&]token=)[^&#\s"]*/g, `$1${MASK}`)
    .replaceAll(/(:\/\/[^/?#\s@]*:)[^/?#\s@]*@/g, `$1${MASK}@`);
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
    problem ?? (unused === undefined ? origin : `${origin}, overridden by ${unused}`),
  ]);
  await stdout.write(
    command === undefined
      ? columns([{ title: "COMMAND" }, ...head], cells, stdout)
      : columns(head, cells.map(([, ...rest]) => rest), stdout),
  );
}

/** A value that a source sets. */
export interface GivenSetting {
  readonly source: Source;
  readonly text: string;
}

/**
 * The settings of a command that have no effect because another one overrides them, each with the
 * flag that does. Commands choose by the same rules: a URL or its parts, one of two tokens, one of
 * two places for messages.
 *
 * @param given by configuration key; without defaults.
 * @param isClient whether the command connects to a hub; a hub itself accepts all its tokens.
 */
export function unusedSettings(
  given: ReadonlyMap<string, GivenSetting>,
  isClient: boolean,
): ReadonlyMap<string, string> {
  const unused = new Map<string, string>();
  /** If both come from the same source, `first` wins. */
  const exclusive = (first: string, second: string): void => {
    const [one, other] = [given.get(first), given.get(second)];
    if (one === undefined || other === undefined) return;
    if (isStronger(other.source, one.source)) unused.set(first, second);
    else unused.set(second, first);
  };
  exclusive("url", "host");
  if (isClient) exclusive("token-file", "token");
  exclusive("memory", "data");
  const address = unused.has("url") ? "host" : given.has("url") ? "url" : "host";
  const [port, hub] = [given.get("port"), given.get(address)];
  if (port !== undefined && hub !== undefined && !isStronger(port.source, hub.source)) {
    const inFile = port.source === "profile" || port.source === "config";
    const isOthers = inFile && isStronger(hub.source, port.source);
    if (isOthers || portIn(hub.text)) unused.set("port", address);
  }
  return unused;
}

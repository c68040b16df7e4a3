import { parseArgs } from "@std/cli";
import { visible } from "../protocol.ts";
import { suggestion } from "../lib/words.ts";
import { UsageError } from "./errors.ts";
import { type AnyFlag, type Flags, type FlagValues, text } from "./flags.ts";
import { flagSynonym } from "./synonyms.ts";

/** The flags of every command, which may also precede its name. */
export const GLOBAL_FLAGS = {
  profile: text({
    placeholder: "PROFILE",
    help: "Use this profile of the configuration file",
    short: "p",
    group: "Settings",
  }),
  config: text({
    placeholder: "FILE",
    help: "Read FILE instead of your configuration file",
    group: "Settings",
  }),
};

/** A source of values. The first layer that has a flag decides; otherwise its default applies. */
export interface Layer {
  /** How the user writes the flag in this source: `--port`, `BCAST_PORT`. */
  label(name: string): string;
  /** Where exactly the value was set: `--port`, `BCAST_PORT`, `config.json:7`. */
  origin(name: string): string;
  /** The texts given for a flag, if any. */
  texts(name: string, flag: AnyFlag): readonly string[] | undefined;
}

/** The values of all flags. */
export interface Resolved<F extends Flags> {
  readonly values: FlagValues<F>;
  /** The index of the layer that decided a flag; -1 for its default. */
  readonly rank: (name: keyof F & string) => number;
}

/** A parsed command line. */
export interface CommandLine extends Layer {
  readonly positionals: readonly string[];
}

/** `maxRooms` is `max-rooms` in a configuration file. */
export function configKey(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `maxRooms` is `--max-rooms` on the command line. */
export function flagName(name: string): string {
  return `--${configKey(name)}`;
}

/** `maxRooms` is `BCAST_MAX_ROOMS` in the environment. */
export function envName(name: string): string {
  return `BCAST_${configKey(name).toUpperCase().replaceAll("-", "_")}`;
}

export function envLayer(env: (name: string) => string | undefined): Layer {
  return {
    label: envName,
    origin: envName,
    texts: (name, flag) => {
      // Shells and service managers write "not set" as an empty variable.
      const given = flag.localOnly ? "" : env(envName(name)) ?? "";
      return given === "" ? undefined : [given];
    },
  };
}

/** Separates global flags that precede the name of the command. */
export function splitGlobals(args: readonly string[]): {
  readonly globals: readonly string[];
  /** The name and all that follows. */
  readonly rest: readonly string[];
} {
  let at = 0;
  for (;;) {
    const arg = args[at] ?? "";
    if (/^(?:-p|--profile|--config)$/.test(arg)) at += 2;
    else if (/^(?:-p|--profile|--config)=/.test(arg)) at += 1;
    else break;
  }
  return { globals: args.slice(0, at), rest: args.slice(at) };
}

/**
 * Parses a command line against the flags of a command.
 *
 * @throws {UsageError} for unknown flags and missing values.
 */
export function parseCommandLine(args: readonly string[], flags: Flags): CommandLine {
  const byKey = new Map(
    Object.entries(flags).map(([name, flag]) => [configKey(name), [name, flag] as const]),
  );
  const keysOf = (wanted: (flag: AnyFlag) => boolean): string[] =>
    [...byKey].flatMap(([key, [, flag]]) => wanted(flag) ? [key] : []);
  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  // A long flag with one dash, as other programs have it, would be parsed as many short ones.
  const oneDash = before.find((arg) => /^-[a-z]{2}/i.test(arg));
  if (oneDash !== undefined) throw unknownFlag(oneDash, [...byKey.keys()]);
  let unknown: string | undefined;
  const parsed = parseArgs(args, {
    string: ["_", ...keysOf(({ kind }) => kind !== "switch")],
    boolean: keysOf(({ kind }) => kind === "switch"),
    collect: keysOf(({ kind, once }) => kind === "list" || once === true),
    alias: Object.fromEntries(
      [...byKey].flatMap(([key, [, { short }]]) => short === undefined ? [] : [[short, key]]),
    ),
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown ??= arg;
      return false;
    },
  });
  const given = new Map<string, readonly string[]>();
  for (const [key, [name, { kind, placeholder, once }]] of byKey) {
    const flag = `--${key}`;
    if (kind === "switch") {
      // parseArgs() returns false for an absent switch, too.
      const last = before.findLast((arg) => arg === flag || arg.startsWith(`${flag}=`));
      if (last === undefined) continue;
      given.set(name, [last === flag ? String(parsed[key]) : last.slice(flag.length + 1)]);
      continue;
    }
    const found = parsed[key];
    if (found === undefined) continue;
    const texts = (Array.isArray(found) ? found : [found]).map(String);
    if (texts.includes("")) {
      // A value that starts with "-" was parsed as a flag.
      const hint = unknown === undefined ? "" : `, or ${flag}=${shorten(unknown)}`;
      throw new UsageError(`${flag} needs a value: ${flag} ${placeholder}${hint}`);
    }
    const [one = "", other] = new Set(once ? texts : []);
    if (other !== undefined) {
      const both = `${shorten(one)} or ${shorten(other)}, not both`;
      throw new UsageError(`${flag} takes one ${placeholder}: ${both}`);
    }
    if (texts.length > 0) given.set(name, texts);
  }
  if (unknown !== undefined) throw unknownFlag(unknown, [...byKey.keys()]);
  return commandLine(given, parsed._.map(String));
}

/** A command line with these texts for its flags. */
export function commandLine(
  given: ReadonlyMap<string, readonly string[]>,
  positionals: readonly string[],
): CommandLine {
  return {
    label: flagName,
    origin: flagName,
    texts: (name) => given.get(name),
    positionals,
  };
}

/**
 * Resolves every flag.
 *
 * @throws {UsageError} for an invalid value.
 */
export function resolveFlags<F extends Flags>(flags: F, layers: readonly Layer[]): Resolved<F> {
  const ranks = new Map<string, number>();
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const rank = layers.findIndex((layer) => layer.texts(name, flag) !== undefined);
    const layer = layers[rank];
    const texts = layer?.texts(name, flag);
    ranks.set(name, rank);
    if (layer === undefined || texts === undefined) {
      values[name] = flag.fallback;
      continue;
    }
    const parsed: unknown = flag.parse(texts);
    if (parsed === undefined) {
      const is = flag.secret ? "" : `; it is "${shorten(texts.join(","))}"`;
      throw new UsageError(`${layer.label(name)} must be ${flag.expects}${is}`);
    }
    values[name] = parsed;
  }
  return { values: values as FlagValues<F>, rank: (name) => ranks.get(name) ?? -1 };
}

function unknownFlag(arg: string, known: readonly string[]): UsageError {
  const [typed = arg] = arg.split("=");
  const bare = typed.replace(/^-+/, "").toLowerCase();
  const synonym = flagSynonym(bare, known);
  const hint = synonym !== undefined
    ? `Did you mean --${synonym}?`
    : suggestion(bare, [...known, "help", "version"], (word) => `--${word}`);
  return new UsageError(`Unknown flag ${shorten(typed)}. ${hint || "See --help"}`);
}

function shorten(typed: string): string {
  return visible(typed.length > 60 ? typed.slice(0, 60) + "…" : typed);
}

import { parseArgs } from "@std/cli";
import { visible } from "../protocol.ts";
import { UsageError } from "./errors.ts";
import { flagSynonym } from "./synonyms.ts";
import { suggestion } from "../lib/words.ts";

/** One flag of a command, declared once: parsing, errors and help come from it. */
export interface Flag<T> {
  /** `switch` takes no value, `list` may be given several times. */
  readonly kind: "value" | "switch" | "list";
  readonly help: string;
  /** What stands for the value in the help; empty for a switch. */
  readonly placeholder: string;
  /** Value when nobody said one. */
  readonly fallback: T;
  /** The default as the help shows it; empty for none. */
  readonly shown: string;
  /** What a value must be, to go on after "must be". */
  readonly expects: string;
  /** A value, or `undefined` when the text is none. */
  readonly read: (texts: readonly string[]) => T | undefined;
  /** Heading in the help. */
  readonly group: string;
  /** One letter that stands for it: `p` for `-p`. */
  readonly short?: string;
  /** The words it takes, where there are only so many. */
  readonly options?: readonly string[];
  /** Only the command line and the command's own settings say it: what suits others may do harm. */
  readonly own?: true;
  /** Its value is nobody else's business: it is never shown. */
  readonly secret?: true;
  /** Other commands take several of it: the second one must not silently replace the first. */
  readonly once?: true;
}

/** A flag of whatever type. */
export type AnyFlag = Flag<unknown>;

/** The flags of a command by their names in the program: `maxRooms` is `--max-rooms`. */
export type Flags = Readonly<Record<string, AnyFlag>>;

/** What a command gets for its flags. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** What all kinds of flags are declared with. */
export interface Declaration {
  readonly help: string;
  readonly placeholder?: string;
  readonly shown?: string;
  readonly group?: string;
  readonly short?: string;
  readonly own?: true;
  readonly secret?: true;
  readonly once?: true;
}

const DEFAULT_GROUP = "Flags";

/** A flag whose value `read` understands. */
export function value<T>(
  declaration: Declaration & {
    readonly fallback: T;
    readonly expects: string;
    readonly read: (text: string) => T | undefined;
  },
): Flag<T> {
  const { fallback, read } = declaration;
  const shown = fallback === undefined ? "" : String(fallback);
  return {
    kind: "value",
    placeholder: "TEXT",
    shown,
    group: DEFAULT_GROUP,
    ...declaration,
    read: (texts) => read(texts.at(-1) ?? ""),
  };
}

/** A flag that takes any text. */
export function text(declaration: Declaration & { readonly fallback: string }): Flag<string>;
export function text(declaration: Declaration): Flag<string | undefined>;
export function text(
  declaration: Declaration & { readonly fallback?: string },
): Flag<string | undefined> {
  return value<string | undefined>({
    fallback: undefined,
    ...declaration,
    expects: "text",
    read: (given) => given,
  });
}

/** A flag that takes a whole number. */
export function integer(
  declaration: Declaration & {
    readonly fallback: number;
    readonly min?: number;
    readonly max?: number;
  },
): Flag<number> {
  const { min = 0, max } = declaration;
  const expects = `a whole number from ${min} ${max === undefined ? "up" : `to ${max}`}`;
  return value({
    placeholder: "N",
    ...declaration,
    expects,
    read: (given) => {
      if (!/^[0-9]+$/.test(given)) return undefined;
      const number = Number(given);
      return number >= min && number <= (max ?? Number.MAX_SAFE_INTEGER) ? number : undefined;
    },
  });
}

const BYTES: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A flag that takes an amount of bytes: `65536`, `64K`, `4MiB`. */
export function bytes(
  declaration: Declaration & { readonly fallback: number; readonly min?: number },
): Flag<number> {
  const { min = 1, fallback } = declaration;
  return value({
    placeholder: "BYTES",
    shown: showBytes(fallback),
    ...declaration,
    expects: `a number of bytes from ${min} up, such as 65536, 64K or 4M`,
    read: (given) => {
      const [, number = "", unit = ""] = /^([0-9]+)(?:([kmg])(?:i?b)?)?$/i.exec(given) ?? [];
      if (number === "") return undefined;
      const total = Number(number) * (BYTES[unit.toLowerCase()] ?? Number.NaN);
      return Number.isSafeInteger(total) && total >= min ? total : undefined;
    },
  });
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A flag that takes a time in seconds: `90s`, `15m`, `12h`, `30d`, `2w`. */
export function seconds(
  declaration: Declaration & {
    readonly fallback: number;
    readonly min?: number;
    readonly max?: number;
  },
): Flag<number> {
  const { min = 0, max = 100 * 365 * 86_400, fallback } = declaration;
  return value({
    placeholder: "TIME",
    shown: showSeconds(fallback),
    ...declaration,
    expects: `a time from ${showSeconds(min)} to ${showSeconds(max)}, such as 90s, 12h or 30d`,
    read: (given) => {
      const total = readSeconds(given);
      return total !== undefined && total >= min && total <= max ? total : undefined;
    },
  });
}

/**
 * The seconds of `0`, `90s`, `15m`, `12h`, `30d` or `2w`; `undefined` when the text is none of these.
 * Without a unit nobody knows whether 5 means seconds or days, so only 0 may have none.
 */
function readSeconds(given: string): number | undefined {
  if (given === "0") return 0;
  const [, number, unit = ""] = /^([0-9]+)([smhdw])$/i.exec(given) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * (SECONDS[unit.toLowerCase()] ?? Number.NaN);
}

// Without a zone, times are local (as `new Date()` has it only where there is a time of day).
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_AND_TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)$/i;

/**
 * A flag that takes a moment: `10m` ago, a day, a day with a time, RFC 3339. Its value is in
 * milliseconds since 1970.
 */
export function moment(
  declaration: Declaration,
  now: () => number = Date.now,
): Flag<number | undefined> {
  return value<number | undefined>({
    placeholder: "TIME",
    ...declaration,
    fallback: undefined,
    expects: "a moment, such as 10m (ago), 2026-01-31 or 2026-01-31T10:30",
    read: (given) => {
      const ago = readSeconds(given);
      if (ago !== undefined) return now() - ago * 1000;
      const [, day, time] = DAY_AND_TIME.exec(given) ??
        (DAY.test(given) ? ["", given, "00:00"] : []);
      const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}`.toUpperCase());
      return Number.isNaN(at) ? undefined : at;
    },
  });
}

/** A flag that takes one of a few words. */
export function choice<const T extends string>(
  options: readonly T[],
  declaration: Declaration & { readonly fallback: T },
): Flag<T>;
export function choice<const T extends string>(
  options: readonly T[],
  declaration: Declaration,
): Flag<T | undefined>;
export function choice<const T extends string>(
  options: readonly T[],
  declaration: Declaration & { readonly fallback?: T },
): Flag<T | undefined> {
  return {
    ...value<T | undefined>({
      placeholder: options.join("|"),
      fallback: undefined,
      ...declaration,
      expects: `one of ${options.join(", ")}`,
      read: (given) => options.find((option) => option === given.toLowerCase()),
    }),
    options,
  };
}

/** A flag that is there or not. */
export function toggle(declaration: Declaration): Flag<boolean> {
  return {
    kind: "switch",
    placeholder: "",
    shown: "",
    group: DEFAULT_GROUP,
    ...declaration,
    fallback: false,
    expects: "true or false",
    read: ([given = ""]) => {
      if (/^(?:1|true|yes|on)$/i.test(given)) return true;
      return /^(?:0|false|no|off)$/i.test(given) ? false : undefined;
    },
  };
}

/** A flag that may be given several times, or once with commas. */
export function list(
  declaration: Declaration & {
    readonly expects: string;
    readonly fallback: readonly string[];
    /** Whether one item is acceptable. */
    readonly accepts: (item: string) => boolean;
  },
): Flag<readonly string[]> {
  const { accepts } = declaration;
  return {
    kind: "list",
    placeholder: "TEXT",
    shown: declaration.fallback.join(","),
    group: DEFAULT_GROUP,
    ...declaration,
    read: (texts) => {
      const items = texts.flatMap((given) => given.split(",")).map((item) => item.trim());
      return items.every(accepts) ? [...new Set(items)] : undefined;
    },
  };
}

/**
 * One place that values come from. The first layer that has a flag decides; what no layer has is
 * the flag's default.
 */
export interface Layer {
  /** How the user would write the flag there: `--port`, `BCAST_PORT`. */
  label(name: string): string;
  /** Where exactly it is said: `--port`, `BCAST_PORT`, `config.json:7`. */
  place(name: string): string;
  /** The texts given for a flag there, if any. */
  texts(name: string, flag: AnyFlag): readonly string[] | undefined;
}

/** The name of a flag on the command line: `maxRooms` is `--max-rooms`. */
export function flagName(name: string): string {
  return `--${kebab(name)}`;
}

/** The name of a flag in the environment: `maxRooms` is `BCAST_MAX_ROOMS`. */
export function envName(name: string): string {
  return `BCAST_${kebab(name).toUpperCase().replaceAll("-", "_")}`;
}

/** The name of a flag in a configuration file: `maxRooms` is `max-rooms`. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Values from the environment. */
export function envLayer(env: (name: string) => string | undefined): Layer {
  return {
    label: envName,
    place: envName,
    texts: (name, flag) => {
      if (flag.own) return undefined;
      const given = env(envName(name));
      // An empty variable is how shells and service managers write "not set".
      return given === undefined || given === "" ? undefined : [given];
    },
  };
}

/** What a command line holds. */
export interface CommandLine extends Layer {
  /** What is no flag. */
  readonly positionals: readonly string[];
}

/**
 * Reads a command line against the flags of a command.
 *
 * @throws {UsageError} for unknown flags and missing values.
 */
export function parseCommandLine(args: readonly string[], flags: Flags): CommandLine {
  const names = Object.keys(flags);
  const byFlag = new Map(names.map((name) => [kebab(name), name]));
  const kebabs = (...kinds: AnyFlag["kind"][]): string[] =>
    names.filter((name) => kinds.includes(flags[name]?.kind ?? "value")).map(kebab);
  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  // Other programs have long flags with one dash, which would be read as many short ones.
  const oneDash = before.find((arg) => /^-[a-z]{2}/i.test(arg));
  if (oneDash !== undefined) throw unknownFlag(oneDash, [...byFlag.keys()]);
  let unknown: string | undefined;
  const parsed = parseArgs(args, {
    string: ["_", ...kebabs("value", "list")],
    boolean: kebabs("switch"),
    collect: names.filter((name) => flags[name]?.kind === "list" || flags[name]?.once).map(kebab),
    alias: Object.fromEntries(
      names.flatMap((name) => {
        const short = flags[name]?.short;
        return short === undefined ? [] : [[short, kebab(name)]];
      }),
    ),
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown ??= arg;
      return false;
    },
  });
  const given = new Map<string, readonly string[]>();
  for (const [key, name] of byFlag) {
    const flag = `--${key}`;
    // parseArgs() says false for a switch that is not there; whether it is there matters here.
    const present = before.filter((arg) => arg === flag || arg.startsWith(`${flag}=`));
    if (flags[name]?.kind === "switch") {
      const last = present.at(-1);
      if (last !== undefined) {
        given.set(name, [last === flag ? String(parsed[key]) : last.slice(flag.length + 1)]);
      }
      continue;
    }
    const found = parsed[key];
    if (found === undefined) continue;
    const texts = (Array.isArray(found) ? found : [found]).map(String);
    if (texts.includes("")) {
      // What follows and starts with "-" was taken for a flag of its own.
      const hint = unknown === undefined ? "" : `, or ${flag}=${shorten(unknown)}`;
      throw new UsageError(`${flag} needs a value: ${flag} ${flags[name]?.placeholder}${hint}`);
    }
    const [one = "", other] = new Set(flags[name]?.once ? texts : []);
    if (other !== undefined) {
      const what = `${shorten(one)} or ${shorten(other)}, not both`;
      throw new UsageError(`${flag} takes one ${flags[name]?.placeholder}: ${what}`);
    }
    if (texts.length > 0) given.set(name, texts);
  }
  if (unknown !== undefined) throw unknownFlag(unknown, [...byFlag.keys()]);
  return {
    label: flagName,
    place: flagName,
    texts: (name) => given.get(name),
    positionals: parsed._.map(String),
  };
}

/** The values of all flags, from the first layer that has each. */
export interface Resolved<F extends Flags> {
  readonly values: FlagValues<F>;
  /** The layer that decided a flag; -1 for its default. */
  readonly rank: (name: keyof F & string) => number;
}

/**
 * Reads every flag.
 *
 * @throws {UsageError} when a text is not what its flag takes.
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
    const read: unknown = flag.read(texts);
    if (read === undefined) {
      const is = flag.secret ? "" : `; it is "${shorten(texts.join(","))}"`;
      throw new UsageError(`${layer.label(name)} must be ${flag.expects}${is}`);
    }
    values[name] = read;
  }
  return { values: values as FlagValues<F>, rank: (name) => ranks.get(name) ?? -1 };
}

function unknownFlag(arg: string, known: readonly string[]): UsageError {
  const [said = arg] = arg.split("=");
  const bare = said.replace(/^-+/, "").toLowerCase();
  const synonym = flagSynonym(bare, known);
  const hint = synonym !== undefined
    ? `Did you mean --${synonym}?`
    : suggestion(bare, [...known, "help"], (word) => `--${word}`);
  return new UsageError(`Unknown flag ${shorten(said)}. ${hint || "See --help"}`);
}

function shorten(said: string): string {
  return visible(said.length > 60 ? said.slice(0, 60) + "…" : said);
}

function showBytes(amount: number): string {
  for (const unit of ["g", "m", "k"]) {
    const size = BYTES[unit] ?? 1;
    if (amount >= size && amount % size === 0) return `${amount / size}${unit.toUpperCase()}`;
  }
  return String(amount);
}

function showSeconds(amount: number): string {
  for (const unit of ["d", "h", "m"]) {
    const size = SECONDS[unit] ?? 1;
    if (amount >= size && amount % size === 0) return `${amount / size}${unit}`;
  }
  return `${amount}s`;
}

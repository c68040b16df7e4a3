/** A flag of a command, declared once: parsing, errors, help and completion are derived from it. */
export interface Flag<T> {
  /** `switch` takes no value; `list` may be repeated. */
  readonly kind: "value" | "switch" | "list";
  /** At most ten words. */
  readonly help: string;
  /** Stands for the value in the help, and decides how it is completed; empty for a switch. */
  readonly placeholder: string;
  /** The value when no source sets one. */
  readonly fallback: T;
  /** The default as shown in the help; empty for none. */
  readonly defaultText: string;
  /** Completes "must be" in errors. */
  readonly expects: string;
  /** Returns `undefined` for invalid text. */
  readonly parse: (texts: readonly string[]) => T | undefined;
  /** Heading in the help. */
  readonly group: string;
  /** A letter: `p` for `-p`. */
  readonly short?: string;
  /** All valid values, if there are only a few. */
  readonly options?: readonly string[];
  /**
   * Set by the command line and the command's own part of the configuration file only: a value
   * meant for all commands would do harm here.
   */
  readonly localOnly?: true;
  /** Never shown. */
  readonly secret?: true;
  /**
   * Rejects a second, different value. For flags that are lists in other commands: the second value
   * must not silently replace the first.
   */
  readonly once?: true;
}

export type AnyFlag = Flag<unknown>;

/** The flags of a command by their names in the program: `maxRooms` is `--max-rooms`. */
export type Flags = Readonly<Record<string, AnyFlag>>;

/** The values that a command gets for its flags. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** The properties that flags of all types are declared with. */
export interface Declaration {
  readonly help: string;
  readonly placeholder?: string;
  readonly defaultText?: string;
  readonly group?: string;
  readonly short?: string;
  readonly localOnly?: true;
  readonly secret?: true;
  readonly once?: true;
}

const DEFAULT_GROUP = "Flags";

/** A flag with a value of its own syntax. */
export function value<T>(
  declaration: Declaration & {
    readonly fallback: T;
    readonly expects: string;
    readonly parse: (text: string) => T | undefined;
  },
): Flag<T> {
  const { fallback, parse } = declaration;
  return {
    kind: "value",
    placeholder: "TEXT",
    defaultText: fallback === undefined ? "" : String(fallback),
    group: DEFAULT_GROUP,
    ...declaration,
    parse: (texts) => parse(texts.at(-1) ?? ""),
  };
}

export function text(declaration: Declaration & { readonly fallback: string }): Flag<string>;
export function text(declaration: Declaration): Flag<string | undefined>;
export function text(
  declaration: Declaration & { readonly fallback?: string },
): Flag<string | undefined> {
  return value<string | undefined>({
    fallback: undefined,
    ...declaration,
    expects: "text",
    parse: (given) => given,
  });
}

/** A whole number. */
export function integer(
  declaration: Declaration & {
    readonly fallback: number;
    readonly min?: number;
    readonly max?: number;
  },
): Flag<number> {
  const { min = 0, max } = declaration;
  return value({
    placeholder: "N",
    ...declaration,
    expects: `a whole number from ${min} ${max === undefined ? "up" : `to ${max}`}`,
    parse: (given) => {
      if (!/^[0-9]+$/.test(given)) return undefined;
      const number = Number(given);
      return number >= min && number <= (max ?? Number.MAX_SAFE_INTEGER) ? number : undefined;
    },
  });
}

const BYTES: Readonly<Record<string, number>> = { G: 2 ** 30, M: 2 ** 20, K: 2 ** 10, "": 1 };

/** An amount of bytes: `65536`, `64K`, `4MiB`. */
export function bytes(
  declaration: Declaration & { readonly fallback: number; readonly min?: number },
): Flag<number> {
  const { min = 1, fallback } = declaration;
  return value({
    placeholder: "BYTES",
    defaultText: formatUnits(fallback, BYTES),
    ...declaration,
    expects: `a number of bytes from ${min} up, such as 65536, 64K or 4M`,
    parse: (given) => {
      const [, number, unit = ""] = /^([0-9]+)(?:([kmg])(?:i?b)?)?$/i.exec(given) ?? [];
      if (number === undefined) return undefined;
      const total = Number(number) * (BYTES[unit.toUpperCase()] ?? Number.NaN);
      return Number.isSafeInteger(total) && total >= min ? total : undefined;
    },
  });
}

// Weeks come after the unit that divides all: they are parsed, but never shown.
const SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1, w: 604_800 };

/** A duration in seconds: `90s`, `15m`, `12h`, `30d`, `2w`. */
export function seconds(
  declaration: Declaration & {
    readonly fallback: number;
    readonly min?: number;
    readonly max?: number;
  },
): Flag<number> {
  const { min = 0, max = 100 * 365 * 86_400, fallback } = declaration;
  const show = (amount: number): string => formatUnits(amount, SECONDS);
  return value({
    placeholder: "TIME",
    defaultText: show(fallback),
    ...declaration,
    expects: `a time from ${show(min)} to ${show(max)}, such as 90s, 12h or 30d`,
    parse: (given) => {
      const total = parseSeconds(given);
      return total !== undefined && total >= min && total <= max ? total : undefined;
    },
  });
}

/** Only 0 may lack a unit: a bare 5 could be seconds or days. */
function parseSeconds(given: string): number | undefined {
  if (given === "0") return 0;
  const [, number, unit = ""] = /^([0-9]+)([smhdw])$/i.exec(given) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * (SECONDS[unit.toLowerCase()] ?? Number.NaN);
}

/** The amount in the first of `units` that divides it; they are ordered from large to small. */
function formatUnits(amount: number, units: Readonly<Record<string, number>>): string {
  const [unit = "", size = 1] = Object.entries(units)
    .find(([, size]) => (amount >= size && amount % size === 0) || size === 1) ?? [];
  return `${amount / size}${unit}`;
}

// Without a zone, times are local: `new Date()` would take a day without a time as UTC.
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_AND_TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)$/i;

/** A point in time, in milliseconds since 1970: `10m` ago, a day, a day with a time, RFC 3339. */
export function moment(
  declaration: Declaration,
  now: () => number = Date.now,
): Flag<number | undefined> {
  return value<number | undefined>({
    placeholder: "TIME",
    ...declaration,
    fallback: undefined,
    expects: "a moment, such as 10m (ago), 2026-01-31 or 2026-01-31T10:30",
    parse: (given) => {
      const ago = parseSeconds(given);
      if (ago !== undefined) return now() - ago * 1000;
      const [, day, time] = DAY_AND_TIME.exec(given) ??
        (DAY.test(given) ? ["", given, "00:00"] : []);
      const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}`.toUpperCase());
      return Number.isNaN(at) ? undefined : at;
    },
  });
}

/** One of a few words. */
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
      parse: (given) => options.find((option) => option === given.toLowerCase()),
    }),
    options,
  };
}

/** A switch: present or not. */
export function toggle(declaration: Declaration): Flag<boolean> {
  return {
    kind: "switch",
    placeholder: "",
    defaultText: "",
    group: DEFAULT_GROUP,
    ...declaration,
    fallback: false,
    expects: "true or false",
    parse: ([given = ""]) => {
      if (/^(?:1|true|yes|on)$/i.test(given)) return true;
      return /^(?:0|false|no|off)$/i.test(given) ? false : undefined;
    },
  };
}

/** Several values: the flag is repeated, or its value has commas. */
export function list(
  declaration: Declaration & {
    readonly expects: string;
    readonly fallback: readonly string[];
    /** Whether an item is valid. */
    readonly accepts: (item: string) => boolean;
  },
): Flag<readonly string[]> {
  const { accepts } = declaration;
  return {
    kind: "list",
    placeholder: "TEXT",
    defaultText: declaration.fallback.join(","),
    group: DEFAULT_GROUP,
    ...declaration,
    parse: (texts) => {
      const items = texts.flatMap((given) => given.split(",")).map((item) => item.trim());
      return items.every(accepts) ? [...new Set(items)] : undefined;
    },
  };
}

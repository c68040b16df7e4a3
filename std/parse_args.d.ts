/** What `parseArgs` is told; the subset that this project uses. */
export interface ParseOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly collect?: readonly string[];
  readonly negatable?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  /** Keeps what follows `--` in the property `--`. */
  readonly "--"?: boolean;
  readonly stopEarly?: boolean;
  /** Called for each argument that was not declared; `false` leaves it out of the result. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Flags by name, and the positional arguments in `_`. */
export interface ParsedArgs {
  readonly _: readonly (string | number)[];
  readonly "--"?: readonly string[];
  readonly [flag: string]: unknown;
}

export function parseArgs(args: readonly string[], options?: ParseOptions): ParsedArgs;

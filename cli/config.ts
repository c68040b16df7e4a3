import { join } from "node:path";
import { visible } from "../protocol.ts";
import type { Context } from "./context.ts";
import { CliError, UsageError } from "./errors.ts";
import type { AnyFlag, Flags, Layer } from "./flags.ts";
import { kebab } from "./flags.ts";
import { configDirectory } from "./paths.ts";
import { parseSettings, type Setting, type Settings } from "./settings.ts";
import { suggestion } from "./text.ts";

/** A command, as far as a configuration file is about it. */
export interface Configurable {
  readonly name: string;
  readonly flags: Flags;
  readonly hidden?: true;
}

/** What a configuration file says. */
export interface Config {
  /** The names of its profiles. */
  readonly profiles: readonly string[];
  /** What it says of one command. */
  command(command: Configurable): Layer;
  /**
   * What the profile says that was chosen, or that the file itself chooses.
   *
   * @param chosen its name; `insist`: it must be of use to the command.
   * @throws {UsageError} when there is no such profile.
   */
  profile(
    command: Configurable,
    chosen?: { readonly name: string; readonly insist: boolean },
  ): Layer;
}

/** The file in the directory for what the user configures. */
const FILE = "config.json";

/** The flags that a profile may hold: what says which hub, and as whom. By their names in the program. */
const PROFILE_FLAGS = ["url", "host", "port", "name", "room", "token"] as const;

/** Says nothing. */
const SILENT: Layer = { label: kebab, texts: () => undefined };

/** The bits of a file's mode that let others than its owner read it. */
const OTHERS_MAY_READ = 0o044;

/**
 * Reads the configuration file: `file`, or the user's own if there is one. All of it is checked, not
 * only what the command at hand would use.
 *
 * @throws {UsageError} that names file, line and column of the first thing that is wrong.
 */
export async function loadConfig(
  file: string | undefined,
  context: Context,
  commands: readonly Configurable[],
): Promise<Config> {
  const path = file ?? ownFile(context);
  const text = path === undefined ? undefined : await readIfThere(path, file !== undefined);
  if (path === undefined || text === undefined) return new NoConfig(path);
  const config = new FileConfig(parseSettings(path, text), commands);
  if (config.holdsToken && await othersMayRead(path)) {
    const shown = visible(path);
    await context.stderr.write(
      `Warning: ${shown} holds a token, and others may read it: chmod 600 ${shown}\n`,
    );
  }
  return config;
}

/** Where the user's own file would be. */
function ownFile(context: Context): string | undefined {
  try {
    return join(configDirectory(context), FILE);
  } catch (error) {
    // Without a home there is no such file; a service may well have none.
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

async function readIfThere(path: string, mustBe: boolean): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (missing && !mustBe) return undefined;
    const why = missing
      ? "it does not exist"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : error instanceof Deno.errors.IsADirectory
      ? "it is a directory"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new UsageError(`Cannot read the configuration file ${path}: ${why}`);
  }
}

async function othersMayRead(path: string): Promise<boolean> {
  // Windows has no mode: who may read what is kept elsewhere.
  const { mode } = await Deno.stat(path);
  return mode !== null && (mode & OTHERS_MAY_READ) !== 0;
}

class NoConfig implements Config {
  readonly profiles = [];

  constructor(private readonly path: string | undefined) {}

  command(): Layer {
    return SILENT;
  }

  profile(_command: Configurable, chosen?: { readonly name: string }): Layer {
    if (chosen === undefined) return SILENT;
    throw new UsageError(
      `There is no profile "${visible(chosen.name)}": there is no configuration file` +
        (this.path === undefined ? "" : ` ${this.path}`),
    );
  }
}

class FileConfig implements Config {
  /** Whether a secret is in it. */
  holdsToken = false;
  readonly #settings: Settings;
  readonly #commands = new Map<string, ReadonlyMap<string, readonly string[]>>();
  readonly #profiles = new Map<string, ReadonlyMap<string, readonly string[]>>();
  #profile: string | undefined;

  constructor(settings: Settings, commands: readonly Configurable[]) {
    this.#settings = settings;
    const known = commands.filter((command) =>
      !command.hidden && Object.keys(command.flags).length > 0
    );
    const names = ["profile", "profiles", ...known.map(({ name }) => name)];
    let chosen: Setting | undefined;
    for (const setting of settings.members(settings.root, "the file")) {
      const command = known.find(({ name }) => name === setting.key);
      if (command !== undefined) {
        this.#commands.set(command.name, this.#values(setting, command.flags));
      } else if (setting.key === "profiles") {
        for (const profile of settings.members(setting, `"profiles"`)) {
          this.#profiles.set(profile.key, this.#values(profile, profileFlags(known)));
        }
      } else if (setting.key === "profile") {
        chosen = setting;
      } else if (setting.key !== "$schema") {
        throw settings.unknownKey(setting, "the file", names);
      }
    }
    if (chosen !== undefined) this.#choose(chosen);
  }

  get profiles(): readonly string[] {
    return [...this.#profiles.keys()];
  }

  command(command: Configurable): Layer {
    return this.#layer(this.#commands.get(command.name));
  }

  profile(
    command: Configurable,
    chosen?: { readonly name: string; readonly insist: boolean },
  ): Layer {
    const name = chosen?.name ?? this.#profile;
    const isClient = command.flags["url"] !== undefined;
    if (chosen?.insist === true && !isClient) {
      throw new UsageError(
        `A profile says which hub to talk to: bcast ${command.name} talks to none`,
      );
    }
    if (name === undefined) return SILENT;
    const values = this.#profiles.get(name);
    if (values === undefined) throw this.#noProfile(name);
    return isClient ? this.#layer(values) : SILENT;
  }

  #choose(setting: Setting): void {
    const { value } = setting;
    if (typeof value !== "string") {
      throw this.#settings.problem(setting, `"profile" must be the name of a profile`);
    }
    if (!this.#profiles.has(value)) {
      throw this.#settings.problem(setting, this.#noProfile(value, "").message);
    }
    this.#profile = value;
  }

  #noProfile(name: string, where = ` in ${this.#settings.path}`): UsageError {
    const hint = suggestion(name, [...this.#profiles.keys()], (word) => `"${visible(word)}"`);
    return new UsageError(
      `There is no profile "${visible(name)}"${where}${hint === "" ? "" : `. ${hint}`}`,
    );
  }

  /** The texts of an object whose keys are flags. */
  #values(of: Setting, flags: Flags): ReadonlyMap<string, readonly string[]> {
    const byKey = new Map(Object.keys(flags).map((name) => [kebab(name), name]));
    const values = new Map<string, readonly string[]>();
    const where = `"${visible(of.key)}"`;
    for (const setting of this.#settings.members(of, where)) {
      const name = byKey.get(setting.key);
      const flag = name === undefined ? undefined : flags[name];
      if (name === undefined || flag === undefined) {
        throw this.#settings.unknownKey(setting, where, [...byKey.keys()]);
      }
      values.set(name, this.#texts(setting, flag, where));
      if (name === "token") this.holdsToken = true;
    }
    return values;
  }

  #texts(setting: Setting, flag: AnyFlag, where: string): readonly string[] {
    const texts = textsOf(setting, flag.kind);
    if (texts !== undefined && flag.read(texts) !== undefined) return texts;
    throw this.#settings.problem(
      setting,
      `"${setting.key}" of ${where} must be ${flag.expects}; it is ${setting.shown}`,
    );
  }

  #layer(values: ReadonlyMap<string, readonly string[]> | undefined): Layer {
    if (values === undefined) return SILENT;
    return {
      label: (name) => `"${kebab(name)}" in ${this.#settings.path}`,
      texts: (name, flag) => {
        const texts = values.get(name);
        // Of several rooms, the first is where one speaks.
        return flag.kind === "list" ? texts : texts?.slice(0, 1);
      },
    };
  }
}

/** What a command line would say for a value of JSON; `undefined` when no flag of the kind takes it. */
function textsOf({ value, raw }: Setting, kind: AnyFlag["kind"]): readonly string[] | undefined {
  if (kind === "switch") return typeof value === "boolean" ? [String(value)] : undefined;
  if (typeof value === "string") return value === "" ? undefined : [value];
  // As it is written: a long one would not survive being a number.
  if (typeof value === "number") return kind === "value" ? [raw] : undefined;
  if (kind !== "list" || !Array.isArray(value) || value.length === 0) return undefined;
  return value.every((item) => typeof item === "string") ? value : undefined;
}

/** The flags of a profile, with the most generous of their meanings: `room` takes several. */
function profileFlags(commands: readonly Configurable[]): Flags {
  const clients = commands.filter(({ flags }) => flags["url"] !== undefined);
  const found: Record<string, AnyFlag> = {};
  for (const name of PROFILE_FLAGS) {
    const declared = clients.flatMap(({ flags }) => flags[name] ?? []);
    const flag = declared.find(({ kind }) => kind === "list") ?? declared[0];
    if (flag !== undefined) found[name] = flag;
  }
  return found;
}

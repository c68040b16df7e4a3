import { join } from "node:path";
import { visible } from "../protocol.ts";
import type { Context } from "./context.ts";
import { CliError, UsageError } from "./errors.ts";
import { configKey, type Layer } from "./command_line.ts";
import type { AnyFlag, Flags } from "./flags.ts";
import { isReadableByOthers } from "./read_file.ts";
import { readErrorText } from "../lib/files.ts";
import { configDirectory } from "./paths.ts";
import { parseSettings, type Setting, type SettingFault, type SettingsReader } from "./settings.ts";
import { suggestion } from "../lib/words.ts";

/** The part of a command that a configuration file can set. */
export interface Configurable {
  readonly name: string;
  readonly flags: Flags;
  readonly hidden?: true;
}

/** A profile chosen by a flag or by the environment. */
export interface ChosenProfile {
  readonly name: string;
  /** Chosen for this command line, so the command must be able to use it. */
  readonly required: boolean;
}

/** A configuration file. */
export interface Config {
  /** The names of its profiles. */
  readonly profiles: readonly string[];
  /** The settings in the command's own part. */
  command(command: Configurable): Layer;
  /**
   * The settings of the chosen profile, by default of the one that the file chooses.
   *
   * @throws {UsageError} if there is no such profile.
   */
  profile(command: Configurable, chosen?: ChosenProfile): Layer;
}

const FILE = "config.json";

/** The flags that a profile may hold: a hub, and the identity to use with it. */
const PROFILE_FLAGS = ["url", "host", "port", "name", "room", "token"] as const;

const EMPTY: Layer = { label: configKey, origin: configKey, texts: () => undefined };

/**
 * Reads the configuration file: `file`, or the user's own if there is one. Checks all of it, not only
 * the settings of the current command.
 *
 * @throws {UsageError} with file, line and column of the first mistake.
 */
export async function loadConfig(
  file: string | undefined,
  context: Context,
  commands: readonly Configurable[],
): Promise<Config> {
  const { path, config } = await readConfig(file, context, commands);
  if (config === undefined) return new NoConfig(path);
  config.settings.orThrow();
  if (config.holdsToken) await warnOfReaders(config.settings.path, context);
  return config;
}

/** The result of {@linkcode checkConfig}. */
export interface ConfigReport {
  /** Where the file is or would be; `undefined` if the user has no home. */
  readonly path: string | undefined;
  readonly exists: boolean;
  /** In the order of the file. */
  readonly faults: readonly SettingFault[];
  readonly profiles: readonly string[];
  /** The commands that it configures. */
  readonly commands: readonly string[];
}

/**
 * Finds all mistakes in the configuration file, and warns if it holds a token that others can read.
 *
 * @throws {UsageError} if `file` cannot be read.
 */
export async function checkConfig(
  file: string | undefined,
  context: Context,
  commands: readonly Configurable[],
): Promise<ConfigReport> {
  const { path, config } = await readConfig(file, context, commands);
  if (config === undefined) return { path, exists: false, faults: [], profiles: [], commands: [] };
  const { settings, profiles, commands: named } = config;
  if (config.holdsToken) await warnOfReaders(settings.path, context);
  const faults = settings.faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { path, exists: true, faults, profiles, commands: named };
}

async function readConfig(
  file: string | undefined,
  context: Context,
  commands: readonly Configurable[],
): Promise<{ readonly path: string | undefined; readonly config?: FileConfig }> {
  const path = file ?? ownFile(context);
  const text = path === undefined ? undefined : await readIfThere(path, file !== undefined);
  if (path === undefined || text === undefined) return { path };
  return { path, config: new FileConfig(parseSettings(path, text), commands) };
}

async function warnOfReaders(path: string, { stderr }: Context): Promise<void> {
  if (!await isReadableByOthers(path)) return;
  const shown = visible(path);
  await stderr.write(
    `Warning: ${shown} holds a token and is readable by others. Run: chmod 600 ${shown}\n`,
  );
}

function ownFile(context: Context): string | undefined {
  try {
    return join(configDirectory(context), FILE);
  } catch (error) {
    // A service may have no home, and so no file.
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
    const reason = missing
      ? "it does not exist. Check --config, or create the file"
      : readErrorText(error);
    throw new UsageError(`Cannot read the configuration file ${path}: ${reason}`);
  }
}

/** For `-p 9000`, which other programs take as a port. */
function portHint(profile: string): string {
  return /^\d+$/.test(profile) ? `. For a port, write --port ${profile}` : "";
}

class NoConfig implements Config {
  readonly profiles = [];

  constructor(private readonly path: string | undefined) {}

  command(): Layer {
    return EMPTY;
  }

  profile(_command: Configurable, chosen?: ChosenProfile): Layer {
    if (chosen === undefined) return EMPTY;
    const without = chosen.required ? "leave out -p" : "unset BCAST_PROFILE";
    const remedy = this.path === undefined ? "Name one with --config" : "Create that file";
    throw new UsageError(
      `There is no profile "${visible(chosen.name)}": there is no configuration file` +
        (this.path === undefined ? "" : ` ${this.path}`) +
        (portHint(chosen.name) || `. ${remedy}, or ${without}`),
    );
  }
}

/** The setting of a flag. */
interface FlagSetting {
  readonly texts: readonly string[];
  readonly line: number;
}

/** By the names of the flags in the program. */
type FlagSettings = ReadonlyMap<string, FlagSetting>;

/** An existing file. Mistakes are recorded in {@linkcode settings}, and the rest is used. */
class FileConfig implements Config {
  holdsToken = false;
  readonly #commands = new Map<string, FlagSettings>();
  readonly #profiles = new Map<string, FlagSettings>();
  #profile: string | undefined;

  constructor(readonly settings: SettingsReader, commands: readonly Configurable[]) {
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
        settings.unknownKey(setting, "the file", names);
      }
    }
    if (chosen !== undefined) this.#choose(chosen);
  }

  /** The commands that it configures. */
  get commands(): readonly string[] {
    return [...this.#commands.keys()];
  }

  get profiles(): readonly string[] {
    return [...this.#profiles.keys()];
  }

  command(command: Configurable): Layer {
    return this.#layer(this.#commands.get(command.name), "");
  }

  profile(command: Configurable, chosen?: ChosenProfile): Layer {
    const name = chosen?.name ?? this.#profile;
    const isClient = command.flags["url"] !== undefined;
    if (chosen?.required === true && !isClient) {
      throw new UsageError(
        `A profile names a hub, but bcast ${command.name} does not connect to one` +
          portHint(chosen.name),
      );
    }
    if (name === undefined) return EMPTY;
    const values = this.#profiles.get(name);
    if (values === undefined) throw this.#noProfile(name);
    return isClient ? this.#layer(values, `profile ${visible(name)}, `) : EMPTY;
  }

  #choose(setting: Setting): void {
    const { value } = setting;
    if (typeof value !== "string") {
      this.settings.problem(setting, `"profile" must be the name of a profile`);
    } else if (!this.#profiles.has(value)) {
      this.settings.problem(setting, this.#noProfile(value, "").message);
    } else {
      this.#profile = value;
    }
  }

  #noProfile(name: string, where = ` in ${this.settings.path}`): UsageError {
    const hint = suggestion(name, [...this.#profiles.keys()], (word) => `"${visible(word)}"`);
    return new UsageError(
      `There is no profile "${visible(name)}"${where}${hint === "" ? "" : `. ${hint}`}` +
        portHint(name),
    );
  }

  /** The settings of an object whose keys are flags. */
  #values(of: Setting, flags: Flags): FlagSettings {
    const byKey = new Map(Object.keys(flags).map((name) => [configKey(name), name]));
    const values = new Map<string, FlagSetting>();
    const where = `"${visible(of.key)}"`;
    for (const setting of this.settings.members(of, where)) {
      const name = byKey.get(setting.key);
      const flag = name === undefined ? undefined : flags[name];
      if (name === undefined || flag === undefined) {
        this.settings.unknownKey(setting, where, [...byKey.keys()]);
        continue;
      }
      if (flag.secret) this.holdsToken = true;
      const texts = this.#texts(setting, flag, where);
      if (texts !== undefined) values.set(name, { texts, line: this.settings.lineOf(setting) });
    }
    return values;
  }

  #texts(setting: Setting, flag: AnyFlag, where: string): readonly string[] | undefined {
    const texts = textsOf(setting, flag.kind);
    if (texts !== undefined && flag.parse(texts) !== undefined) return texts;
    const is = flag.secret ? "" : `; it is ${setting.shown}`;
    this.settings.problem(setting, `"${setting.key}" of ${where} must be ${flag.expects}${is}`);
    return undefined;
  }

  #layer(values: FlagSettings | undefined, prefix: string): Layer {
    if (values === undefined) return EMPTY;
    const path = this.settings.path;
    return {
      label: (name) => `"${configKey(name)}" in ${path}`,
      origin: (name) => `${prefix}${visible(path)}:${values.get(name)?.line ?? 0}`,
      texts: (name, flag) => {
        const texts = values.get(name)?.texts;
        // A client sends to the first of its rooms.
        return flag.kind === "list" ? texts : texts?.slice(0, 1);
      },
    };
  }
}

/** A JSON value as the texts of a command line; `undefined` if a flag of the kind cannot take it. */
function textsOf({ value, raw }: Setting, kind: AnyFlag["kind"]): readonly string[] | undefined {
  if (kind === "switch") return typeof value === "boolean" ? [String(value)] : undefined;
  if (typeof value === "string") return value === "" ? undefined : [value];
  // Verbatim: a number would lose digits of a long one.
  if (typeof value === "number") return kind === "value" ? [raw] : undefined;
  if (kind !== "list" || !Array.isArray(value) || value.length === 0) return undefined;
  return value.every((item) => typeof item === "string") ? value : undefined;
}

/** The flags of a profile. Where commands differ, the most permissive applies: `room` is a list. */
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

import { join } from "node:path";
import { visible } from "../protocol.ts";
import type { Context } from "./context.ts";
import { CliError, UsageError } from "./errors.ts";
import type { AnyFlag, Flags, Layer } from "./flags.ts";
import { isReadableByOthers } from "./read_file.ts";
import { readErrorText } from "../lib/files.ts";
import { kebab } from "./flags.ts";
import { configDirectory } from "./paths.ts";
import { parseSettings, type Setting, type SettingFault, type SettingsReader } from "./settings.ts";
import { suggestion } from "../lib/words.ts";

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
const SILENT: Layer = { label: kebab, place: kebab, texts: () => undefined };

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
  const { path, config } = await readConfig(file, context, commands);
  if (config === undefined) return new NoConfig(path);
  config.settings.orThrow();
  if (config.holdsToken) await warnOfReaders(config.settings.path, context);
  return config;
}

/** What {@linkcode checkConfig} finds. */
export interface ConfigReport {
  /** Which file it is, or would be; `undefined` where the user has no home. */
  readonly path: string | undefined;
  /** Whether there is such a file. */
  readonly exists: boolean;
  /** All that is wrong, in the order of the file. */
  readonly faults: readonly SettingFault[];
  readonly profiles: readonly string[];
  /** The names of the commands that it speaks of. */
  readonly commands: readonly string[];
}

/**
 * Looks for all that is wrong with the configuration file, and warns of a token in it that others
 * may read.
 *
 * @throws {UsageError} when `file` cannot be read.
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
    `Warning: ${shown} holds a token, and others may read it: chmod 600 ${shown}\n`,
  );
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
    const reason = missing ? "it does not exist" : readErrorText(error);
    throw new UsageError(`Cannot read the configuration file ${path}: ${reason}`);
  }
}

/** What somebody means who writes `-p 9000`. */
function portHint(profile: string): string {
  return /^\d+$/.test(profile) ? `. For a port, write --port ${profile}` : "";
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
        (this.path === undefined ? "" : ` ${this.path}`) + portHint(chosen.name),
    );
  }
}

/** What is said of one flag, and where. */
interface SettingKey {
  readonly texts: readonly string[];
  readonly line: number;
}

/** What is said of flags, by their names in the program. */
type SaidFlags = ReadonlyMap<string, SettingKey>;

/** A file that is there. What is wrong in it is noted in {@linkcode settings}, and left out. */
class FileConfig implements Config {
  /** Whether a secret is in it. */
  holdsToken = false;
  readonly #commands = new Map<string, SaidFlags>();
  readonly #profiles = new Map<string, SaidFlags>();
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

  /** The names of the commands that it speaks of. */
  get commands(): readonly string[] {
    return [...this.#commands.keys()];
  }

  get profiles(): readonly string[] {
    return [...this.#profiles.keys()];
  }

  command(command: Configurable): Layer {
    return this.#layer(this.#commands.get(command.name), "");
  }

  profile(
    command: Configurable,
    chosen?: { readonly name: string; readonly insist: boolean },
  ): Layer {
    const name = chosen?.name ?? this.#profile;
    const isClient = command.flags["url"] !== undefined;
    if (chosen?.insist === true && !isClient) {
      throw new UsageError(
        `A profile says which hub to talk to: bcast ${command.name} talks to none` +
          portHint(chosen.name),
      );
    }
    if (name === undefined) return SILENT;
    const values = this.#profiles.get(name);
    if (values === undefined) throw this.#noProfile(name);
    return isClient ? this.#layer(values, `profile ${visible(name)}, `) : SILENT;
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

  /** What an object says whose keys are flags. */
  #values(of: Setting, flags: Flags): SaidFlags {
    const byKey = new Map(Object.keys(flags).map((name) => [kebab(name), name]));
    const values = new Map<string, SettingKey>();
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
    if (texts !== undefined && flag.read(texts) !== undefined) return texts;
    const is = flag.secret ? "" : `; it is ${setting.shown}`;
    this.settings.problem(setting, `"${setting.key}" of ${where} must be ${flag.expects}${is}`);
    return undefined;
  }

  #layer(values: SaidFlags | undefined, prefix: string): Layer {
    if (values === undefined) return SILENT;
    const path = this.settings.path;
    return {
      label: (name) => `"${kebab(name)}" in ${path}`,
      place: (name) => `${prefix}${visible(path)}:${values.get(name)?.line ?? 0}`,
      texts: (name, flag) => {
        const texts = values.get(name)?.texts;
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

import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { replaceFile } from "../lib/files.ts";
import { STAMPS, type Stamps } from "./view.ts";
import { MENTION_RULES, type MentionRule } from "../chat/mention.ts";
import { type Theme, THEMES } from "../render/palette.ts";

const logger = getLogger(["bcast", "client"]);

/** The choices for ringing; `always` means `all`. */
export const BELLS = ["never", "mention", "all", "always"] as const;

/** One of {@linkcode BELLS}. */
export type Bell = (typeof BELLS)[number];

/** Settings that are remembered between runs. */
export interface TerminalSettings {
  readonly theme: Theme;
  readonly timestamp: Stamps;
  readonly bell: Bell;
  readonly mention: MentionRule;
}

/** The choices of each setting. */
export const SETTINGS: { readonly [K in keyof TerminalSettings]: readonly TerminalSettings[K][] } =
  {
    theme: THEMES,
    timestamp: STAMPS,
    bell: BELLS,
    mention: MENTION_RULES,
  };

export const DEFAULT_SETTINGS: TerminalSettings = {
  theme: "auto",
  timestamp: "time",
  bell: "mention",
  mention: "at",
};

/** The name of the file in the data directory. */
const FILE = "chat.json";

/** Reads the settings. Missing and invalid ones have their defaults. */
export async function readSettings(directory: string): Promise<TerminalSettings> {
  try {
    return parseSettings(await Deno.readTextFile(join(directory, FILE)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      logger.warning("Cannot read the chat settings: {error}", { error });
    }
    return DEFAULT_SETTINGS;
  }
}

/** Stores the settings. Returns whether it could, as the chat works without. */
export async function writeSettings(
  directory: string,
  settings: TerminalSettings,
): Promise<boolean> {
  try {
    await replaceFile(join(directory, FILE), JSON.stringify(settings, undefined, 2) + "\n", {
      makeDirectory: true,
    });
    return true;
  } catch (error) {
    logger.warning("Cannot store the chat settings: {error}", { error });
    return false;
  }
}

/**
 * Parses a file of settings. Unknown and invalid ones are logged and ignored.
 *
 * @throws {SyntaxError} if it is not a JSON object.
 */
export function parseSettings(text: string): TerminalSettings {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new SyntaxError("The settings are not an object");
  }
  const settings = { ...DEFAULT_SETTINGS };
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(SETTINGS, name)) {
      logger.warning("Unknown chat setting {name}", { name });
      continue;
    }
    const choices: readonly unknown[] = SETTINGS[name as keyof TerminalSettings];
    if (choices.includes(value)) Object.assign(settings, { [name]: value });
    else logger.warning("Invalid chat setting {name}: {value}", { name, value });
  }
  return settings;
}

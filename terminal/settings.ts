import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { replaceFile } from "../lib/files.ts";
import { STAMPS, type Stamps } from "./view.ts";
import { MENTION_RULES, type MentionRule } from "../chat/mention.ts";
import { type Theme, THEMES } from "../render/palette.ts";

const logger = getLogger(["bcast", "client"]);

/** When the terminal rings; `always` is another word for `all`. */
export const BELLS = ["never", "mention", "all", "always"] as const;

/** One of {@linkcode BELLS}. */
export type Bell = (typeof BELLS)[number];

/** What a user sets by commands, and finds again the next time. */
export interface TerminalSettings {
  readonly theme: Theme;
  readonly timestamp: Stamps;
  readonly bell: Bell;
  readonly mention: MentionRule;
}

/** What each setting may be. */
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

/** The file in the data directory. */
const FILE = "chat.json";

/** What the file says; whatever in it makes no sense is as if it were not there. */
export async function readSettings(directory: string): Promise<TerminalSettings> {
  try {
    return parseSettings(await Deno.readTextFile(join(directory, FILE)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      logger.warning("Cannot read the settings of the chat: {error}", { error });
    }
    return DEFAULT_SETTINGS;
  }
}

/**
 * Keeps settings for the next time; returns whether it could. A directory that cannot be written is
 * no reason to fail.
 */
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
    logger.warning("Cannot keep the settings of the chat: {error}", { error });
    return false;
  }
}

/**
 * Reads what {@linkcode writeSettings} wrote; unknown and damaged parts are logged and left out.
 *
 * @throws {SyntaxError} when it is no JSON.
 */
export function parseSettings(text: string): TerminalSettings {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new SyntaxError("The settings are no object");
  }
  const fields = new Map<string, unknown>(Object.entries(found));
  const read = <K extends keyof TerminalSettings>(name: K): TerminalSettings[K] => {
    const value = fields.get(name);
    const known = SETTINGS[name].find((each) => each === value);
    if (known === undefined && value !== undefined) {
      logger.warning("The settings of the chat have a {name} that there is not: {value}", {
        name,
        value,
      });
    }
    fields.delete(name);
    return known ?? DEFAULT_SETTINGS[name];
  };
  const settings: TerminalSettings = {
    theme: read("theme"),
    timestamp: read("timestamp"),
    bell: read("bell"),
    mention: read("mention"),
  };
  for (const name of fields.keys()) {
    logger.warning("The settings of the chat have an unknown {name}", { name });
  }
  return settings;
}

import { posix, win32 } from "node:path";
import { CliError } from "./errors.ts";

/** The parts of the system that decide where a user's files belong. */
export interface Home {
  readonly os: typeof Deno.build.os;
  readonly env: (name: string) => string | undefined;
}

const APP = "bcast";

/**
 * The directory for data: XDG's `~/.local/share/bcast`, macOS's
 * `~/Library/Application Support/bcast`, Windows' `%LOCALAPPDATA%\bcast`.
 *
 * @throws {CliError} if the user has no home.
 */
export function dataDirectory(home: Home): string {
  return directory(home, {
    xdg: ["XDG_DATA_HOME", ".local/share"],
    mac: "Library/Application Support",
    windows: ["LOCALAPPDATA", "AppData\\Local"],
  });
}

/** The directory for configuration. @throws {CliError} as {@linkcode dataDirectory}. */
export function configDirectory(home: Home): string {
  return directory(home, {
    xdg: ["XDG_CONFIG_HOME", ".config"],
    mac: "Library/Preferences",
    windows: ["APPDATA", "AppData\\Roaming"],
  });
}

interface UserFolders {
  readonly xdg: readonly [variable: string, belowHome: string];
  readonly mac: string;
  readonly windows: readonly [variable: string, belowHome: string];
}

function directory({ os, env }: Home, places: UserFolders): string {
  const path = os === "windows" ? win32 : posix;
  const [variable, belowHome] = os === "windows" ? places.windows : places.xdg;
  if (os !== "darwin") {
    const base = env(variable);
    // Relative paths are ignored, as the XDG specification demands.
    if (base !== undefined && path.isAbsolute(base)) return path.join(base, APP);
  }
  const name = os === "windows" ? "USERPROFILE" : "HOME";
  const base = env(name);
  if (base === undefined || base === "") {
    throw new CliError(`Cannot find your home directory: set ${name}, or use --data DIR`);
  }
  return path.join(base, os === "darwin" ? places.mac : belowHome, APP);
}

import { isRoomName, normalizeName } from "../../protocol.ts";
import { ADDRESS_FLAGS } from "./address.ts";
import * as flag from "../../cli/flags.ts";
import { TOKEN_FLAGS } from "./token.ts";
import { LOG_FLAGS, startLogging } from "../../cli/logging.ts";

/** Completes "must be" in errors. */
export const ROOM = "a room: 1 to 64 of a-z 0-9 . _ - that start with a letter or digit";

/** Completes "must be" in errors. */
export const NAME = "a name of 1 to 32 visible characters without / @ # :";

export function nameFlag(
  declaration: flag.Declaration,
): flag.Flag<string | undefined> {
  return flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "NAME",
    ...declaration,
    expects: NAME,
    parse: normalizeName,
  });
}

export function roomFlag(
  help: string,
  defaultText = "the hub's own",
): flag.Flag<string | undefined> {
  return flag.value<string | undefined>({
    fallback: undefined,
    placeholder: "ROOM",
    once: true,
    defaultText,
    expects: ROOM,
    parse: (room) => isRoomName(room) ? room : undefined,
    help,
  });
}

export function roomsFlag(help: string): flag.Flag<readonly string[]> {
  return flag.list({
    fallback: [],
    placeholder: "ROOM",
    defaultText: "the hub's own",
    expects: ROOM,
    accepts: isRoomName,
    help,
  });
}

export const WAIT = flag.toggle({ help: "If the hub is unreachable at startup, wait for it" });

export const CLIENT_LOG_FLAGS = {
  logFile: LOG_FLAGS.logFile,
  logLevel: LOG_FLAGS.logLevel,
  logFormat: LOG_FLAGS.logFormat,
};

/** Hub and token, for commands without an address argument. */
export const ACCESS_FLAGS = {
  ...ADDRESS_FLAGS,
  url: {
    ...ADDRESS_FLAGS.url,
    help: "Address of the hub: HOST[:PORT], ws://HOST[:PORT] or wss://HOST[:PORT]",
  },
  ...TOKEN_FLAGS,
};

export function startClientLogging(
  flags: flag.FlagValues<typeof CLIENT_LOG_FLAGS>,
): ReturnType<typeof startLogging> {
  return startLogging({
    level: flags.logLevel,
    format: flags.logFormat,
    file: flags.logFile,
  });
}

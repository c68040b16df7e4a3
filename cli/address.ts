import { hubUrl } from "../client.ts";
import { DEFAULT_PORT, visible } from "../protocol.ts";
import { type CommandInput, isStronger, type Source } from "./command.ts";
import { UsageError } from "./errors.ts";
import { type Flag, integer, text } from "./flags.ts";
import { TRUST_FLAGS } from "./trust.ts";

/** The flags that say where the hub is. */
export const ADDRESS_FLAGS: {
  readonly url: Flag<string | undefined>;
  readonly host: Flag<string>;
  readonly port: Flag<number>;
  readonly ca: Flag<string | undefined>;
  readonly fingerprint: Flag<string | undefined>;
} = {
  url: text({
    placeholder: "URL",
    help: "Address of the hub, as the argument",
  }),
  host: text({
    fallback: "localhost",
    placeholder: "HOST",
    help: "Host of the hub",
  }),
  port: integer({
    fallback: DEFAULT_PORT,
    min: 1,
    max: 65_535,
    help: "Port of the hub",
  }),
  ...TRUST_FLAGS,
};

/** The argument that says where the hub is. */
export const ADDRESS_ARGUMENT = {
  placeholder: "URL",
  help: "HOST, HOST:PORT, ws://HOST:PORT or wss://HOST:PORT",
};

/**
 * Where the hub is: what the argument says, else the flags, else the environment, else this
 * machine.
 *
 * @throws {UsageError} when that is no address.
 */
export function hubAddress(
  { flags, positional, source }: Pick<
    CommandInput<typeof ADDRESS_FLAGS>,
    "flags" | "positional" | "source"
  >,
): URL {
  if (positional !== undefined && source("host") === "flag") {
    throw new UsageError(`Cannot use --host together with "${visible(positional)}": leave one out`);
  }
  // Who says which host, louder than anybody says which address, means the host.
  const byHost = positional === undefined && isStronger(source("host"), source("url"));
  const url = positional ?? (byHost ? undefined : flags.url);
  const said = positional !== undefined ? "flag" : source(byHost ? "host" : "url");
  // To say whom to trust is to ask for TLS, where no scheme says otherwise.
  const asked = source("ca") === "flag" || source("fingerprint") === "flag";
  const trusting = flags.ca !== undefined || flags.fingerprint !== undefined;
  const tls = asked || (trusting && !(url ?? flags.host).includes("://"));
  try {
    return hubUrl({
      tls,
      host: flags.host,
      ...(url === undefined ? {} : { url }),
      // A port of its own scheme is what a URL means that names none.
      ...(source("port") === "default" || isOthersPort(source("port"), said)
        ? {}
        : { port: flags.port }),
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** Whether a file has the port for a hub of its own, while something stronger says which hub. */
function isOthersPort(port: Source, address: Source): boolean {
  return (port === "profile" || port === "config") && isStronger(address, port);
}

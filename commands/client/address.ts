import { hubUrl } from "../../client.ts";
import { DEFAULT_PORT, visible } from "../../protocol.ts";
import { type CommandInput, isStronger, type Source } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { type Flag, integer, text } from "../../cli/flags.ts";
import { TOKEN_FLAGS } from "./token.ts";
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
    help: "Address of the hub, like the URL argument",
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

/** Flags whose source decides about the address. */
type Decisive = keyof typeof ADDRESS_FLAGS | keyof typeof TOKEN_FLAGS;

/** Where the values of the decisive flags come from. */
export type AddressSource = (name: Decisive) => Source;

/** What the user said about the address of the hub. */
export interface AddressInput {
  readonly flags: Pick<CommandInput<typeof ADDRESS_FLAGS>["flags"], keyof typeof ADDRESS_FLAGS>;
  readonly positional: string | undefined;
  readonly source: AddressSource;
}

/**
 * The address of the hub: the argument, else the flags, else the environment, else this machine.
 *
 * Of two values for the same part, the one from the stronger source counts: `--host` replaces a URL
 * of the environment, `--port` its port, and a token its `?token=`.
 *
 * @throws {UsageError} when that is no address, or says the same part twice.
 */
export function hubAddress({ flags, positional, source }: AddressInput): URL {
  const byFlag = source("url") === "flag" ? flags.url : undefined;
  const named = positional ?? byFlag;
  const again = positional !== undefined && byFlag !== undefined ? "url" : "host";
  if (named !== undefined && source(again) === "flag") {
    throw new UsageError(`Cannot use --${again} together with "${visible(named)}": leave one out`);
  }
  // A --host from a stronger source overrides a URL from a weaker one.
  const byHost = positional === undefined && isStronger(source("host"), source("url"));
  const url = positional ?? (byHost ? undefined : flags.url);
  const said = positional !== undefined ? "flag" : source(byHost ? "host" : "url");
  // To say whom to trust is to ask for TLS, where no scheme says otherwise.
  const asked = source("ca") === "flag" || source("fingerprint") === "flag";
  const trusting = flags.ca !== undefined || flags.fingerprint !== undefined;
  const tls = asked || (trusting && !(url ?? flags.host).includes("://"));
  let address: URL;
  try {
    address = hubUrl({
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
  if (isStronger(source("port"), said)) address.port = String(flags.port);
  else if (source("port") === "flag" && portOf(address) !== flags.port) {
    const what = positional ?? flags.url ?? flags.host;
    throw new UsageError(
      `Cannot use --port ${flags.port} together with "${visible(what)}": leave one out`,
    );
  }
  const token = isStronger(source("token"), source("tokenFile")) ? "token" : "tokenFile";
  if (source(token) !== "default" && !isStronger(said, source(token))) {
    address.searchParams.delete("token");
  }
  return address;
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? protocol === "wss:" ? 443 : 80 : Number(port);
}

/** Whether a file has the port for a hub of its own, while something stronger says which hub. */
function isOthersPort(port: Source, address: Source): boolean {
  return (port === "profile" || port === "config") && isStronger(address, port);
}

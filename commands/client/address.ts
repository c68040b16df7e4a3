import { hubUrl } from "../../client.ts";
import { DEFAULT_PORT, visible } from "../../protocol.ts";
import { type CommandInput, isStronger, type Source } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { type Flag, integer, text } from "../../cli/flags.ts";
import { TOKEN_FLAGS } from "./token.ts";
import { TRUST_FLAGS } from "./trust.ts";

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

export const ADDRESS_ARGUMENT = {
  placeholder: "URL",
  help: "HOST, HOST:PORT, ws://HOST:PORT or wss://HOST:PORT",
};

/** Flags whose sources affect the address. */
type Decisive = keyof typeof ADDRESS_FLAGS | keyof typeof TOKEN_FLAGS;

export type AddressSource = (name: Decisive) => Source;

export interface AddressInput {
  readonly flags: Pick<CommandInput<typeof ADDRESS_FLAGS>["flags"], keyof typeof ADDRESS_FLAGS>;
  readonly positional: string | undefined;
  readonly source: AddressSource;
}

/**
 * The address of the hub: from the argument, the flags, the environment, or by default this machine.
 *
 * Of two values for the same part, the one from the stronger source wins: `--host` overrides a URL of
 * the environment, `--port` its port, and a token its `?token=`.
 *
 * @throws {UsageError} for an invalid address, or if the command line sets a part twice.
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
  // Trusting a certificate implies TLS, unless the scheme says otherwise.
  const asked = source("ca") === "flag" || source("fingerprint") === "flag";
  const trusting = flags.ca !== undefined || flags.fingerprint !== undefined;
  const tls = asked || (trusting && !(url ?? flags.host).includes("://"));
  let address: URL;
  try {
    address = hubUrl({
      tls,
      host: flags.host,
      ...(url === undefined ? {} : { url }),
      // A URL without a port means the default port of its scheme.
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

/** Whether the port comes from a file, but the hub from a stronger source: they do not belong together. */
function isOthersPort(port: Source, address: Source): boolean {
  return (port === "profile" || port === "config") && isStronger(address, port);
}

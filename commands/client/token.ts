import type { ConnectOptions } from "../../client.ts";
import { isStronger, type Source } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { type Flag, text } from "../../cli/flags.ts";
import { isRegularFile } from "../../cli/read_file.ts";
import { checkedToken, readTokens } from "../../cli/token_file.ts";

export const TOKEN_FLAGS: {
  readonly token: Flag<string | undefined>;
  readonly tokenFile: Flag<string | undefined>;
} = {
  token: text({
    placeholder: "TOKEN",
    secret: true,
    help: "Access token; --token-file or BCAST_TOKEN is safer",
  }),
  tokenFile: text({
    placeholder: "FILE",
    help: "File with the access token, re-read on every connect",
  }),
};

export interface TokenInput {
  readonly flags: { readonly token: string | undefined; readonly tokenFile: string | undefined };
  readonly positional: string | undefined;
  readonly source: (name: "token" | "tokenFile" | "url" | "host") => Source;
}

/**
 * The token for a connection, if the flags name one. A file is read again for every connection and when
 * the token has expired; a pipe is read only once, so call this once per command.
 *
 * A profile's token is not sent to a hub that the command line or the environment names.
 *
 * @param url the hub's address; a token in it overrides these flags.
 * @throws {UsageError} if the command line has two tokens.
 * @throws {CliError} if the file is unreadable or empty.
 */
export async function tokenOption(
  { flags, positional, source }: TokenInput,
  url: URL,
): Promise<Pick<ConnectOptions, "token">> {
  const { token, tokenFile } = flags;
  if (source("token") === "flag" && source("tokenFile") === "flag") {
    throw new UsageError("Cannot use --token together with --token-file: leave one out");
  }
  if (url.searchParams.has("token")) return {};
  const name = isStronger(source("token"), source("tokenFile")) ? "token" : "tokenFile";
  const addressed = positional !== undefined ||
    [source("url"), source("host")].some((from) => isStronger(from, "profile"));
  // Another hub than the profile's could keep the token.
  if (addressed && source(name) === "profile") return {};
  // --token overrides BCAST_TOKEN_FILE.
  if (tokenFile === undefined || name === "token") {
    return token === undefined ? {} : { token: checkedToken(token, "The token") };
  }
  const isLasting = await isRegularFile(tokenFile);
  // Read once up front, to report mistakes at once.
  const first = await newestToken(tokenFile);
  // A pipe, such as `<(command)`, can be read only once.
  return { token: isLasting ? () => newestToken(tokenFile) : first };
}

async function newestToken(path: string): Promise<string> {
  const tokens = await readTokens(path);
  return tokens.at(-1) ?? tokens[0];
}

import type { ConnectOptions } from "../../client.ts";
import { isStronger, type Source } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { type Flag, text } from "../../cli/flags.ts";
import { isRegularFile } from "../../cli/read_file.ts";
import { checkedToken, readTokens } from "../../cli/token_file.ts";

/** The flags that say what lets a client in. */
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

/** What the user said about tokens, and about the hub that they are for. */
export interface TokenInput {
  readonly flags: { readonly token: string | undefined; readonly tokenFile: string | undefined };
  readonly positional: string | undefined;
  readonly source: (name: "token" | "tokenFile" | "url" | "host") => Source;
}

/**
 * The `token` of a conversation: what the flags say, or nothing. A file is asked anew at every
 * connection and whenever the hub finds that the token has expired; a pipe is read once, so call
 * this once in a command.
 *
 * A token of a profile is not given to a hub that the command line or the environment names.
 *
 * @param url the hub's address; a token that is still in it counts more than these flags.
 * @throws {UsageError} when there are two.
 * @throws {CliError} when the file cannot be read, or holds none.
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
  // A profile's token is for the profile's hub: another one could keep it.
  if (addressed && source(name) === "profile") return {};
  // The stronger source wins: --token over BCAST_TOKEN_FILE.
  if (tokenFile === undefined || name === "token") {
    return token === undefined ? {} : { token: checkedToken(token, "The token") };
  }
  const isLasting = await isRegularFile(tokenFile);
  // Read once before anything else, so that a mistake is told at once and in full.
  const first = await newestToken(tokenFile);
  // A pipe, which `<(command)` is in a shell, gives what it holds only once.
  return { token: isLasting ? () => newestToken(tokenFile) : first };
}

async function newestToken(path: string): Promise<string> {
  const tokens = await readTokens(path);
  return tokens.at(-1) ?? tokens[0];
}

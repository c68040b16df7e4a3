import { MAX_SECRET_LENGTH, visible } from "../protocol.ts";
import { CliError, EXIT, type ExitCode } from "./errors.ts";
import { readSmallFile } from "./read_file.ts";

// An Authorization header can carry printable ASCII without spaces.
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * Checks the form of a token. Errors never show it.
 *
 * @throws {CliError}
 */
export function checkedToken(
  token: string,
  where: string,
  exitCode: ExitCode = EXIT.usage,
): string {
  if (token.length > MAX_SECRET_LENGTH) {
    throw new CliError(
      `${where} is too long: use at most ${MAX_SECRET_LENGTH} characters`,
      exitCode,
    );
  }
  if (TOKEN.test(token)) return token;
  throw new CliError(
    `${where} must be printable ASCII without spaces. Create one with bcast token secret`,
    exitCode,
  );
}

/** The role of a file of tokens, for errors. */
export interface TokenFileRole {
  readonly what: string;
  readonly flag: string;
}

const TOKEN_FILE: TokenFileRole = { what: "the token file", flag: "--token-file" };

/**
 * The tokens of a file, one per line; the last is the newest.
 *
 * @throws {CliError} if there is none.
 */
export async function readTokens(
  path: string,
  { what, flag } = TOKEN_FILE,
): Promise<readonly [string, ...string[]]> {
  const remedy = `Check ${flag}, or create one with bcast token secret ${visible(path)}`;
  const lines = (await readSmallFile(path, what, remedy)).split("\n").map((line) => line.trim());
  const [first, ...rest] = lines.filter((line) => line !== "")
    .map((line) => checkedToken(line, `Each line of ${visible(path)}`, EXIT.failed));
  if (first === undefined) {
    throw new CliError(
      `Cannot use ${what} ${visible(path)}: it is empty. Create a token with bcast token secret`,
    );
  }
  return [first, ...rest];
}

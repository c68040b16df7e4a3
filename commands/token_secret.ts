import { defineCommand } from "../cli/command.ts";
import { CliError, EXIT } from "../cli/errors.ts";
import { writeErrorText } from "../lib/file_errors.ts";
import { visible } from "../protocol.ts";

/** Bytes of randomness: what HS256 can use, and nobody can guess. */
const SECRET_BYTES = 32;

/** `bcast token secret`. */
export const tokenSecret = defineCommand({
  name: "token secret",
  summary: "Make a random secret",
  about: "Writes a random secret into a new file that only you can read, or prints it. A file " +
    "may hold several, one a line: all of them let people in, the last one signs. So a new one is " +
    "added first, and the old one is taken out when nobody uses it any more.",
  positional: { placeholder: "FILE", help: "The file to make; without it, the secret is printed" },
  flags: {},
  examples: [
    ["token secret tokens.txt", "A new file with a secret"],
    ["token secret >> tokens.txt", "One more secret, to take the place of the first"],
  ],
  run: async ({ positional }, { stdout, stderr }) => {
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    if (positional === undefined) {
      await stdout.write(`${secret}\n`);
      return EXIT.done;
    }
    try {
      await Deno.writeTextFile(positional, `${secret}\n`, { createNew: true, mode: 0o600 });
    } catch (error) {
      const shown = visible(positional);
      if (error instanceof Deno.errors.AlreadyExists) {
        throw new CliError(
          `Cannot make ${shown}: it is there already. To add a secret to it: ` +
            `bcast token secret >> ${shown}`,
        );
      }
      throw new CliError(`Cannot write ${shown}: ${writeErrorText(error)}`, EXIT.failed, {
        cause: error,
      });
    }
    await stderr.write(`Wrote a secret to ${visible(positional)}\n`);
    return EXIT.done;
  },
});

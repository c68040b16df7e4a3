import { defineCommand } from "../cli/command.ts";
import { CliError, EXIT } from "../cli/errors.ts";
import { writeErrorText } from "../lib/files.ts";
import { visible } from "../protocol.ts";

/** Random bytes: the key size of HS256. */
const SECRET_BYTES = 32;

/** `bcast token secret`. */
export const tokenSecret = defineCommand({
  name: "token secret",
  summary: "Create a random secret",
  description:
    "Writes a random secret to a new file that only you can read, or prints it. A file may " +
    "hold several secrets, one per line: each grants access, and the last one signs. To " +
    "rotate, append a new secret, and remove the old one once it is no longer used.",
  positional: { placeholder: "FILE", help: "File to create; without it, prints the secret" },
  flags: {},
  examples: [
    ["token secret tokens.txt", "Create a file with a secret"],
    ["token secret >> tokens.txt", "Append a second secret"],
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
          `Cannot create ${shown}: it already exists. To append a secret: ` +
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

import { writeAll } from "../../lib/files.ts";
import { safeJson, visible } from "../../protocol.ts";
import type { FailedMessage } from "./execute.ts";
import { fileError } from "./files.ts";

/** A file of messages whose command failed for good, as one JSON object per line. */
export class FailedFile {
  private constructor(private readonly path: string) {}

  /** @throws {CliError} when the file cannot be written. */
  static async open(path: string): Promise<FailedFile> {
    const file = new FailedFile(path);
    await file.#append("");
    return file;
  }

  /** Resolves when the line would survive a power failure. */
  append({ message, epoch, reason, tries }: FailedMessage, now: Date): Promise<void> {
    return this.#append(
      safeJson({ time: now.toISOString(), reason, tries, epoch, message }) + "\n",
    );
  }

  /** Opens the file each time, since it may be moved away at any time. */
  async #append(text: string): Promise<void> {
    try {
      using file = await Deno.open(this.path, { append: true, create: true, mode: 0o600 });
      await writeAll(file, new TextEncoder().encode(text));
      if (text !== "") await file.syncData();
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }
}

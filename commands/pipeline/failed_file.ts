import { safeJson } from "../../protocol.ts";
import { visible } from "../../protocol.ts";
import type { Failed } from "./execute.ts";
import { fileError } from "./files.ts";

/** A file of messages whose command failed for good: one JSON object a line. */
export class FailedFile {
  private constructor(private readonly path: string) {}

  /** @throws {CliError} when the file cannot be written. */
  static async open(path: string): Promise<FailedFile> {
    const file = new FailedFile(path);
    await file.#write("");
    return file;
  }

  /** Adds a message; when it resolves, the line would survive a power cut. */
  append({ message, epoch, reason, tries }: Failed, now: Date): Promise<void> {
    return this.#write(safeJson({ time: now.toISOString(), reason, tries, epoch, message }) + "\n");
  }

  /** Opens the file each time: it may be moved away at any time. */
  async #write(text: string): Promise<void> {
    try {
      using file = await Deno.open(this.path, { append: true, create: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(text);
      for (let done = 0; done < bytes.length;) {
        done += await file.write(bytes.subarray(done));
      }
      if (bytes.length > 0) await file.syncData();
    } catch (error) {
      throw fileError(error, `Cannot write to ${visible(this.path)}`);
    }
  }
}

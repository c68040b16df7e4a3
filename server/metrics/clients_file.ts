import { basename, dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import { replaceFile, replaceFileSync } from "../../lib/atomic_write.ts";
import { writeErrorText } from "../../lib/file_errors.ts";
import type { Hub } from "../hub.ts";

const logger = getLogger(["bcast", "clients-file"]);

/** Milliseconds between looks whether anything has changed: how often the file is written at most. */
export const CLIENTS_FILE_PERIOD = 500;

/** Clients listed in one turn of the event loop: a millisecond or so. */
const SLICE = 500;

/** Names the form of the file; it changes when a reader would have to. */
const VERSION = 1;

/** Its owner writes it, its group may read it. */
const MODE = 0o640;

/** The clients file cannot be written; the message names it and says what to do. */
export class ClientsFileError extends Error {
  override readonly name = "ClientsFileError";
}

/**
 * Keeps a file with everybody who is connected, for scripts that watch it. The file is replaced as
 * a whole, so that whoever reads it never finds half of it.
 *
 * Addresses are not in it: who may read the file is not always who may know them. They are in the
 * log.
 */
export class ClientsFile implements AsyncDisposable {
  readonly #path: string;
  /** In the same directory: only there is renaming one step. */
  readonly #aside: string;
  readonly #cancelTimer: Cancel;
  #seen: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #failing = false;

  /**
   * Writes the file for the first time, with nobody in it.
   *
   * @throws {ClientsFileError} when it cannot be written.
   */
  constructor(path: string, private readonly hub: Hub, private readonly clock: ServerClock) {
    this.#path = path;
    this.#aside = join(dirname(path), `.${basename(path)}.${Deno.pid}.tmp`);
    try {
      this.#refuseDirectory();
      replaceFileSync(path, this.#text(""), { mode: MODE, temporary: this.#aside });
    } catch (error) {
      throw new ClientsFileError(
        `Cannot write the clients file "${path}": ${writeErrorText(error)}. ` +
          "Name a file in a directory that may be written with --clients-file",
        { cause: error },
      );
    }
    this.#seen = hub.counters.changes;
    this.#cancelTimer = clock.every(CLIENTS_FILE_PERIOD, () => this.#look());
  }

  /** Writes the file for the last time, with nobody in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer();
    await this.#writing;
    await this.#write("");
  }

  #look(): void {
    const { changes } = this.hub.counters;
    // A disk that takes its time gets what is newest when it is ready.
    if (changes === this.#seen || this.#busy) return;
    this.#seen = changes;
    this.#busy = true;
    this.#writing = this.#writePeople().finally(() => this.#busy = false);
  }

  async #writePeople(): Promise<void> {
    let lines = "";
    let count = 0;
    for (const person of this.hub.people()) {
      // One client a line: readable with grep too.
      lines += `${lines === "" ? "" : ","}\n    ${JSON.stringify(person)}`;
      if (++count % SLICE === 0) await setImmediate();
    }
    await this.#write(lines);
  }

  async #write(lines: string): Promise<void> {
    try {
      const options = { mode: MODE, temporary: this.#aside };
      await replaceFile(this.#path, this.#text(lines), options);
      if (this.#failing) logger.info("The clients file {path} is written again", this.#fields());
      this.#failing = false;
    } catch (error) {
      // It is tried again; a full disk must not fill the log.
      this.#seen = undefined;
      if (this.#failing) return;
      this.#failing = true;
      logger.warn("Cannot write the clients file {path}: {reason}", {
        ...this.#fields(),
        reason: writeErrorText(error),
      });
    }
  }

  #text(lines: string): string {
    const time = new Date(this.clock.now()).toISOString();
    const clients = lines === "" ? "[]" : `[${lines}\n  ]`;
    return `{\n  "version": ${VERSION},\n  "time": "${time}",\n  "clients": ${clients}\n}\n`;
  }

  /** Renaming onto a directory fails with words that help nobody. */
  #refuseDirectory(): void {
    try {
      if (Deno.statSync(this.#path).isDirectory) throw new Deno.errors.IsADirectory();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #fields(): { readonly path: string } {
    return { path: this.#path };
  }
}

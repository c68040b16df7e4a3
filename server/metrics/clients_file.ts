import { basename, dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Cancel, ServerClock } from "../../lib/clock.ts";
import { replaceFile, replaceFileSync, writeErrorText } from "../../lib/files.ts";
import type { Encoder } from "../encoders/encoder.ts";
import type { Counters } from "./counters.ts";

const logger = getLogger(["bcast", "clients-file"]);

/** Milliseconds between checks for changes, and so between two writes. */
export const CLIENTS_FILE_PERIOD = 500;

/** Clients listed in one turn of the event loop: about a millisecond. */
const SLICE = 500;

/** The version of the file format; it changes when readers must change. */
const VERSION = 1;

/** Writable by its owner, readable by its group. */
const MODE = 0o640;

/** The clients file cannot be written; the message names it and says what to do. */
export class ClientsFileError extends Error {
  override readonly name = "ClientsFileError";
}

/** A connected client. These are fields of the clients file. */
export interface ConnectedClient {
  readonly name: string;
  readonly rooms: readonly string[];
  /** The time of connecting, ISO 8601 in UTC. */
  readonly since: string;
  readonly dialect: Encoder["name"];
}

/** The parts of a hub that the file needs. */
export interface ClientsSource {
  readonly counters: Pick<Counters, "changes">;
  readonly queries: { clients(): Iterable<ConnectedClient> };
}

/**
 * Keeps a file that lists all connected clients, for scripts that watch it. The file is replaced as
 * a whole, so that readers never see half of it.
 *
 * It contains no addresses, as its readers may not be entitled to them. The log has them.
 */
export class ClientsFile implements AsyncDisposable {
  readonly #path: string;
  /** In the same directory, where renaming is atomic. */
  readonly #aside: string;
  readonly #cancelTimer: Cancel;
  #seen: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #failing = false;

  /**
   * Writes an empty list.
   *
   * @throws {ClientsFileError} if the file cannot be written.
   */
  constructor(
    path: string,
    private readonly hub: ClientsSource,
    private readonly clock: ServerClock,
  ) {
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
    this.#cancelTimer = clock.every(CLIENTS_FILE_PERIOD, () => this.#check());
  }

  /** Writes an empty list again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer();
    await this.#writing;
    await this.#write("");
  }

  #check(): void {
    const { changes } = this.hub.counters;
    // A slow disk skips intermediate states.
    if (changes === this.#seen || this.#busy) return;
    this.#seen = changes;
    this.#busy = true;
    this.#writing = this.#writeClients().finally(() => this.#busy = false);
  }

  async #writeClients(): Promise<void> {
    let lines = "";
    let count = 0;
    for (const client of this.hub.queries.clients()) {
      // One client a line, for grep.
      lines += `${lines === "" ? "" : ","}\n    ${JSON.stringify(client)}`;
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
      // Retried at the next check. Logged once: a full disk must not fill the log.
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

  /** Renaming onto a directory fails with an error that does not say so. */
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

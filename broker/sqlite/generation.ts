import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { replaceFileSync } from "../../lib/atomic_write.ts";

const logger = getLogger(["bcast", "log"]);

/** Milliseconds between two replacements of the file beside the log. */
const PERIOD = 1000;

/** What the file beside the log says. */
interface GenerationRecord {
  /** As `meta.generation` of the log it belongs to. */
  readonly token: string;
  /** Identifies the file itself: a copy of it, also one written into the original, is another. */
  readonly self: string;
  /** Messages that the log had been given. */
  readonly messages: number;
}

/**
 * Notices that a log is a copy, or was put back from one, and not the one that a hub wrote last: it
 * would give ids a second time that clients have seen already.
 *
 * A file beside the log names it by a random token that changes whenever the log is opened and
 * closed, so that an earlier copy of the log does not match it. The file is replaced by a new one
 * every time, once a second while messages come, and says when it was created and how many messages
 * there were: so an earlier copy of the file does not match itself, and a copy of the log from the
 * same run has too few messages.
 */
export class LogGeneration {
  readonly #path: string;
  readonly #setMeta: StatementSync;
  readonly #messageCount: () => number;
  #token = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether messages came since the file was replaced. */
  #dirty = false;
  #failing = false;

  /** @param total the number of messages that the log has been given, of all rooms. */
  constructor(db: DatabaseSync, path: string, total: () => number) {
    this.#path = `${path}-generation`;
    this.#messageCount = total;
    this.#setMeta = db.prepare("REPLACE INTO meta VALUES ('generation', ?)");
  }

  /** Whether a log with this token is as a hub left it. */
  isOriginal(token: string | undefined): boolean {
    const seal = this.#read();
    // A log of a version that knew of no tokens.
    if (token === undefined) return seal === undefined;
    return seal !== undefined && seal.token === token && seal.messages <= this.#messageCount();
  }

  /** Gives the log a new token, in the transaction of the caller. */
  renewToken(): void {
    this.#token = crypto.randomUUID();
    this.#setMeta.run(this.#token);
  }

  /** Writes the file, after the transaction of {@linkcode renewToken}. */
  save(): void {
    this.stop();
    this.#replace();
  }

  /** Takes note that the log has got messages. */
  onAppend(): void {
    this.#dirty = true;
    if (this.#timer === undefined) this.#saveAndSchedule();
  }

  /** At once, so that of the copies made before, none is taken for the log; then after a pause. */
  #saveAndSchedule(): void {
    this.#dirty = false;
    this.#replace();
    const timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#dirty) this.#saveAndSchedule();
    }, PERIOD);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  /** Ends what would still happen by itself. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #replace(): void {
    try {
      this.#write();
      this.#failing = false;
    } catch (error) {
      if (this.#failing) return;
      this.#failing = true;
      // Without it, the next start begins a new epoch where it need not: nothing is lost.
      logger.warn("Cannot write {path}: {error}", { path: this.#path, error });
    }
  }

  #write(): void {
    replaceFileSync(this.#path, (file) => {
      const seal: GenerationRecord = {
        token: this.#token,
        self: identity(file),
        messages: this.#messageCount(),
      };
      return JSON.stringify(seal) + "\n";
    }, { temporary: `${this.#path}.new` });
  }

  #read(): GenerationRecord | undefined {
    let text: string;
    let info: Deno.FileInfo;
    try {
      text = Deno.readTextFileSync(this.#path);
      info = Deno.statSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const seal = parse(text);
    return seal?.self === identity(info) ? seal : undefined;
  }
}

function parse(text: string): GenerationRecord | undefined {
  try {
    const seal: Partial<GenerationRecord> | null = JSON.parse(text);
    const { token, self, messages } = seal ?? {};
    if (token === undefined || self === undefined || messages === undefined) return undefined;
    return { token, self, messages };
  } catch (error) {
    // The machine may have stopped while it was written.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * What a file has that no copy of it has: when it was created or, where the file system does not
 * know that, its number. Windows gives a new file the time of the old one of the same name.
 */
function identity({ birthtime, ino }: Deno.FileInfo): string {
  if (Deno.build.os === "windows") return "";
  return birthtime === null ? `number ${ino}` : `created ${birthtime.getTime()}`;
}

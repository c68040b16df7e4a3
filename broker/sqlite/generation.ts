import type { DatabaseSync, StatementSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { replaceFileSync } from "../../lib/files.ts";

const logger = getLogger(["bcast", "log"]);

/** Milliseconds between two replacements of the file. */
const PERIOD = 1000;

/** The content of the file beside the log. */
interface GenerationRecord {
  /** Equals `meta.generation` of its log. */
  readonly token: string;
  /** Identifies the file itself: a copy has another identity, even if written into the original. */
  readonly self: string;
  /** The number of messages ever appended to the log. */
  readonly messages: number;
}

/**
 * Detects that a log is a copy, or was restored from one: it would assign ids again that clients
 * have already seen.
 *
 * A file beside the log holds a random token that changes whenever the log is opened or closed, so
 * earlier copies of the log do not match it. The file is replaced each time, and once a second while
 * messages are appended. It records its own creation time, so an earlier copy of the file does not
 * match itself, and the number of messages, so a copy of the log from the same run has too few.
 */
export class LogGeneration {
  readonly #path: string;
  readonly #setMeta: StatementSync;
  readonly #messageCount: () => number;
  #token = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether messages were appended since the file was replaced. */
  #dirty = false;
  #failing = false;

  /** @param messageCount returns the number of messages ever appended, in all rooms. */
  constructor(db: DatabaseSync, path: string, messageCount: () => number) {
    this.#path = `${path}-generation`;
    this.#messageCount = messageCount;
    this.#setMeta = db.prepare("REPLACE INTO meta VALUES ('generation', ?)");
  }

  /** Whether a log with this token is as its hub left it. */
  isOriginal(token: string | undefined): boolean {
    const record = this.#read();
    // Logs of older versions have no token.
    if (token === undefined) return record === undefined;
    return record !== undefined && record.token === token &&
      record.messages <= this.#messageCount();
  }

  /** Stores a new token, in the transaction of the caller. */
  renewToken(): void {
    this.#token = crypto.randomUUID();
    this.#setMeta.run(this.#token);
  }

  /** Writes the file. Call it after the transaction of {@linkcode renewToken}. */
  save(): void {
    this.stop();
    this.#replace();
  }

  onAppend(): void {
    this.#dirty = true;
    if (this.#timer === undefined) this.#saveAndSchedule();
  }

  /** Saves at once, so that no copy made before passes for the log, and then at most once a period. */
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

  /** Cancels pending saves. */
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
      // Nothing is lost: without the file, the next start just begins a new epoch.
      logger.warn("Cannot write {path}: {error}", { path: this.#path, error });
    }
  }

  #write(): void {
    replaceFileSync(this.#path, (file) => {
      const record: GenerationRecord = {
        token: this.#token,
        self: identity(file),
        messages: this.#messageCount(),
      };
      return JSON.stringify(record) + "\n";
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
    const record = parse(text);
    return record?.self === identity(info) ? record : undefined;
  }
}

function parse(text: string): GenerationRecord | undefined {
  try {
    const record: Partial<GenerationRecord> | null = JSON.parse(text);
    const { token, self, messages } = record ?? {};
    if (token === undefined || self === undefined || messages === undefined) return undefined;
    return { token, self, messages };
  } catch (error) {
    // The machine may have stopped while writing it.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * A property of the file that no copy shares: its creation time or, if the file system has none, its
 * inode. Windows gives a new file the creation time of an old one with the same name.
 */
function identity({ birthtime, ino }: Deno.FileInfo): string {
  if (Deno.build.os === "windows") return "";
  return birthtime === null ? `number ${ino}` : `created ${birthtime.getTime()}`;
}

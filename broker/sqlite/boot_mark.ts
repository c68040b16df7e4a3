import type { DatabaseSync } from "node:sqlite";
import { isTimeOfBoot, sameBoot } from "./boot.ts";

/**
 * Keeps up to date what the log says of the boot it is used in. Where the kernel's name for it is out
 * of reach, as it is for a program without every right, that is the moment of the boot by the
 * machine's clock, and changes when the clock is set.
 */
export class BootMark {
  readonly #db: DatabaseSync;
  readonly #now: () => Promise<string | undefined>;
  #mark: string | undefined;

  /** @param mark what the log says now. */
  constructor(db: DatabaseSync, mark: string | undefined, now: () => Promise<string | undefined>) {
    this.#db = db;
    this.#mark = mark;
    this.#now = now;
  }

  /** Looks once; writes nothing when `closed` says so after that. */
  async refresh(closed: () => boolean): Promise<void> {
    if (!isTimeOfBoot(this.#mark)) return;
    const now = await this.#now();
    if (closed() || now === undefined || sameBoot(now, this.#mark, MAX_DRIFT)) return;
    // On the disk at once: it matters when the machine stops.
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      this.#db.prepare("UPDATE meta SET value = ? WHERE key = 'opened'").run(now);
      this.#mark = now;
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }
}

/** Milliseconds; less than what the next start puts up with. */
const MAX_DRIFT = 2000;

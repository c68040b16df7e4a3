import type { Logger } from "@logtape/logtape";

/** Milliseconds without a failure after which the problem counts as solved. */
const QUIET_MS = 5000;

/** Milliseconds between two reminders while the problem lasts. */
const REMINDER_MS = 60_000;

/**
 * Logs a problem that affects many calls, such as a full disk: an error when it begins, a reminder
 * with a count every minute, and a line when it is solved.
 */
export class ErrorStreak {
  readonly #logger: Logger;
  readonly #cannot: string;
  readonly #monotonic: () => number;
  #message = "";
  #count = 0;
  #loggedAt = 0;
  #failedAt = 0;

  /** @param cannot what fails, such as `Cannot write the log`. */
  constructor(logger: Logger, cannot: string, monotonic = (): number => performance.now()) {
    this.#logger = logger;
    this.#cannot = cannot;
    this.#monotonic = monotonic;
  }

  /** @param message what is wrong, and what to do. */
  recordFailure(message: string): void {
    const now = this.#monotonic();
    this.#count++;
    this.#failedAt = now;
    if (message !== this.#message) {
      this.#message = message;
      this.#loggedAt = now;
      this.#logger.error("{cannot}: {message}", { cannot: this.#cannot, message });
    } else if (now - this.#loggedAt >= REMINDER_MS) {
      this.#loggedAt = now;
      this.#logger.warn("{cannot}: {message} ({count} failures so far)", {
        cannot: this.#cannot,
        message,
        count: this.#count,
      });
    }
  }

  /** Costs nothing unless something failed before. */
  recordSuccess(): void {
    // On a disk that is nearly full, small writes still succeed now and then.
    if (this.#count === 0 || this.#monotonic() - this.#failedAt < QUIET_MS) return;
    this.#logger.info("{cannot}: solved after {count} failures", {
      cannot: this.#cannot,
      count: this.#count,
    });
    this.#message = "";
    this.#count = 0;
  }
}

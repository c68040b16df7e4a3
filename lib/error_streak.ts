import type { Logger } from "@logtape/logtape";

/** Milliseconds without a failure after which the trouble counts as over. */
const CALM = 5000;

/** Milliseconds between two reminders while the trouble lasts. */
const REMINDER = 60_000;

/**
 * Logs a trouble that many calls meet, such as a full disk: one error when it begins, a reminder
 * with a count every minute, and one line when it is over.
 */
export class ErrorStreak {
  readonly #logger: Logger;
  readonly #cannot: string;
  readonly #monotonic: () => number;
  #message = "";
  #count = 0;
  #told = 0;
  #failedAt = 0;

  /** @param cannot what fails, such as `Cannot write the log`. */
  constructor(logger: Logger, cannot: string, monotonic = (): number => performance.now()) {
    this.#logger = logger;
    this.#cannot = cannot;
    this.#monotonic = monotonic;
  }

  /** Takes note of a failure; `message` says what is wrong and what to do. */
  failed(message: string): void {
    const now = this.#monotonic();
    this.#count++;
    this.#failedAt = now;
    if (message !== this.#message) {
      this.#message = message;
      this.#told = now;
      this.#logger.error("{cannot}: {message}", { cannot: this.#cannot, message });
    } else if (now - this.#told >= REMINDER) {
      this.#told = now;
      this.#logger.warn("{cannot}: {message} ({count} failures so far)", {
        cannot: this.#cannot,
        message,
        count: this.#count,
      });
    }
  }

  /** Takes note of a success. Costs nothing unless something failed before. */
  worked(): void {
    // On a disk that is nearly full, what is small still works now and then.
    if (this.#count === 0 || this.#monotonic() - this.#failedAt < CALM) return;
    this.#logger.info("{cannot}: that is over, after {count} failures", {
      cannot: this.#cannot,
      count: this.#count,
    });
    this.#message = "";
    this.#count = 0;
  }
}

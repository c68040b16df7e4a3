import type { ErrorCode } from "../protocol.ts";

/** What the hub counts from its start on. */
export class Counters {
  /** Connections accepted. */
  connections = 0;
  /** Connections turned away before or at the upgrade. */
  turnedAway = 0;
  /** Messages appended to the log. */
  messages = 0;
  /** Messages handed to a connection. */
  deliveries = 0;
  /** Repeats of a `ref`, answered from the log. */
  duplicates = 0;
  /** Sessions that came back with their secret. */
  resumes = 0;
  /** Connections cut off because they read too slowly. */
  slowConsumers = 0;
  /** Changes of who is here, under which name and where: whoever shows that looks whether it moved. */
  changes = 0;
  readonly #refusals = new Map<ErrorCode, number>();

  /** Counts an `error` frame. */
  refused(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** Every count as a number, for the log. */
  get totals(): Readonly<Record<string, number>> {
    const { connections, turnedAway, messages, deliveries, duplicates, resumes, slowConsumers } =
      this;
    const refused = this.#refusals.values().reduce((sum, count) => sum + count, 0);
    return {
      ...{ connections, turnedAway, messages, deliveries, duplicates, resumes, slowConsumers },
      refused,
    };
  }

  /** `error` frames sent, by code. */
  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }
}

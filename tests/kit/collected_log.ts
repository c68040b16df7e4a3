import { configure, type LogRecord, reset } from "@logtape/logtape";

/** What the hub logs while it is attacked, for tests in this process. Disposing of it stops that. */
export interface CollectedLog extends AsyncDisposable {
  /** Records at level error: an attack must not cause any. */
  readonly errors: readonly LogRecord[];
  readonly records: readonly LogRecord[];
}

/** Collects the log from now on. */
export async function collectLog(): Promise<CollectedLog> {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { list: (record) => records.push(record) },
    loggers: [
      { category: ["bcast"], sinks: ["list"], lowestLevel: "info" },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  return {
    records,
    get errors() {
      return records.filter(({ level }) => level === "error" || level === "fatal");
    },
    [Symbol.asyncDispose]: reset,
  };
}

import { configure, type LogRecord, reset } from "@logtape/logtape";

/** The log records of the hub in this process. Disposing of it restores logging. */
export interface CollectedLog extends AsyncDisposable {
  /** Records of level error and above: no input of clients may cause any. */
  readonly errors: readonly LogRecord[];
  readonly records: readonly LogRecord[];
}

/** Collects log records from now on. */
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

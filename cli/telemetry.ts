// deno-lint-ignore-file no-console -- the runtime has no other way to export a log
import type { LogRecord, Sink } from "@logtape/logtape";

/**
 * Whether the log is to go to OpenTelemetry too. The runtime exports what is written to its console,
 * and with `OTEL_DENO_CONSOLE=replace` it shows nothing of that: only then the hub, which writes its
 * log by itself, can hand it over without showing everything twice.
 */
export function exportsLogs(env: (name: string) => string | undefined): boolean {
  try {
    return env("OTEL_DENO") === "true" && env("OTEL_DENO_CONSOLE") === "replace";
  } catch (error) {
    // Who runs the program with fewer permissions than it asks for gets no telemetry.
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Hands records over to OpenTelemetry, each as one line of JSON. */
export function telemetrySink(formatJson: (record: LogRecord) => string): Sink {
  return (record) => {
    const line = formatJson(record).trimEnd();
    if (record.level === "error" || record.level === "fatal") console.error(line);
    else if (record.level === "warning") console.warn(line);
    else if (record.level === "info") console.info(line);
    else console.debug(line);
  };
}

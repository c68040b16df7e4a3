// deno-lint-ignore-file no-console -- the runtime exports only its console to OpenTelemetry
import {
  configure,
  dispose,
  getLogger,
  type LogLevel,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import { safeJson, visible } from "../protocol.ts";
import { choice, text, toggle } from "./flags.ts";
import { LogFile } from "./log_file.ts";
import type { Output } from "../lib/output.ts";

/** Least detailed first. */
export const LOG_LEVELS = ["error", "warning", "info", "debug", "trace"] as const;

export type LogFormat = "text" | "json";

export const LOG_FLAGS = {
  logLevel: choice(LOG_LEVELS, {
    fallback: "info",
    placeholder: "LEVEL",
    help: `How much to log: ${LOG_LEVELS.join(", ")}`,
    group: "Logging",
  }),
  logFile: text({
    placeholder: "FILE",
    help: "Also log to FILE, rotated at 10 MB, five kept",
    group: "Logging",
  }),
  logFormat: choice(["text", "json"], {
    fallback: "text",
    help: "Format of log lines",
    group: "Logging",
  }),
  quiet: toggle({
    help: "Print only the address, warnings, errors and moderation",
    group: "Logging",
  }),
};

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly console?: Output;
  /** Prints only warnings, errors and the audit log. */
  readonly quiet?: boolean;
  readonly file?: string | undefined;
  /** Also exports to OpenTelemetry. */
  readonly telemetry?: boolean;
}

/** Milliseconds that a line may wait, so that a burst is written at once. */
const CONSOLE_FLUSH_MS = 20;
/** Characters that may wait for a stalled console; beyond it, lines are dropped and counted. */
const MAX_WAITING = 1024 * 1024;

/** Disposing flushes all lines. */
export interface Logging extends AsyncDisposable {
  readonly hasFile: boolean;
  /** Reopens the log file, after another program rotated it. */
  reopen(): void;
}

/** Actions of moderators: logged at every level, even with `quiet`. */
const AUDIT = ["bcast", "audit"];

/**
 * Starts logging. Each record becomes one line without control characters, since it may hold names,
 * addresses and messages of others.
 *
 * @throws {CliError} when the log file cannot be written.
 */
export async function startLogging(options: LogOptions): Promise<Logging> {
  const format = options.format === "json" ? formatJson : formatText;
  const sinks: Record<string, Sink> = {};
  const shown = options.console === undefined
    ? undefined
    : new ConsoleSink(options.console, format);
  if (shown !== undefined) {
    sinks["console"] = options.quiet
      ? (record) => {
        if (isProblem(record.level) || record.category[1] === AUDIT[1]) shown.take(record);
      }
      : shown.take;
  }
  const file = options.file === undefined ? undefined : new LogFile(options.file, (error) => {
    getLogger(["logtape", "meta"]).error("Cannot write the log file {path}: {error}", {
      path: options.file,
      error,
    });
  });
  if (file !== undefined) sinks["file"] = (record) => file.take(format(record));
  if (options.telemetry) sinks["telemetry"] = exportRecord;
  const names = Object.keys(sinks);
  await configure({
    reset: true,
    sinks,
    loggers: [
      { category: ["bcast"], sinks: names, lowestLevel: options.level },
      { category: AUDIT, sinks: names, lowestLevel: "info", parentSinks: "override" },
      // Errors of logging itself, such as a full disk.
      { category: ["logtape", "meta"], sinks: names, lowestLevel: "error" },
    ],
  });
  return {
    hasFile: file !== undefined,
    reopen: () => file?.reopen(),
    async [Symbol.asyncDispose]() {
      await dispose();
      await file?.[Symbol.asyncDispose]();
      shown?.flush();
      await options.console?.write("");
    },
  };
}

class ConsoleSink {
  #lines = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dropped = 0;

  constructor(
    private readonly output: Output,
    private readonly format: (record: LogRecord) => string,
  ) {}

  readonly take = (record: LogRecord): void => {
    if (this.output.waiting > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      this.#lines += `(${this.#dropped} log lines were dropped: the output was not read)\n`;
      this.#dropped = 0;
    }
    this.#lines += this.format(record);
    // Immediately: an error may precede the end of the process.
    if (isProblem(record.level)) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), CONSOLE_FLUSH_MS);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = "";
    if (lines !== "") void this.output.write(lines);
  }
}

function isProblem(level: LogLevel): boolean {
  return level === "warning" || level === "error" || level === "fatal";
}

/** `2026-01-31T10:30:40.123Z info    hub: Alice joined`. */
export function formatText(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const where = record.category.slice(1).join(".") || record.category.join(".");
  return visible(`${time} ${record.level.padEnd(7)} ${where}: ${sentence(record)}`) + "\n";
}

/** One JSON object a line. */
export function formatJson(record: LogRecord): string {
  return safeJson({
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    logger: record.category.join("."),
    message: sentence(record),
    properties: record.properties,
  }, plain) + "\n";
}

function sentence(record: LogRecord): string {
  return record.message.map((part) => {
    if (typeof part === "string") return part;
    if (typeof part === "number") return String(part);
    return part instanceof Error ? part.message : Deno.inspect(part, { breakLength: Infinity });
  }).join("");
}

/** Errors with their stacks, and big integers, which JSON lacks. */
function plain(_key: string, item: unknown): unknown {
  if (item instanceof Error) return { name: item.name, message: item.message, stack: item.stack };
  return typeof item === "bigint" ? String(item) : item;
}

/**
 * Whether to export the log to OpenTelemetry. The runtime exports its console's output, and does so
 * without also printing it only with `OTEL_DENO_CONSOLE=replace`; the hub prints its log itself.
 */
export function exportsLogs(env: (name: string) => string | undefined): boolean {
  try {
    return env("OTEL_DENO") === "true" && env("OTEL_DENO_CONSOLE") === "replace";
  } catch (error) {
    // Without permission to read these variables there is no telemetry.
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Exports records to OpenTelemetry, each as one line of JSON. */
function exportRecord(record: LogRecord): void {
  const line = formatJson(record).trimEnd();
  if (record.level === "error" || record.level === "fatal") console.error(line);
  else if (record.level === "warning") console.warn(line);
  else if (record.level === "info") console.info(line);
  else console.debug(line);
}

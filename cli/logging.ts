import { configure, dispose, type LogLevel, type LogRecord, type Sink } from "@logtape/logtape";
import { getRotatingFileSink } from "@logtape/file";
import { visible } from "../protocol.ts";
import { CliError } from "./errors.ts";
import { choice, text, toggle } from "./flags.ts";
import type { Output } from "./output.ts";
import { safeJson } from "./text.ts";

/** How much is logged, least first. */
export const LOG_LEVELS = ["error", "warning", "info", "debug", "trace"] as const;

/** The form of log lines. */
export type LogFormat = "text" | "json";

/** The flags about logging. */
export const LOG_FLAGS = {
  logLevel: choice(LOG_LEVELS, {
    fallback: "info",
    placeholder: "LEVEL",
    help: `How much to log: ${LOG_LEVELS.join(", ")}`,
    group: "Logging",
  }),
  logFile: text({
    placeholder: "FILE",
    help: "Log to FILE too; it is rotated at 10 MB, five old ones are kept",
    group: "Logging",
  }),
  logFormat: choice(["text", "json"], {
    fallback: "text",
    help: "Log lines for people or for programs",
    group: "Logging",
  }),
  quiet: toggle({
    help: "Nothing but errors on stderr, nothing but the address on stdout",
    group: "Logging",
  }),
};

/** Where the log goes. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Lines for whoever looks on; absent: none. */
  readonly console?: Output;
  /** Whether the console gets errors only. */
  readonly quiet?: boolean;
  readonly file?: string;
}

/** Megabytes enough for days of an ordinary hub, and little enough for an editor. */
const MAX_LOG_FILE_BYTES = 10 * 1024 * 1024;
const MAX_LOG_FILES = 5;
/** Milliseconds that a line may wait on its way into the file: what a crash may lose. */
const FILE_FLUSH_MS = 1000;
/** Characters of log that may wait for a console nobody reads; beyond it, lines are counted only. */
const MAX_WAITING = 1024 * 1024;

/**
 * Starts logging. Disposing of the result writes out what is still on its way.
 *
 * Whatever a record holds (names, addresses and messages come from strangers), it becomes one line
 * without control characters.
 *
 * @throws {CliError} when the log file cannot be written.
 */
export async function startLogging(options: LogOptions): Promise<AsyncDisposable> {
  const format = options.format === "json" ? formatJson : formatText;
  const sinks: Record<string, Sink> = {};
  if (options.console !== undefined) {
    const sink = consoleSink(options.console, format);
    sinks["console"] = options.quiet
      ? (record) => {
        if (record.level === "error" || record.level === "fatal") sink(record);
      }
      : sink;
  }
  if (options.file !== undefined) sinks["file"] = fileSink(options.file, format);
  const names = Object.keys(sinks);
  await configure({
    reset: true,
    sinks,
    loggers: [
      { category: ["bcast"], sinks: names, lowestLevel: options.level },
      // What goes wrong with logging itself, such as a full disk.
      { category: ["logtape", "meta"], sinks: names, lowestLevel: "error" },
    ],
  });
  return {
    async [Symbol.asyncDispose]() {
      await dispose();
      await options.console?.write("");
    },
  };
}

function consoleSink(output: Output, format: (record: LogRecord) => string): Sink {
  let dropped = 0;
  return (record) => {
    if (output.waiting > MAX_WAITING) {
      dropped++;
      return;
    }
    const note = dropped > 0 ? `(${dropped} lines of log were dropped: nobody read them)\n` : "";
    dropped = 0;
    void output.write(note + format(record));
  };
}

function fileSink(path: string, format: (record: LogRecord) => string): Sink {
  try {
    return getRotatingFileSink(path, {
      formatter: format,
      maxSize: MAX_LOG_FILE_BYTES,
      maxFiles: MAX_LOG_FILES,
      nonBlocking: true,
      flushInterval: FILE_FLUSH_MS,
    });
  } catch (error) {
    throw new CliError(`Cannot write the log file ${path}: ${why(error)}`, 1, { cause: error });
  }
}

function why(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "its directory does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return error instanceof Error ? error.message : String(error);
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
    return part instanceof Error ? part.message : Deno.inspect(part, { breakLength: Infinity });
  }).join("");
}

/** What JSON has no word for: errors with their stacks, and big numbers. */
function plain(_key: string, item: unknown): unknown {
  if (item instanceof Error) return { name: item.name, message: item.message, stack: item.stack };
  return typeof item === "bigint" ? String(item) : item;
}

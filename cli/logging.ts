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
import { telemetrySink } from "./telemetry.ts";

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

/** Where the log goes. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Lines for whoever looks on; absent: none. */
  readonly console?: Output;
  /** Whether the console gets only trouble and the audit, which are never silenced. */
  readonly quiet?: boolean;
  readonly file?: string;
  /** Whether OpenTelemetry gets everything too. */
  readonly telemetry?: boolean;
}

/** Milliseconds that a line may wait for others on its way to the console. */
const CONSOLE_FLUSH_MS = 20;
/** Characters of log that may wait for a console nobody reads; beyond it, lines are counted only. */
const MAX_WAITING = 1024 * 1024;

/** Logging that was started. Disposing of it writes out what is still on its way. */
export interface Logging extends AsyncDisposable {
  /** Whether there is a log file. */
  readonly hasFile: boolean;
  /** Opens the log file anew, for programs that rotate it. */
  reopen(): void;
}

/** What moderators did: told whatever the level, and even with `quiet`. */
const AUDIT = ["bcast", "audit"];

/**
 * Starts logging.
 *
 * Whatever a record holds (names, addresses and messages come from strangers), it becomes one line
 * without control characters.
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
        if (isTrouble(record.level) || record.category[1] === AUDIT[1]) shown.take(record);
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
  if (options.telemetry) sinks["telemetry"] = telemetrySink(formatJson);
  const names = Object.keys(sinks);
  await configure({
    reset: true,
    sinks,
    loggers: [
      { category: ["bcast"], sinks: names, lowestLevel: options.level },
      { category: AUDIT, sinks: names, lowestLevel: "info", parentSinks: "override" },
      // What goes wrong with logging itself, such as a full disk.
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

/** Lines for the console, several in one write when they come in a burst. */
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
      this.#lines += `(${this.#dropped} lines of log were dropped: nobody read them)\n`;
      this.#dropped = 0;
    }
    this.#lines += this.format(record);
    // What went wrong is told at once: the next thing may be the end.
    if (isTrouble(record.level)) this.flush();
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

function isTrouble(level: LogLevel): boolean {
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

/** What JSON has no word for: errors with their stacks, and big numbers. */
function plain(_key: string, item: unknown): unknown {
  if (item instanceof Error) return { name: item.name, message: item.message, stack: item.stack };
  return typeof item === "bigint" ? String(item) : item;
}

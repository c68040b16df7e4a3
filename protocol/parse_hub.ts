import { ERROR_CODES, isTemporary, shouldReconnect } from "./codes.ts";
import { readEntry, readOpen, skippedEntry } from "./entries.ts";
import { type Fields, isFields, missing, parseJson, quote } from "./fields.ts";
import { type TypeReader, typeReader } from "./frame_table.ts";
import type { HubFrame, SkippedEntry } from "./frames.ts";
import { HUB_TABLE } from "./hub_table.ts";
import type { Parsed } from "./parse.ts";

/** What a hub sent: a frame, or an entry of a room's log that this version cannot show. */
export type ParsedHubFrame = HubFrame | SkippedEntry;

/** A parsed frame. */
export type ParsedHub = Parsed<ParsedHubFrame> & {
  /** The place in the log of a frame that has one only in a later version. */
  readonly entry?: SkippedEntry | undefined;
};

/** Frames that have a `room` and an `id` without being entries. */
const NO_ENTRIES: ReadonlySet<unknown> = new Set(["message", "live", "ack"]);

const READERS: ReadonlyMap<unknown, TypeReader> = new Map(
  Object.entries(HUB_TABLE).map(([name, type]) => [name, typeReader(type, name)]),
);

/**
 * Parses a frame of a hub, which may be of a later version: ignores what it does not know. Never
 * throws.
 *
 * What has a `room` and an `id` is an entry of the room's log. One of an unknown type, or with nothing
 * that could be shown, is a {@linkcode SkippedEntry}; one of a type that is no entry in this version
 * comes with its `entry`. For other frames of an unknown type, the error
 * code is `unknown_type`: clients ignore them.
 */
export function parseHubFrame(text: string): ParsedHub {
  const value = parseJson(text);
  if (!isFields(value)) {
    return { ok: false, error: { code: "bad_json", message: "the hub sent no JSON object" } };
  }
  const { type } = value;
  const reader = READERS.get(type);
  if (reader === undefined || type === "message") {
    const entry = missing(type) ? undefined : readEntry(value);
    if (entry !== undefined) return { ok: true, frame: entry };
  }
  if (reader === undefined) {
    return { ok: false, error: { code: "unknown_type", message: `unknown type ${quote(type)}` } };
  }
  const entry = "id" in value && !NO_ENTRIES.has(type) ? skippedEntry(value) : undefined;
  const frame = readOpen(reader, String(type), withDefaults(value));
  if (typeof frame === "string") {
    if (entry !== undefined) return { ok: true, frame: entry };
    return { ok: false, error: { code: "bad_frame", message: `${type}: ${frame}` } };
  }
  // A test checks that the table has the fields of each type.
  const result = { ok: true as const, frame: frame as unknown as HubFrame };
  return entry === undefined ? result : { ...result, entry };
}

/** Fields of which a reader can do without: they follow from others. */
function withDefaults(fields: Fields): Fields {
  const { type, code, retryAfter } = fields;
  if (type === "error" && typeof fields["final"] !== "boolean") {
    return {
      ...fields,
      final: typeof retryAfter !== "number" && isKnown(code) && !isTemporary(code),
    };
  }
  if (type === "bye" && typeof fields["reconnect"] !== "boolean") {
    return { ...fields, reconnect: shouldReconnect(Number(code)) };
  }
  return fields;
}

function isKnown(code: unknown): boolean {
  return (ERROR_CODES as readonly unknown[]).includes(code);
}

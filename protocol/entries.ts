import { extensions } from "./extensions.ts";
import {
  type FieldType,
  integer,
  MESSAGE_KIND,
  oneOf,
  openList,
  optional,
  TEXT,
  TIMESTAMP,
} from "./field_types.ts";
import { type Fields, isFields, missing } from "./fields.ts";
import {
  CONTENT,
  type FrameType,
  HAS_CONTENT,
  type TypeReader,
  typeReader,
} from "./frame_table.ts";
import type { Entry, Message, SkippedEntry } from "./frames.ts";
import { isRoomName } from "./names.ts";

/** The id of an entry. */
export const ENTRY_ID = integer(1);
const PREVIOUS = integer(0);

/** What the hub and the sender add to a message, rooms' and private ones. */
export const ANNOTATIONS = {
  format: optional(oneOf(["markdown"])),
  via: optional(openList(TEXT)),
};

/** A stored message of a room. */
export const MESSAGE = {
  fields: {
    room: TEXT,
    id: ENTRY_ID,
    prev: optional(PREVIOUS),
    sender: TEXT,
    account: optional(TEXT),
    timestamp: TIMESTAMP,
    kind: optional(MESSAGE_KIND),
    ...ANNOTATIONS,
    ...CONTENT,
  },
  rule: HAS_CONTENT,
  isExtensible: true,
} as const satisfies FrameType;

const MESSAGE_READER = typeReader(MESSAGE, "message");

/**
 * Reads a frame of a hub, as far as this version knows its fields: leaves out optional ones that it
 * cannot read.
 *
 * @returns the frame, or what is wrong with it.
 */
export function readOpen(reader: TypeReader, type: string, given: Fields): Fields | string {
  if (reader.matches(given)) return given;
  const frame: Record<string, unknown> = { type };
  for (const [name, field] of reader.fields) {
    const value = given[name];
    const item = missing(value) ? undefined : field.read(value, given);
    if (item !== undefined) frame[name] = item;
    else if (field.isOptional !== true) return field.problem(name, value);
  }
  const { isExtensible, rule } = reader.type;
  if (isExtensible === true) Object.assign(frame, extensions(given));
  return rule?.problem(frame) ?? frame;
}

/**
 * Reads an entry of a room's log. One that this version cannot show is skipped, whatever its type.
 *
 * @param room the room of the entry, unless it names one.
 * @returns `undefined` for what is no entry.
 */
export function readEntry(value: unknown, room?: string): Entry | undefined {
  if (!isFields(value)) return undefined;
  const fields = room !== undefined && missing(value["room"]) ? { ...value, room } : value;
  const type = fields["type"];
  if (type !== "message" && !missing(type)) return skippedEntry(fields);
  const message = readOpen(MESSAGE_READER, "message", fields);
  return typeof message === "string" ? skippedEntry(fields) : message as unknown as Message;
}

/** The place of a frame or entry in the log of a room; `undefined` if it has none. */
export function skippedEntry(fields: Fields): SkippedEntry | undefined {
  const { room } = fields;
  const id = ENTRY_ID.read(fields["id"], fields) as number | undefined;
  if (typeof room !== "string" || !isRoomName(room) || id === undefined) return undefined;
  const prev = PREVIOUS.read(fields["prev"], fields) as number | undefined;
  return { type: "skipped", room, id, ...(prev === undefined ? {} : { prev }) };
}

/** Entries of a room's log, oldest first. */
export const ENTRIES: FieldType = {
  shape: { kind: "entries" },
  read(value, { room }) {
    if (!Array.isArray(value)) return undefined;
    const ofRoom = typeof room === "string" ? room : undefined;
    return value.map((each) => readEntry(each, ofRoom)).filter((entry) => entry !== undefined);
  },
  problem: (name) => `"${name}" must be a list`,
};

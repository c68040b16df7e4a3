import { type Fields, isFields, parseJson } from "./fields.ts";

/** Names that other broadcast servers use for the fields of a message. */
const ALIASES = {
  message: ["content", "text"],
  sender: ["username", "user"],
} as const;

/** Names of fields before version 1.0, by type of request: the old one and the new one. */
const OLD_NAMES: ReadonlyMap<unknown, readonly [old: string, name: string]> = new Map([
  ["join", ["history", "recent"]],
  ["nick", ["sender", "name"]],
  ["typing", ["typing", "active"]],
]);

/** Query parameters with the name of a client without a subprotocol; the first one given counts. */
export const SENDER_PARAMETERS = ["sender", "name", "username"] as const;

/** Requests that default to the client's first room. */
const IN_FIRST_ROOM: ReadonlySet<unknown> = new Set(["typing", "members", "history"]);

/**
 * Translates an object from a client without a subprotocol, which may have been written for another
 * server or for this protocol before version 1.0. If a field is given under both names, this
 * protocol's name counts.
 *
 * @param firstRoom the first room that the client joined, if any.
 */
export function plainFields(fields: Fields, firstRoom: string | undefined): Fields {
  const read: Record<string, unknown> = { ...fields };
  for (const [name, aliases] of Object.entries(ALIASES)) {
    const alias = aliases.find((each) => typeof fields[each] === "string");
    if (alias !== undefined) read[name] ??= fields[alias];
  }
  if (isMessage(read)) read["type"] = "message";
  if (read["type"] === "who") read["type"] = "members";
  const { type, rooms } = read;
  if (IN_FIRST_ROOM.has(type) && firstRoom !== undefined) read["room"] ??= firstRoom;
  if (type === "hello" && Array.isArray(rooms)) {
    read["rooms"] = rooms.map((room) => isFields(room) ? renamed(room, "join") : room);
  }
  return renamed(read, type);
}

function renamed(fields: Fields, type: unknown): Fields {
  const [old, name] = OLD_NAMES.get(type) ?? [];
  if (old === undefined || name === undefined) return fields;
  return { ...fields, [name]: fields[name] ?? fields[old] };
}

function isMessage({ type, message, data }: Fields): boolean {
  if (type === "chat") return true;
  const isAbsent = type === undefined || type === null;
  return isAbsent && (message !== undefined || data !== undefined);
}

/**
 * Whether the first frame of a client without a subprotocol is JSON: an object, even a malformed one,
 * or a list. Anything else is text.
 */
export function startsWithJson(frame: string): boolean {
  // Also skips a byte order mark.
  const text = frame.trimStart();
  if (text.startsWith("{")) return true;
  // A line of text may begin with a bracket, too.
  return text.startsWith("[") && parseJson(text) !== undefined;
}

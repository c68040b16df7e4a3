import type { Fields } from "./fields.ts";

/** Names that other broadcast servers use for the fields of a message. */
const ALIASES = {
  message: ["content", "text"],
  sender: ["username", "user"],
} as const;

/** Query parameters with the name of a client without a subprotocol; the first one given counts. */
export const SENDER_PARAMETERS = ["sender", "name", "username"] as const;

/** Requests that default to the client's first room. */
const IN_FIRST_ROOM: ReadonlySet<unknown> = new Set(["typing", "who", "history"]);

/**
 * Translates an object from a client without a subprotocol, which may have been written for another
 * server. If a field is given under both names, this protocol's name counts.
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
  if (IN_FIRST_ROOM.has(read["type"]) && firstRoom !== undefined) read["room"] ??= firstRoom;
  return read;
}

function isMessage({ type, message, data }: Fields): boolean {
  if (type === "chat") return true;
  const isAbsent = type === undefined || type === null;
  return isAbsent && (message !== undefined || data !== undefined);
}

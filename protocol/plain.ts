import type { Fields } from "./fields.ts";

/** What other broadcast servers call the fields of a message, by what they are called here. */
const ALIASES = {
  message: ["content", "text"],
  sender: ["username", "user"],
} as const;

/** Query parameters that name a client without a subprotocol; the first one given counts. */
export const SENDER_PARAMETERS = ["sender", "name", "username"] as const;

/** Requests that mean the client's first room when they name none. */
const IN_FIRST_ROOM: ReadonlySet<unknown> = new Set(["typing", "who", "history"]);

/**
 * An object of a client without a subprotocol, in the names of this protocol: such clients were
 * often written for other servers. What an object says in both names counts as it is here.
 *
 * @param firstRoom the room that the client entered first, if it is in any.
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

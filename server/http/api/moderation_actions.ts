import type { Sanction } from "../../moderation/sanction_store.ts";
import type {
  Moderation,
  ModerationTarget,
  Moderator,
  SanctionOptions,
} from "../../moderation/moderation.ts";
import type { ModerationReport } from "../../../protocol.ts";
import { ModerationError, type ModerationFields, otherAddress } from "./admin_body.ts";

/** Something that a moderator orders. */
export interface ModerationAction {
  /** An operation id for OpenAPI. */
  readonly id: string;
  readonly summary: string;
  /** With both a name and an address, one of them is enough. */
  readonly fields: readonly (keyof ModerationFields)[];
  /** Those of them that must be there. */
  readonly required: readonly (keyof ModerationFields)[];
  /** Statuses of refusals that not every order knows. */
  readonly refusals: readonly number[];
  run(
    moderation: Moderation,
    fields: ModerationFields,
    by: Moderator,
  ): ModerationReport | Promise<ModerationReport>;
}

const WHOM = ["name", "address"] as const;
const TERMS = ["reason", "for"] as const;

/** Every order, by its name below `/api/admin/`. */
export const MODERATION_ACTIONS: Readonly<Record<string, ModerationAction>> = {
  kick: {
    id: "kick",
    summary: "Ends the sessions and event streams of a name",
    fields: ["name", "reason"],
    required: ["name"],
    refusals: [404],
    run: (moderation, fields, by) => {
      const name = needed(fields, "name");
      const sent = moderation.kick(name, fields, by);
      if (sent === undefined) throw nobody("no_such_user", `Nobody here is called ${name}`);
      return { affected: sent.sessions, addresses: sent.addresses };
    },
  },
  ban: {
    id: "ban",
    summary: "Keeps a name or an address out, and ends what it has open",
    fields: [...WHOM, ...TERMS],
    required: [],
    refusals: [409],
    run: async (moderation, fields, by) => {
      const whom = whomOf({ ...fields, ...strangers(fields) });
      const { sessions, addresses } = await moderation.ban(whom, termsOf(fields), by);
      return { affected: sessions, addresses };
    },
  },
  unban: {
    id: "unban",
    summary: "Lifts the ban of a name or an address",
    fields: WHOM,
    required: [],
    refusals: [404],
    run: async (moderation, fields, by) =>
      lifted(await moderation.unban(whomOf(fields), by), "banned", fields),
  },
  mute: {
    id: "mute",
    summary: "Lets a name or an address read only",
    fields: [...WHOM, ...TERMS],
    required: [],
    refusals: [409],
    run: async (moderation, fields, by) => {
      const whom = whomOf({ ...fields, ...strangers(fields) });
      return { affected: await moderation.mute(whom, termsOf(fields), by) };
    },
  },
  unmute: {
    id: "unmute",
    summary: "Lifts the mute of a name or an address",
    fields: WHOM,
    required: [],
    refusals: [404],
    run: async (moderation, fields, by) =>
      lifted(await moderation.unmute(whomOf(fields), by), "muted", fields),
  },
  "close-room": {
    id: "closeRoom",
    summary: "Empties a room and keeps it closed",
    fields: ["room", ...TERMS],
    required: ["room"],
    refusals: [409],
    run: async (moderation, fields, by) => {
      const room = needed(fields, "room");
      return { affected: await moderation.closeRoom(room, termsOf(fields), by) };
    },
  },
  "open-room": {
    id: "openRoom",
    summary: "Opens a closed room again",
    fields: ["room"],
    required: ["room"],
    refusals: [404],
    run: async (moderation, fields, by) => {
      const room = needed(fields, "room");
      if (await moderation.openRoom(room, by)) return { affected: 1 };
      throw nobody("not_found", `Room ${room} is not closed`);
    },
  },
  "release-name": {
    id: "releaseName",
    summary: "Frees a name that tokens have reserved",
    fields: ["name"],
    required: ["name"],
    refusals: [404, 409],
    run: async (moderation, fields, by) => {
      const name = needed(fields, "name");
      const outcome = await moderation.releaseName(name, by);
      if (outcome === "released") return { affected: 1 };
      if (outcome === "free") throw nobody("not_found", `No token reserved the name ${name}`);
      const message = `${name} is connected with a token of that name: kick or ban ${name} first`;
      throw new ModerationError(409, "in_use", message);
    },
  },
  announce: {
    id: "announce",
    summary: "Says something to all who are connected, or to a room",
    fields: ["message", "room"],
    required: ["message"],
    refusals: [],
    run: (moderation, fields, by) => ({
      affected: moderation.announce(needed(fields, "message"), fields.room, by),
    }),
  },
};

function needed<K extends "name" | "room" | "message">(fields: ModerationFields, field: K): string {
  const value = fields[field];
  if (value !== undefined) return value;
  throw new ModerationError(400, "bad_frame", `"${field}" is missing`);
}

function whomOf({ name, address }: ModerationFields): ModerationTarget {
  if (name !== undefined) return address === undefined ? { name } : { name, address };
  if (address !== undefined) return { address };
  throw new ModerationError(400, "bad_frame", `Say whom: "name" or "address"`);
}

function strangers({ address }: ModerationFields): Pick<ModerationFields, "address"> {
  const network = otherAddress(address);
  return network === undefined ? {} : { address: network };
}

function termsOf({ reason, for: seconds }: ModerationFields): SanctionOptions {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(seconds === undefined ? {} : { for: seconds }),
  };
}

function lifted(
  measures: readonly Sanction[],
  what: string,
  { name, address }: ModerationFields,
): ModerationReport {
  if (measures.length > 0) return { affected: measures.length };
  const whom = [name, address].filter((one) => one !== undefined).join(" or ");
  throw nobody("not_found", `${whom} is not ${what}`);
}

function nobody(code: string, message: string): ModerationError {
  return new ModerationError(404, code, message);
}

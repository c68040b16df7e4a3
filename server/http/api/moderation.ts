import * as v from "valibot";
import type { Sanction } from "../../moderation/sanction_store.ts";
import {
  type ModerationReport,
  normalizeName,
  type SanctionReport,
  visible,
} from "../../../protocol.ts";
import { COMPONENTS, requireAny, ROOM } from "../../../protocol/http_api.ts";
import { isLoopbackNetwork, parseNetwork } from "../../../lib/net.ts";
import type { Moderation, Moderator } from "../../moderation/moderation.ts";
import { MAX_SANCTIONS, SanctionLimitError } from "../../moderation/sanctions.ts";
import { readBody } from "./body.ts";
import { ApiProblem } from "./responses.ts";
import { ADMIN_PATH, type Operation } from "./operation.ts";
import { parseBody, strictBody } from "./validation.ts";

/** Characters of a reason, which must fit into a close frame in any script. */
const MAX_REASON_LENGTH = 200;

/** Characters of an announcement. */
const MAX_ANNOUNCEMENT_LENGTH = 1000;

/** Seconds of a sanction: ten years. A longer one has no end. */
const MAX_SECONDS = 10 * 365 * 86_400;

/** A string that `read` understands. */
function parsed(description: string, read: (text: string) => string | undefined, message: string) {
  return v.pipe(
    v.string(message),
    v.description(description),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message });
      return NEVER;
    }),
  );
}

/** One line of text, with control characters made visible. */
function line(field: string, limit: number) {
  const message = `"${field}" must be a text of 1 to ${limit} characters`;
  return v.pipe(
    v.string(message),
    v.metadata({ minLength: 1, maxLength: limit }),
    v.transform((text) => visible(text.trim().replace(/\s+/g, " "))),
    v.minLength(1, message),
    v.maxLength(limit, message),
  );
}

const SECONDS =
  `"for" must be a number of seconds up to ${MAX_SECONDS}; without it there is no end`;

const name = parsed(
  "1 to 32 visible characters without / @ # :",
  normalizeName,
  "A name is 1 to 32 visible characters without / @ # :",
);
const address = parsed(
  "An IP address; an IPv6 address stands for its /64 network",
  parseNetwork,
  "An address is like 192.0.2.7 or 2001:db8::7, which stands for its /64 network",
);
const foreignAddress = (verb: "ban" | "mute") =>
  v.pipe(
    address,
    v.check(
      (network) => !isLoopbackNetwork(network),
      ({ input }) =>
        `Cannot ${verb} ${input}: it is the hub's own machine. If clients connect through a ` +
        "proxy, start the hub with --trust-proxy",
    ),
  );
const sanction = {
  reason: v.optional(line("reason", MAX_REASON_LENGTH)),
  for: v.optional(v.pipe(
    v.number(SECONDS),
    v.gtValue(0, SECONDS),
    v.maxValue(MAX_SECONDS, SECONDS),
    v.description("Seconds; without it, the sanction has no end"),
  )),
};

/** A body about a name, an address, or both. */
function targeted<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    strictBody({ name: v.optional(name), ...entries }),
    v.check(
      (body) => "name" in body || "address" in body,
      `Give a "name" or an "address"`,
    ),
    v.metadata(requireAny("name", "address")),
  );
}

const targetBody = targeted({ address: v.optional(address) });
const banBody = targeted({ address: v.optional(foreignAddress("ban")), ...sanction });
const muteBody = targeted({ address: v.optional(foreignAddress("mute")), ...sanction });

/** A command of moderators: `POST /api/admin/NAME`. */
function command<Schema extends v.GenericSchema & { readonly entries: v.ObjectEntries }>(
  name: string,
  summary: string,
  schema: Schema,
  failures: readonly number[],
  run: (
    moderation: Moderation,
    body: v.InferOutput<Schema>,
    by: Moderator,
  ) => ModerationReport | Promise<ModerationReport>,
): Operation {
  return {
    method: "POST",
    path: ADMIN_PATH + name,
    access: "moderate",
    id: name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    body: { "application/json": schema },
    success: { 200: { description: "What it affected", schema: COMPONENTS.Order } },
    failures: [408, 413, ...failures],
    async answer({ request, grant, address }, { hub, clock, limits }) {
      const text = await readBody(request, limits.maxMessageBytes, clock);
      const by = { name: grant.name ?? "admin", address };
      try {
        return await run(hub.moderation, parseBody(schema, text), by);
      } catch (error) {
        if (!(error instanceof SanctionLimitError)) throw error;
        const message = `There are ${MAX_SANCTIONS} bans, mutes and closed rooms: lift some`;
        throw new ApiProblem(409, "too_many", message);
      }
    },
  };
}

/** The operations of moderators. */
export const MODERATION: readonly Operation[] = [
  {
    method: "GET",
    path: `${ADMIN_PATH}bans`,
    access: "moderate",
    id: "listMeasures",
    summary: "List bans, mutes and closed rooms, oldest first",
    success: { 200: { schema: COMPONENTS.Measures } },
    answer: (_request, { hub }) => ({ measures: hub.moderation.list().map(sanctionReport) }),
  },
  command(
    "kick",
    "End the sessions and event streams of a name",
    strictBody({ name, reason: sanction.reason }),
    [404],
    (moderation, { name, reason }, by) => {
      const kicked = moderation.kick(name, { reason }, by);
      if (kicked === undefined) throw notFound(`${name} is not connected`, "no_such_user");
      return { affected: kicked.sessions, addresses: kicked.addresses };
    },
  ),
  command(
    "ban",
    "Keep a name or an address out, and disconnect it",
    banBody,
    [409],
    async (moderation, body, by) => {
      const { sessions, addresses } = await moderation.ban(body, body, by);
      return { affected: sessions, addresses };
    },
  ),
  command("unban", "Lift the ban of a name or an address", targetBody, [404], async (
    moderation,
    body,
    by,
  ) => lifted(await moderation.unban(body, by), "banned", body)),
  command(
    "mute",
    "Stop a name or an address from writing",
    muteBody,
    [409],
    async (moderation, body, by) => ({ affected: await moderation.mute(body, body, by) }),
  ),
  command("unmute", "Lift the mute of a name or an address", targetBody, [404], async (
    moderation,
    body,
    by,
  ) => lifted(await moderation.unmute(body, by), "muted", body)),
  command(
    "close-room",
    "Remove everyone from a room and keep it closed",
    strictBody({ room: ROOM, ...sanction }),
    [409],
    async (moderation, body, by) => ({ affected: await moderation.closeRoom(body.room, body, by) }),
  ),
  command(
    "open-room",
    "Open a closed room",
    strictBody({ room: ROOM }),
    [404],
    async (moderation, { room }, by) => {
      if (!await moderation.openRoom(room, by)) throw notFound(`Room ${room} is not closed`);
      return { affected: 1 };
    },
  ),
  command(
    "release-name",
    "Free a name that a token has reserved",
    strictBody({ name }),
    [404, 409],
    async (moderation, { name }, by) => {
      const outcome = await moderation.releaseName(name, by);
      if (outcome === "released") return { affected: 1 };
      if (outcome === "free") throw notFound(`No token has reserved the name ${name}`);
      const message = `${name} is connected with a token of that name: kick or ban ${name} first`;
      throw new ApiProblem(409, "in_use", message);
    },
  ),
  command(
    "announce",
    "Send an announcement to all connected clients, or to a room",
    strictBody({ message: line("message", MAX_ANNOUNCEMENT_LENGTH), room: v.optional(ROOM) }),
    [],
    (moderation, { message, room }, by) => ({ affected: moderation.announce(message, room, by) }),
  ),
];

function sanctionReport(sanction: Sanction): SanctionReport {
  const { kind, on, target, reason, by, since, until } = sanction;
  return {
    kind,
    [on]: target,
    reason,
    by,
    since: new Date(since).toISOString(),
    until: until === Infinity ? undefined : new Date(until).toISOString(),
  };
}

function lifted(
  sanctions: readonly Sanction[],
  what: string,
  { name, address }: v.InferOutput<typeof targetBody>,
): ModerationReport {
  if (sanctions.length > 0) return { affected: sanctions.length };
  const target = [name, address].filter((each) => each !== undefined).join(" or ");
  throw notFound(`${target} is not ${what}`);
}

function notFound(message: string, code = "not_found"): ApiProblem {
  return new ApiProblem(404, code, message);
}

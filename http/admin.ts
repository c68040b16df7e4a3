import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { Measure } from "../broker/measures.ts";
import type { Hub } from "../hub/hub.ts";
import { MAX_MEASURES, TooManyMeasures } from "../hub/measure_book.ts";
import type { Moderation, Moderator, Terms, Whom } from "../hub/moderation.ts";
import { type MeasureReport, type MeasuresReport, type OrderReport, visible } from "../protocol.ts";
import { OrderError, type OrderFields, readOrder, strangersAddress } from "./admin_body.ts";
import { json, problem } from "./answers.ts";
import { ADMIN_PATH, type Api } from "./api.ts";
import { tokenOf } from "./gate.ts";

const logger = getLogger(["bcast", "http"]);

/** Something that a moderator orders. */
interface Order {
  readonly fields: readonly (keyof OrderFields)[];
  run(
    moderation: Moderation,
    fields: OrderFields,
    by: Moderator,
  ): OrderReport | Promise<OrderReport>;
}

const WHOM = ["name", "address"] as const;
const TERMS = ["reason", "for"] as const;

const ORDERS: Readonly<Record<string, Order>> = {
  kick: {
    fields: ["name", "reason"],
    run: (moderation, fields, by) => {
      const name = needed(fields, "name");
      const sent = moderation.kick(name, fields, by);
      if (sent === undefined) throw nobody("no_such_user", `Nobody here is called ${name}`);
      return { affected: sent.sessions, addresses: sent.addresses };
    },
  },
  ban: {
    fields: [...WHOM, ...TERMS],
    run: async (moderation, fields, by) => {
      const whom = whomOf({ ...fields, ...strangers(fields) });
      const { sessions, addresses } = await moderation.ban(whom, termsOf(fields), by);
      return { affected: sessions, addresses };
    },
  },
  unban: {
    fields: WHOM,
    run: async (moderation, fields, by) =>
      lifted(await moderation.unban(whomOf(fields), by), "banned", fields),
  },
  mute: {
    fields: [...WHOM, ...TERMS],
    run: async (moderation, fields, by) => {
      const whom = whomOf({ ...fields, ...strangers(fields) });
      return { affected: await moderation.mute(whom, termsOf(fields), by) };
    },
  },
  unmute: {
    fields: WHOM,
    run: async (moderation, fields, by) =>
      lifted(await moderation.unmute(whomOf(fields), by), "muted", fields),
  },
  "close-room": {
    fields: ["room", ...TERMS],
    run: async (moderation, fields, by) => {
      const room = needed(fields, "room");
      return { affected: await moderation.closeRoom(room, termsOf(fields), by) };
    },
  },
  "open-room": {
    fields: ["room"],
    run: async (moderation, fields, by) => {
      const room = needed(fields, "room");
      if (await moderation.openRoom(room, by)) return { affected: 1 };
      throw nobody("not_found", `Room ${room} is not closed`);
    },
  },
  "release-name": {
    fields: ["name"],
    run: async (moderation, fields, by) => {
      const name = needed(fields, "name");
      const outcome = await moderation.releaseName(name, by);
      if (outcome === "released") return { affected: 1 };
      if (outcome === "free") throw nobody("not_found", `No token reserved the name ${name}`);
      const message = `${name} is connected with a token of that name: kick or ban ${name} first`;
      throw new OrderError(409, "in_use", message);
    },
  },
  announce: {
    fields: ["message", "room"],
    run: (moderation, fields, by) => ({
      affected: moderation.announce(needed(fields, "message"), fields.room, by),
    }),
  },
};

const LIST = "bans";

/** Takes orders of moderators, and tells them what holds. */
export function adminApi(
  { moderation, admission }: Pick<Hub, "moderation" | "admission">,
): Api {
  return async (request, { pathname, searchParams }, grant, address) => {
    if (!grant.admin) {
      if (!admission.moderated) return problem(403, "forbidden", NO_MODERATORS);
      return notAdmin(tokenOf(request.headers, searchParams) !== undefined);
    }
    const what = pathname.slice(ADMIN_PATH.length);
    if (what === LIST) {
      if (request.method !== "GET" && request.method !== "HEAD") return useMethod("GET", pathname);
      const report: MeasuresReport = { measures: moderation.list().map(measureReport) };
      return json(200, report);
    }
    const order = Object.hasOwn(ORDERS, what) ? ORDERS[what] : undefined;
    if (order === undefined) {
      const known = [LIST, ...Object.keys(ORDERS)].join(", ");
      const message = `Nothing is at ${visible(pathname)}: below ${ADMIN_PATH} are ${known}`;
      return problem(404, "not_found", message);
    }
    if (request.method !== "POST") return useMethod("POST", pathname);
    try {
      const fields = await readOrder(request.body, order.fields);
      return json(200, await order.run(moderation, fields, moderator(grant, address)));
    } catch (error) {
      return orderProblem(error, pathname);
    }
  };
}

const NO_MODERATORS = "This hub has no admin token, so nobody may do this: make one with " +
  "bcast token secret FILE, and start the hub with --admin-token-file FILE";

function notAdmin(broughtToken: boolean): Response {
  if (broughtToken) {
    return problem(403, "forbidden", "Your token does not let you moderate: use an admin token");
  }
  const answer = problem(401, "unauthorized", "Only moderators may do this: bring an admin token");
  answer.headers.set("www-authenticate", `Bearer realm="bcast"`);
  return answer;
}

function useMethod(method: "GET" | "POST", pathname: string): Response {
  const answer = problem(405, "method_not_allowed", `Use ${method} for ${pathname}`);
  answer.headers.set("allow", method === "GET" ? "GET, HEAD" : method);
  return answer;
}

function orderProblem(error: unknown, pathname: string): Response {
  if (error instanceof OrderError) return problem(error.status, error.code, error.message);
  if (error instanceof TooManyMeasures) {
    const message = `There are ${MAX_MEASURES} bans, mutes and closed rooms already: lift some`;
    return problem(409, "too_many", message);
  }
  logger.error("Cannot carry out {pathname}: {error}", { pathname, error });
  return problem(500, "internal", "The hub could not do this: tell its operator");
}

/** Who a grant is, for others to read. */
function moderator({ name = "admin" }: Grant, address: string): Moderator {
  return { name, address };
}

function needed<K extends "name" | "room" | "message">(fields: OrderFields, field: K): string {
  const value = fields[field];
  if (value !== undefined) return value;
  throw new OrderError(400, "bad_frame", `"${field}" is missing`);
}

function whomOf({ name, address }: OrderFields): Whom {
  if (name !== undefined) return address === undefined ? { name } : { name, address };
  if (address !== undefined) return { address };
  throw new OrderError(400, "bad_frame", `Say whom: "name" or "address"`);
}

function strangers({ address }: OrderFields): Pick<OrderFields, "address"> {
  const network = strangersAddress(address);
  return network === undefined ? {} : { address: network };
}

function termsOf({ reason, for: seconds }: OrderFields): Terms {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(seconds === undefined ? {} : { for: seconds }),
  };
}

function lifted(
  measures: readonly Measure[],
  what: string,
  { name, address }: OrderFields,
): OrderReport {
  if (measures.length > 0) return { affected: measures.length };
  const whom = [name, address].filter((one) => one !== undefined).join(" or ");
  throw nobody("not_found", `${whom} is not ${what}`);
}

function nobody(code: string, message: string): OrderError {
  return new OrderError(404, code, message);
}

function measureReport(measure: Measure): MeasureReport {
  const { kind, on, target, reason, by, since, until } = measure;
  return {
    kind,
    [on]: target,
    ...(reason === undefined ? {} : { reason }),
    by,
    since: new Date(since).toISOString(),
    ...(until === Infinity ? {} : { until: new Date(until).toISOString() }),
  };
}

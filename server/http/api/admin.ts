import { getLogger } from "@logtape/logtape";
import type { Grant } from "../../../auth/authorizer.ts";
import type { Sanction } from "../../moderation/sanction_store.ts";
import type { Hub } from "../../hub.ts";
import { MAX_SANCTIONS, SanctionLimitError } from "../../moderation/sanctions.ts";
import type { SanctionReport, SanctionsReport } from "../../../protocol.ts";
import { bodySchema, MAX_BODY_BYTES, ModerationError, readModerationBody } from "./admin_body.ts";
import { MODERATION_ACTIONS, type ModerationAction } from "./moderation_actions.ts";
import { json, problem, unreadBody } from "../responses.ts";
import { Rejection } from "../../limits/rejection.ts";
import type { ApiOptions, ApiRequest } from "./api_request.ts";
import { readBody } from "../body.ts";
import type { Endpoint, Operation } from "./endpoints.ts";
import { tokenOf } from "../request_guard.ts";
import { schemaRef } from "./schemas.ts";

const logger = getLogger(["bcast", "http"]);

/** Below this, moderators give their orders. */
export const ADMIN_PATH = "/api/admin/";

/** Refusals that every order knows beside the common ones. */
const ORDER_REFUSALS: readonly number[] = [400, 408, 413];

const list: Operation = {
  methods: ["GET", "HEAD"],
  access: "moderate",
  answer: (_ask, { hub }): SanctionsReport => ({
    measures: hub.moderation.list().map(measureReport),
  }),
  doc: {
    id: "listMeasures",
    summary: "The bans, mutes and closed rooms that hold, the oldest first",
    parameters: [],
    answers: { 200: { description: "All that hold", schema: schemaRef("Measures") } },
    refusals: [],
  },
};

/** Everything that there is for moderators. */
export const ADMIN_ENDPOINTS: readonly Endpoint[] = [
  { path: `${ADMIN_PATH}bans`, operations: [list] },
  ...Object.entries(MODERATION_ACTIONS).map(([name, order]): Endpoint => ({
    path: ADMIN_PATH + name,
    operations: [operationOf(order)],
  })),
];

function operationOf(order: ModerationAction): Operation {
  const { id, summary, refusals } = order;
  return {
    methods: ["POST"],
    access: "moderate",
    answer: (ask, options) => carryOut(order, ask, options),
    doc: {
      id,
      summary,
      parameters: [],
      body: { "application/json": bodySchema(order.fields, order.required) },
      answers: { 200: { description: "What came of it", schema: schemaRef("Order") } },
      refusals: [...ORDER_REFUSALS, ...refusals],
    },
  };
}

/** Why somebody may not moderate; `undefined` for moderators. */
export function notModerator(
  { authentication }: Pick<Hub, "authentication">,
  { headers }: Request,
  { searchParams }: URL,
  { admin }: Grant,
): Rejection | undefined {
  if (admin) return undefined;
  if (!authentication.moderated) return new Rejection(403, NO_MODERATORS);
  return tokenOf(headers, searchParams) === undefined
    ? new Rejection(401, "Only moderators may do this: bring an admin token", {
      headers: { "www-authenticate": `Bearer realm="bcast"` },
    })
    : new Rejection(403, "Your token does not let you moderate: use an admin token");
}

const NO_MODERATORS = "This hub has no admin token, so nobody may do this: make one with " +
  "bcast token secret FILE, and start the hub with --admin-token-file FILE";

async function carryOut(
  { fields, run }: ModerationAction,
  { request, url: { pathname }, grant: { name = "admin" }, address }: ApiRequest,
  { hub, clock }: ApiOptions,
): Promise<Response> {
  const body = await readBody(request, MAX_BODY_BYTES, clock);
  if (!body.ok) return unreadBody(body);
  try {
    return json(
      200,
      await run(hub.moderation, readModerationBody(body.text, fields), { name, address }),
    );
  } catch (error) {
    if (error instanceof ModerationError) return problem(error.status, error.code, error.message);
    if (error instanceof SanctionLimitError) {
      const message = `There are ${MAX_SANCTIONS} bans, mutes and closed rooms already: lift some`;
      return problem(409, "too_many", message);
    }
    logger.error("Cannot carry out {pathname}: {error}", { pathname, error });
    return problem(500, "internal", "The hub could not do this: tell its operator");
  }
}

function measureReport(measure: Sanction): SanctionReport {
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

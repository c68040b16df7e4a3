import * as v from "valibot";
import {
  type Fields,
  fitsBytes,
  isFields,
  MAX_REF_LENGTH,
  missing,
  type Parsed,
  parseFields,
  parseJson,
  type Publish,
  type PublishReport,
} from "../../../protocol.ts";
import { KEY_PATTERN } from "../../../protocol/http_api.ts";
import { isSecret } from "../../connection.ts";
import type { Rejection } from "../../limits/rejection.ts";
import { keyReusedMessage } from "../../publisher.ts";
import { readBody } from "./body.ts";
import { ApiProblem, badRequest, json, roomRejected } from "./responses.ts";
import type { ApiOptions, ApiRequest } from "./operation.ts";
import { check } from "./validation.ts";

/** Media types of text: `curl -d` says that it sends a form, whatever it sends. */
const TEXTS: readonly string[] = ["", "text/plain", "application/x-www-form-urlencoded"];
const JSON_TYPE = "application/json";

/** The header `Idempotency-Key`. */
export const IDEMPOTENCY_KEY = v.pipe(
  v.string(),
  v.regex(
    KEY_PATTERN,
    `An Idempotency-Key is 1 to ${MAX_REF_LENGTH} visible ASCII characters`,
  ),
);

/** The header `Bcast-Session`. */
export const SESSION = v.pipe(
  v.string(),
  v.check(isSecret, "Bcast-Session is the `session` of a `welcome`: send it as it came"),
);

/** Publishes the message of a request whose token permits to write to the room. */
export async function publish(
  { request, url, room, grant, address }: ApiRequest,
  { hub, clock, limits: { maxMessageBytes } }: ApiOptions,
): Promise<Response | Rejection> {
  const type = readType(request.headers.get("content-type"));
  if (type === undefined) {
    throw new ApiProblem(415, "unsupported_type", `Send ${JSON_TYPE} or text/plain, in UTF-8`);
  }
  const header = request.headers.get("idempotency-key");
  const key = header === null ? undefined : check(IDEMPOTENCY_KEY, unquote(header), "");
  const secret = request.headers.get("bcast-session");
  const session = secret === null ? undefined : check(SESSION, secret, "");
  const body = await readBody(request, maxMessageBytes, clock);
  const parsed = type === "json"
    ? readJson(body, room, url.searchParams)
    : readText(body, room, url.searchParams, maxMessageBytes);
  if (!parsed.ok) throw badRequest(parsed.error);
  // The hub may have begun to stop while the body arrived.
  const shutdown = hub.limiter.checkShutdown();
  if (shutdown !== undefined) return shutdown;
  const { frame } = parsed;
  const result = await hub.httpPublisher.publish({
    room,
    frame,
    grant,
    address,
    size: body.length,
    key: key ?? frame.key,
    session,
  });
  if (result.kind === "name_taken") throw new ApiProblem(409, "name_taken", result.reason);
  if (result.kind === "forbidden") {
    throw new ApiProblem(403, "forbidden", result.reason, { retryAfter: result.wait });
  }
  if (result.kind === "no_room") return roomRejected(result.refusal);
  const { receipt, sender } = result;
  if (receipt.kind === "failed") {
    const message = "The hub could not store the message: try again";
    throw new ApiProblem(503, "internal", message, { retryAfter: 1 });
  }
  if (receipt.kind === "reused") {
    throw new ApiProblem(422, "key_reused", keyReusedMessage(receipt));
  }
  const duplicate = receipt.kind === "duplicate";
  const { id, timestamp } = duplicate ? receipt : receipt.message;
  const { epoch } = receipt;
  const report: PublishReport = {
    room,
    id,
    epoch,
    sender,
    timestamp,
    duplicate: duplicate || undefined,
  };
  return json(duplicate ? 200 : 201, report, {
    // Relative, as a proxy may serve the hub below a path.
    location: `messages/${id}`,
  });
}

function readType(header: string | null): "json" | "text" | undefined {
  const [type = "", ...parameters] = (header ?? "").split(";").map((part) => part.trim());
  const charset = parameters.map((text) => /^charset="?([^"]*)"?$/i.exec(text)?.[1])
    .find((name) => name !== undefined);
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) return undefined;
  if (type.toLowerCase() === JSON_TYPE) return "json";
  return TEXTS.includes(type.toLowerCase()) ? "text" : undefined;
}

/** The draft standard of the header wants quotes; most clients leave them out. */
function unquote(key: string): string {
  return /^"(.*)"$/.exec(key)?.[1] ?? key;
}

function readJson(text: string, room: string, query: URLSearchParams): Parsed<Publish> {
  const value = parseJson(text);
  if (!isFields(value)) {
    const code = value === undefined ? "bad_json" : "bad_frame";
    const message = `the body must be a JSON object: {"message":"hi"}`;
    return { ok: false, error: { code, message } };
  }
  const given = Object.entries(value).filter(([, field]) => !missing(field));
  const fields: Fields = { ...queryFields(query), room, ...Object.fromEntries(given) };
  if (fields["room"] !== room) {
    const message = `the path names the room ${room}, the body another`;
    return { ok: false, error: { code: "bad_room", message } };
  }
  return parseFields("message", fields);
}

function readText(
  text: string,
  room: string,
  query: URLSearchParams,
  maxMessageBytes: number,
): Parsed<Publish> {
  // The last line break belongs to a file, not to the message.
  const fields = { ...queryFields(query), room, message: text.replace(/\r?\n$/, "") };
  // The same limit as for JSON, as which it is sent on.
  if (!fitsBytes(JSON.stringify(fields), maxMessageBytes)) {
    const message = `a message may take ${maxMessageBytes} bytes as JSON: send less at once`;
    return { ok: false, error: { code: "too_big", message } };
  }
  return parseFields("message", fields);
}

/** The fields of a message that the query may give, for bodies of plain text. */
function queryFields(query: URLSearchParams): Fields {
  return {
    sender: query.get("sender") ?? undefined,
    // An empty variable of a script means none.
    via: (query.get("via") || undefined)?.split(","),
  };
}

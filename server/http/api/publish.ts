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
import { badRequest, json, noSuchRoom, problem, unreadBody } from "../responses.ts";
import type { Rejection } from "../../limits/rejection.ts";
import type { ApiOptions, ApiRequest } from "./api_request.ts";
import { readBody } from "../body.ts";

/** What a body may be: `curl -d` says that a form comes, whatever it sends. */
const TEXTS: readonly string[] = ["", "text/plain", "application/x-www-form-urlencoded"];
const JSON_TYPE = "application/json";

const KEY = new RegExp(`^[\\x21-\\x7e]{1,${MAX_REF_LENGTH}}$`);

/** Puts the message of a request into the log of its room; who may do so is decided before. */
export async function post(
  { request, url, room, grant, address }: ApiRequest,
  { hub, clock, limits: { maxMessageBytes } }: ApiOptions,
): Promise<Response | Rejection> {
  const type = readType(request.headers.get("content-type"));
  if (type === undefined) {
    const message = `Send ${JSON_TYPE} or text/plain, in UTF-8`;
    return problem(415, "unsupported_type", message);
  }
  const header = request.headers.get("idempotency-key");
  const key = header === null ? undefined : unquote(header);
  if (key !== undefined && !KEY.test(key)) {
    const message = `An Idempotency-Key is 1 to ${MAX_REF_LENGTH} visible ASCII characters`;
    return problem(400, "bad_frame", message);
  }
  const body = await readBody(request, maxMessageBytes, clock);
  if (!body.ok) return unreadBody(body);
  const parsed = type === "json"
    ? readJson(body.text, room, url.searchParams)
    : readText(body.text, room, url.searchParams, maxMessageBytes);
  if (!parsed.ok) return badRequest(parsed.error);
  const shutdown = hub.limiter.checkShutdown();
  if (shutdown !== undefined) return shutdown;
  const { frame } = parsed;
  const mark = key ?? (frame.ref === undefined ? undefined : String(frame.ref));
  const posted = await hub.httpPublisher.post({
    room,
    frame,
    grant,
    address,
    size: body.text.length,
    ...(mark === undefined ? {} : { key: mark }),
  });
  if (posted.kind === "name_taken") return problem(409, "name_taken", posted.reason);
  if (posted.kind === "barred") return problem(403, "forbidden", posted.reason, posted.wait);
  if (posted.kind === "no_room") return noSuchRoom(posted.refusal);
  const { receipt, sender } = posted;
  if (receipt.kind === "failed") {
    return problem(503, "internal", "The hub could not store the message: try again", 1);
  }
  const duplicate = receipt.kind === "duplicate";
  const { id, timestamp } = duplicate ? receipt : receipt.message;
  const report: PublishReport = {
    room,
    id,
    epoch: await hub.queries.epoch(room),
    sender,
    timestamp,
    ...(duplicate ? { duplicate } : {}),
  };
  const answer = json(duplicate ? 200 : 201, report);
  // Relative, as a proxy may have put the hub below a path of its own.
  answer.headers.set("location", `messages?after=${id - 1}&limit=1`);
  return answer;
}

function readType(header: string | null): "json" | "text" | undefined {
  const [type = "", ...parameters] = (header ?? "").split(";").map((part) => part.trim());
  const charset = parameters.map((text) => /^charset="?([^"]*)"?$/i.exec(text)?.[1])
    .find((name) => name !== undefined);
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) return undefined;
  if (type.toLowerCase() === JSON_TYPE) return "json";
  return TEXTS.includes(type.toLowerCase()) ? "text" : undefined;
}

/** The draft of the header's standard has it as a string in quotes; nearly everybody leaves them out. */
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
  const given = Object.entries(value).filter(([name, said]) => name === "data" || !missing(said));
  const fields: Fields = { ...signed(query), room, ...Object.fromEntries(given) };
  if (fields["room"] !== room) {
    const message = `the address names ${room}, and the body another room`;
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
  // The end of its last line is a file's, not the message's.
  const fields = { ...signed(query), room, message: text.replace(/\r?\n$/, "") };
  // Held to the same limit as what comes as JSON: that is what it goes on as.
  if (!fitsBytes(JSON.stringify(fields), maxMessageBytes)) {
    const message = `a message may take ${maxMessageBytes} bytes as JSON: send less at once`;
    return { ok: false, error: { code: "too_big", message } };
  }
  return parseFields("message", fields);
}

/** What the address says of a message, for bodies that are nothing but text. */
function signed(query: URLSearchParams): Fields {
  const sender = query.get("sender");
  // Empty where a script's variable is.
  const via = query.get("via") || undefined;
  return {
    ...(sender === null ? {} : { sender }),
    ...(via === undefined ? {} : { via: via.split(",") }),
  };
}

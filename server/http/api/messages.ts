import * as v from "valibot";
import {
  DEFAULT_HISTORY_PAGE,
  MAX_HISTORY_PAGE,
  MAX_QUERY_LENGTH,
  type RoomPosition,
} from "../../../protocol.ts";
import { about } from "../../../protocol/http_api.ts";
import { Rejection } from "../../limits/rejection.ts";
import { closedRoomMessage } from "../../moderation/sanction_messages.ts";
import { type LongPoll, waitForMessage } from "../../transports/long_poll.ts";
import { conditional } from "./etag.ts";
import type { ApiOptions, ApiRequest } from "./operation.ts";
import { ApiProblem, JSON_HEADERS, jsonText, roomRejected } from "./responses.ts";
import { readQuery, wholeNumber } from "./validation.ts";

/** The most seconds that a request may wait: many proxies cut off after 60. */
const MAX_WAIT = 60;

/** The id of a message in a path. */
export const MESSAGE_ID = wholeNumber("id", 1);

/** The parameters of a page of history. */
export const HISTORY = {
  after: about(wholeNumber("after", 0), "Only messages with a larger id"),
  before: about(wholeNumber("before", 0), "Only messages with a smaller id"),
  limit: v.pipe(
    wholeNumber("limit", 1, MAX_HISTORY_PAGE),
    v.description("At most this many: the oldest after `after`, else the newest"),
    v.metadata({ default: DEFAULT_HISTORY_PAGE }),
  ),
  query: about(
    v.pipe(
      v.string(),
      v.maxLength(MAX_QUERY_LENGTH, `"query" must have at most ${MAX_QUERY_LENGTH} characters`),
    ),
    "Only messages with all of these words; `word*` matches a prefix",
  ),
  wait: about(
    wholeNumber("wait", 0, MAX_WAIT),
    "If there is no message after `after`: the seconds to wait for one",
  ),
};

/** Answers with a page of history. */
export async function readMessages(
  request: ApiRequest,
  options: ApiOptions,
): Promise<Response | Rejection> {
  const { room, url } = request;
  const { wait = 0, ...range } = readQuery(HISTORY, url.searchParams);
  const { after } = range;
  if (wait > 0 && (after === undefined || "before" in range || "query" in range)) {
    const message = `"wait" needs "after", and neither "before" nor "query": ?after=12&wait=30`;
    throw new ApiProblem(400, "bad_parameter", message);
  }
  const read = () => options.hub.queries.messages({ type: "history", room, ...range });
  const page = await read();
  const { epoch, messages, more } = page;
  const waits = wait > 0 && messages.length === 0 && request.request.method !== "HEAD";
  if (waits && after !== undefined) {
    const position = { room, epoch, after, recent: 0 };
    return await answerLater(
      request,
      options,
      position,
      wait,
      async (arrived) => jsonText(arrived ? await read() : page),
    );
  }
  // Messages do not change, and none is inserted: with the address, these identify the page.
  const ids = [messages[0]?.id ?? 0, messages.at(-1)?.id ?? 0];
  return conditional(request.request, [epoch, ...ids, more ? "more" : "end"], page);
}

/** Answers when there is a message, or after some seconds. */
async function answerLater(
  { room, grant, address }: ApiRequest,
  { hub, clock }: ApiOptions,
  position: RoomPosition,
  seconds: number,
  answer: LongPoll["answer"],
): Promise<Response | Rejection> {
  const closed = hub.moderation.closedRoom(room);
  if (closed !== undefined) return new Rejection(403, closedRoomMessage(closed));
  const refusal = await hub.admitRoom(room, address);
  if (refusal !== undefined) return roomRejected(refusal);
  // Checked last: nothing may be awaited between this and the beginning of the wait.
  const full = hub.limiter.checkShutdown() ?? hub.limiter.checkCapacity(address);
  if (full !== undefined) return full;
  const poll = { address, grant, position, timeout: seconds * 1000, answer };
  return new Response(waitForMessage(hub, clock, poll), { headers: JSON_HEADERS });
}

/** Answers with one message. */
export async function readMessage(
  { request, room, id }: ApiRequest,
  { hub }: ApiOptions,
): Promise<Response> {
  const message = await hub.queries.message(room, id);
  if (message === undefined) {
    const text = `There is no message ${id} in ${room}, or it is no longer kept`;
    throw new ApiProblem(404, "not_found", text);
  }
  return conditional(request, [message.epoch, id], message);
}

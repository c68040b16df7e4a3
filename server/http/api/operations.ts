import * as v from "valibot";
import {
  DEDUPE_MINUTES,
  DEFAULT_HISTORY_PAGE,
  MAX_HISTORY_PAGE,
  MAX_QUERY_LENGTH,
} from "../../../protocol.ts";
import { about, COMPONENTS, ROOM } from "../../../protocol/http_api.ts";
import { closedRoomMessage } from "../../moderation/sanction_messages.ts";
import { Rejection } from "../../limits/rejection.ts";
import { forbiddenRoom, roomRejected } from "./responses.ts";
import { MODERATION } from "./moderation.ts";
import { openapi } from "./openapi.ts";
import type { ApiOptions, ApiRequest, Operation } from "./operation.ts";
import { IDEMPOTENCY_KEY, publish } from "./publish.ts";
import { check, readQuery } from "./validation.ts";

function wholeNumber(name: string, min: number, max?: number) {
  const range = max === undefined ? `${min} up` : `${min} to ${max}`;
  const message = `"${name}" must be a whole number from ${range}`;
  return v.pipe(
    v.number(message),
    v.safeInteger(message),
    v.minValue(min, message),
    v.maxValue(max ?? Number.MAX_SAFE_INTEGER, message),
  );
}

/** The id of an event, `EPOCH:ID`, or of a message. */
const POSITION = v.pipe(
  v.string(),
  v.regex(
    /^(?:[\w-]{1,64}:)?\d{1,15}$/,
    "A position is the id of an event or of a message, as in ?after=12",
  ),
);

const PEOPLE = { room: about(ROOM, "Only the people in this room") };

const HISTORY = {
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
};

const EVENTS = {
  after: about(v.string(), "As Last-Event-ID, which takes precedence; may be the id of a message"),
  history: v.pipe(
    wholeNumber("history", 0, MAX_HISTORY_PAGE),
    v.description("Earlier messages to send first if there is no position to resume from"),
    v.metadata({ default: 0 }),
  ),
};

/** All operations of the HTTP API. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    path: "/api/openapi.json",
    access: "read",
    id: "describe",
    summary: "This document",
    success: { 200: { schema: v.record(v.string(), v.unknown()) } },
    answer: () => openapi(OPERATIONS),
  },
  {
    method: "GET",
    path: "/api/people",
    access: "read",
    id: "listPeople",
    summary: "List connected people",
    query: PEOPLE,
    success: { 200: { schema: COMPONENTS.People } },
    failures: [400],
    answer({ url, grant: { rights } }, { hub }) {
      const { room } = readQuery(PEOPLE, url.searchParams);
      if (room !== undefined && !rights.mayRead(room)) return forbiddenRoom("read", room);
      return hub.queries.people(rights, room);
    },
  },
  {
    method: "GET",
    path: "/api/rooms",
    access: "read",
    id: "listRooms",
    summary: "List rooms that hold messages or people",
    success: { 200: { schema: COMPONENTS.Rooms } },
    answer: ({ grant }, { hub }) => hub.queries.rooms(grant.rights),
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/events",
    access: "listen",
    id: "listen",
    summary: "Stream new messages as Server-Sent Events",
    headers: {
      "Last-Event-ID": about(v.string(), "The id of the last event read; the stream resumes there"),
    },
    query: EVENTS,
    success: {
      200: {
        description: "`message` events, whose data is a Message and whose id is a position; " +
          "`reset` (a Reset) if messages after the position are missing; `announcement` and " +
          "`notice` (a Notice) by moderators, without an id",
        type: "text/event-stream",
        schema: v.string(),
      },
    },
    failures: [409, 503],
    answer: listen,
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/members",
    access: "read",
    id: "listMembers",
    summary: "List the people in a room",
    success: { 200: { schema: COMPONENTS.People } },
    answer: ({ room, grant }, { hub }) => hub.queries.people(grant.rights, room),
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/messages",
    access: "read",
    id: "readMessages",
    summary: "Read a page of history, oldest message first",
    query: HISTORY,
    success: { 200: { schema: COMPONENTS.Messages } },
    answer: ({ url, room }, { hub }) =>
      hub.queries.messages({ type: "history", room, ...readQuery(HISTORY, url.searchParams) }),
  },
  {
    method: "POST",
    path: "/api/rooms/{room}/messages",
    access: "write",
    id: "postMessage",
    summary: "Publish a message in a room",
    query: {
      sender: about(v.string(), "The sender's name, if the body has none"),
      via: about(v.string(), "The message's `via`, separated by commas, if the body has none"),
    },
    headers: {
      "Idempotency-Key": about(
        IDEMPOTENCY_KEY,
        `Requests of one sender for one room with the same key within ${DEDUPE_MINUTES} minutes ` +
          "are the same message; a UUID is best",
      ),
    },
    body: {
      "application/json": COMPONENTS.Post,
      "text/plain": v.string(),
      // `curl -d` sends this type for any text.
      "application/x-www-form-urlencoded": v.string(),
    },
    success: {
      200: { description: "The message was stored before", schema: COMPONENTS.Posted },
      201: { description: "The message is stored", schema: COMPONENTS.Posted },
    },
    failures: [408, 409, 413, 415, 503],
    answer: publish,
  },
  {
    method: "GET",
    path: "/api/status",
    access: "read",
    id: "getStatus",
    summary: "Counters, rates and memory of the hub",
    success: { 200: { schema: COMPONENTS.Status } },
    answer: (_request, { hub }) => hub.queries.status(Deno.memoryUsage()),
  },
  ...MODERATION,
];

async function listen(
  { request, url, room, grant, address }: ApiRequest,
  { hub, events }: ApiOptions,
): Promise<Response | Rejection> {
  const { after, ...history } = readQuery(EVENTS, url.searchParams);
  // A browser that reconnects sends the header, but still asks with its first address.
  const start = request.headers.get("last-event-id") || after;
  const [id, epoch] = start === undefined
    ? []
    : check(POSITION, start, "after").split(":").reverse();
  const closed = hub.moderation.closedRoom(room);
  if (closed !== undefined) return new Rejection(403, closedRoomMessage(closed));
  const refusal = await hub.admitRoom(room, address);
  if (refusal !== undefined) return roomRejected(refusal);
  // Checked last: nothing may be awaited between this and the opening of the stream.
  const full = hub.limiter.checkCapacity(address);
  if (full !== undefined) return full;
  const position = id === undefined ? { history: 0 } : { after: Number(id) };
  return events.open({
    address,
    grant,
    position: { room, ...position, ...(epoch === undefined ? {} : { epoch }), ...history },
  });
}

import * as v from "valibot";
import { DEDUPE_MINUTES } from "../../../protocol.ts";
import { about, COMPONENTS, ROOM } from "../../../protocol/http_api.ts";
import { asyncapi } from "./asyncapi.ts";
import { EVENT_HEADERS, EVENTS, listen, listenToRooms, ROOMS_EVENTS } from "./events.ts";
import { frameSchemaDocument } from "./frame_schema.ts";
import { HISTORY, readMessage, readMessages } from "./messages.ts";
import { MODERATION } from "./moderation.ts";
import { openapi } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { IDEMPOTENCY_KEY, publish, SESSION } from "./publish.ts";
import { forbiddenRoom } from "./responses.ts";
import { readQuery } from "./validation.ts";

const PEOPLE = { room: about(ROOM, "Only the members of this room") };

/** A stream of events. */
const STREAM = {
  200: {
    description: "`message` events, whose data is a Message and whose id is a position; " +
      "`reset` (a Reset) if messages after the position are missing; `announcement` and " +
      "`notice` (a Notice) by moderators, without an id. Ignore other events",
    type: "text/event-stream",
    schema: v.string(),
  },
};

const CONDITION = {
  "If-None-Match": about(v.string(), "The ETag of an earlier answer"),
};

const NOT_MODIFIED = { description: "As in the answer with that ETag" };

/** All operations of the HTTP API. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    path: "/api/asyncapi.json",
    access: "read",
    id: "describeFrames",
    summary: "The frames of the WebSocket, as an AsyncAPI document",
    success: { 200: { schema: v.record(v.string(), v.unknown()) } },
    answer: ({ url }) => asyncapi(url),
  },
  {
    method: "GET",
    path: "/api/events",
    access: "listen",
    id: "listenToRooms",
    summary: "Stream new messages of several rooms as Server-Sent Events",
    headers: EVENT_HEADERS,
    query: ROOMS_EVENTS,
    success: STREAM,
    failures: [409, 503],
    answer: listenToRooms,
  },
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
    summary: "List the members of all rooms",
    query: PEOPLE,
    success: { 200: { schema: COMPONENTS.Members } },
    answer({ url, grant: { rights } }, { hub }) {
      const { room } = readQuery(PEOPLE, url.searchParams);
      if (room !== undefined && !rights.mayRead(room)) return forbiddenRoom("read", room);
      return hub.queries.members(rights, room);
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
    headers: EVENT_HEADERS,
    query: EVENTS,
    success: STREAM,
    failures: [409, 503],
    answer: listen,
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/members",
    access: "read",
    id: "listMembers",
    summary: "List the members of a room",
    success: { 200: { schema: COMPONENTS.Members } },
    answer: ({ room, grant }, { hub }) => hub.queries.members(grant.rights, room),
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/messages",
    access: "read",
    id: "readMessages",
    summary: "Read a page of history, oldest message first",
    query: HISTORY,
    headers: CONDITION,
    success: { 200: { schema: COMPONENTS.Messages }, 304: NOT_MODIFIED },
    failures: [409, 503],
    answer: readMessages,
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
      "Bcast-Session": about(
        SESSION,
        "The `session` of a `welcome`, for a client without a token: its keys and its name count",
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
    failures: [408, 409, 413, 415, 422, 503],
    answer: publish,
  },
  {
    method: "GET",
    path: "/api/rooms/{room}/messages/{id}",
    access: "read",
    id: "readMessage",
    summary: "Read one message",
    headers: CONDITION,
    success: { 200: { schema: COMPONENTS.MessageWithEpoch }, 304: NOT_MODIFIED },
    failures: [404],
    answer: readMessage,
  },
  {
    method: "GET",
    path: "/api/schema/v1.json",
    access: "read",
    id: "describeFrameSchemas",
    summary: "The frames of the WebSocket, as a JSON Schema",
    success: { 200: { schema: v.record(v.string(), v.unknown()) } },
    answer: () => frameSchemaDocument(),
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

import {
  DEDUPE_MINUTES,
  DEFAULT_HISTORY_PAGE,
  type Fields,
  isRoomName,
  MAX_HISTORY_PAGE,
  MAX_QUERY_LENGTH,
  MAX_REF_LENGTH,
  parseFields,
} from "../../../protocol.ts";
import { closedRoomMessage } from "../../moderation/sanction_messages.ts";
import { ADMIN_ENDPOINTS } from "./admin.ts";
import { badRequest, noSuchRoom, problem } from "../responses.ts";
import { Rejection } from "../../limits/rejection.ts";
import type { ApiOptions, ApiRequest } from "./api_request.ts";
import { openapi } from "./openapi.ts";
import { post } from "./publish.ts";
import { type Schema, schemaRef } from "./schemas.ts";

/** What a request may say beside its path and body. */
export interface Parameter {
  readonly name: string;
  /** Default: the query. */
  readonly in?: "query" | "header";
  readonly description: string;
  readonly schema: Schema;
}

/** What is told of an operation. */
export interface Documentation {
  readonly id: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** What the body may be, by media type. */
  readonly body?: Readonly<Record<string, Schema>>;
  /** What success may be, by status; JSON unless there is a `type`. */
  readonly answers: Readonly<
    Record<
      number,
      { readonly description: string; readonly type?: string; readonly schema: Schema }
    >
  >;
  /** Statuses of refusals that not every operation knows. */
  readonly refusals: readonly number[];
}

/** One thing that can be done with a path. */
export interface Operation {
  /** The methods that ask for it, the one to name first. */
  readonly methods: readonly string[];
  /** What it takes: to read (a room), to write to one, to stay and listen, or to moderate. */
  readonly access: "read" | "write" | "listen" | "moderate";
  readonly doc: Documentation;
  /** Answers; an object is an answer in JSON. What the request has wrong is an answer too. */
  readonly answer: (
    ask: ApiRequest,
    options: ApiOptions,
  ) => Promise<Response | Rejection | object> | Response | Rejection | object;
}

/** One path below `/api/`. */
export interface Endpoint {
  /** With `{room}` in place of a room. */
  readonly path: string;
  readonly operations: readonly Operation[];
}

const id: Schema = { type: "integer", minimum: 0 };

const PARAMETERS = {
  after: { name: "after", description: "Only what has a larger id", schema: id },
  before: { name: "before", description: "Only what has a smaller id", schema: id },
  limit: {
    name: "limit",
    description: "Messages at most: the oldest when `after` is given, else the newest",
    schema: {
      type: "integer",
      minimum: 1,
      maximum: MAX_HISTORY_PAGE,
      default: DEFAULT_HISTORY_PAGE,
    },
  },
  query: {
    name: "query",
    description: "Only what holds all of these words; `word*` finds what begins so",
    schema: { type: "string", maxLength: MAX_QUERY_LENGTH },
  },
  sender: {
    name: "sender",
    description: "The name to sign with, where the body names none",
    schema: { type: "string" },
  },
  via: {
    name: "via",
    description: "The `via` of the message, with commas between, where the body has none",
    schema: { type: "string" },
  },
  key: {
    name: "Idempotency-Key",
    in: "header",
    description: `The same key within ${DEDUPE_MINUTES} minutes, of the same sender for the same ` +
      "room, is the same message: best a UUID",
    schema: { type: "string", maxLength: MAX_REF_LENGTH },
  },
  position: {
    name: "Last-Event-ID",
    in: "header",
    description: "The id of the last event that was read: what follows on it comes first",
    schema: { type: "string" },
  },
  start: {
    name: "after",
    description: "As Last-Event-ID, which takes its place; the id of a message will do",
    schema: { type: "string" },
  },
  history: {
    name: "history",
    description: "Messages of the past to begin with, where there is no position to go on from",
    schema: { type: "integer", minimum: 0, maximum: MAX_HISTORY_PAGE, default: 0 },
  },
  room: { name: "room", description: "Only those in one room", schema: { type: "string" } },
} satisfies Readonly<Record<string, Parameter>>;

/** Everything that there is below `/api/`. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    path: "/api/openapi.json",
    operations: [look("describe", "This document", { type: "object" }, () => openapi(ENDPOINTS))],
  },
  {
    path: "/api/people",
    operations: [
      look("listPeople", "Who is here", schemaRef("People"), people, [PARAMETERS.room], [400]),
    ],
  },
  {
    path: "/api/rooms",
    operations: [
      look(
        "listRooms",
        "The rooms that hold messages or people",
        schemaRef("Rooms"),
        ({ grant }, { hub }) => hub.queries.rooms(grant.rights),
      ),
    ],
  },
  {
    path: "/api/rooms/{room}/events",
    operations: [{
      methods: ["GET"],
      access: "listen",
      answer: listen,
      doc: {
        id: "listen",
        summary: "What is said from now on, as Server-Sent Events",
        parameters: [PARAMETERS.position, PARAMETERS.start, PARAMETERS.history],
        answers: {
          200: {
            description: "`message` events whose data is a Message and whose id is its position; " +
              "`reset` (a Reset) where messages between the position and what follows are missing; " +
              "`announcement` and `notice` (a Notice) of moderators, without an id",
            type: "text/event-stream",
            schema: { type: "string" },
          },
        },
        refusals: [409, 503],
      },
    }],
  },
  {
    path: "/api/rooms/{room}/members",
    operations: [
      look(
        "listMembers",
        "Who is in a room",
        schemaRef("People"),
        ({ room, grant }, { hub }) => hub.queries.people(grant.rights, room),
      ),
    ],
  },
  {
    path: "/api/rooms/{room}/messages",
    operations: [
      look("readMessages", "A page of the past, oldest first", schemaRef("Messages"), messages, [
        PARAMETERS.after,
        PARAMETERS.before,
        PARAMETERS.limit,
        PARAMETERS.query,
      ]),
      {
        methods: ["POST"],
        access: "write",
        answer: (ask, options) => post(ask, options),
        doc: {
          id: "postMessage",
          summary: "Says something in a room",
          parameters: [PARAMETERS.sender, PARAMETERS.via, PARAMETERS.key],
          body: {
            "application/json": schemaRef("Post"),
            "text/plain": { type: "string" },
            // What `curl -d` says of whatever it sends.
            "application/x-www-form-urlencoded": { type: "string" },
          },
          answers: {
            200: { description: "It was stored before", schema: schemaRef("Posted") },
            201: { description: "It is stored", schema: schemaRef("Posted") },
          },
          refusals: [408, 409, 413, 415, 503],
        },
      },
    ],
  },
  {
    path: "/api/status",
    operations: [
      look(
        "getStatus",
        "How the hub is doing",
        schemaRef("Status"),
        (_ask, { hub }) => hub.queries.status(Deno.memoryUsage()),
      ),
    ],
  },
  ...ADMIN_ENDPOINTS,
];

/** An operation that changes nothing and answers in JSON. */
function look(
  id: string,
  summary: string,
  schema: Schema,
  answer: Operation["answer"],
  parameters: readonly Parameter[] = [],
  refusals: readonly number[] = [],
): Operation {
  const answers = { 200: { description: summary, schema } };
  const doc = { id, summary, parameters, answers, refusals };
  return { methods: ["GET", "HEAD"], access: "read", doc, answer };
}

function people(
  { url, grant: { rights } }: ApiRequest,
  { hub }: ApiOptions,
): Response | Rejection | object {
  const room = url.searchParams.get("room") ?? undefined;
  if (room !== undefined && !isRoomName(room)) {
    const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return problem(400, "bad_room", message);
  }
  // The same answer whether there is such a room or not.
  if (room !== undefined && !rights.mayRead(room)) {
    return new Rejection(403, `Your token does not permit to read ${room}`);
  }
  return hub.queries.people(rights, room);
}

async function messages(
  { url, room }: ApiRequest,
  { hub }: ApiOptions,
): Promise<Response | object> {
  const { searchParams } = url;
  const query = searchParams.get("query");
  const parsed = parseFields("history", {
    room,
    ...numbers(searchParams, ["after", "before", "limit"]),
    ...(query === null ? {} : { query }),
  });
  return parsed.ok ? await hub.queries.messages(parsed.frame) : badRequest(parsed.error);
}

async function listen(
  { request, url, room, grant, address }: ApiRequest,
  options: ApiOptions,
): Promise<Response | Rejection> {
  // The header is newer: a browser that comes back still asks with the address it was first given.
  const position = request.headers.get("last-event-id") || url.searchParams.get("after");
  const [, epoch, after] = /^(?:([\w-]{1,64}):)?(\d{1,15})$/.exec(position ?? "") ?? [];
  if (position !== null && after === undefined) {
    const message = "Go on from the id of an event, or from the id of a message: ?after=12";
    return problem(400, "bad_frame", message);
  }
  const parsed = parseFields("join", {
    room,
    ...(after === undefined ? { history: 0 } : { after: Number(after) }),
    ...(epoch === undefined ? {} : { epoch }),
    ...numbers(url.searchParams, ["history"]),
  });
  if (!parsed.ok) return badRequest(parsed.error);
  const closure = options.hub.moderation.closedRoom(room);
  if (closure !== undefined) return new Rejection(403, closedRoomMessage(closure));
  const noRoom = await options.hub.admitRoom(room, address);
  if (noRoom !== undefined) return noSuchRoom(noRoom);
  // The last: from here on nothing comes in between.
  const full = options.hub.limiter.checkCapacity(address);
  if (full !== undefined) return full;
  return options.events.open({ address, grant, position: parsed.frame });
}

/** The numbers of a query; what is none stays text, for the parser to refuse. */
export function numbers(query: URLSearchParams, names: readonly string[]): Fields {
  const fields: Record<string, unknown> = {};
  for (const name of names) {
    const text = query.get(name);
    if (text !== null) fields[name] = /^\d{1,16}$/.test(text) ? Number(text) : text;
  }
  return fields;
}

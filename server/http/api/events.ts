import * as v from "valibot";
import { MAX_HISTORY_PAGE, type RoomPosition } from "../../../protocol.ts";
import { about, ROOM } from "../../../protocol/http_api.ts";
import { RoomsSseEncoder, type StreamPosition } from "../../encoders/sse.ts";
import { Rejection } from "../../limits/rejection.ts";
import { closedRoomMessage } from "../../moderation/sanction_messages.ts";
import type { ApiOptions, ApiRequest } from "./operation.ts";
import { ApiProblem, forbiddenRoom, roomRejected } from "./responses.ts";
import { check, readQuery, wholeNumber } from "./validation.ts";

/** The most rooms in one stream: the id of each event names all of them. */
const MAX_ROOMS = 32;

/** The id of an event, `EPOCH:ID`, or of a message. */
const POSITION = v.pipe(
  v.string(),
  v.regex(
    /^(?:[\w-]{1,64}:)?\d{1,15}$/,
    "A position is the id of an event or of a message, as in ?after=12",
  ),
);

/** The id of an event in a stream of several rooms: `ROOM=EPOCH:ID`, separated by commas. */
const POSITIONS = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9._-]{1,64}=[\w-]{1,64}:\d{1,15}(?:,[a-z0-9._-]{1,64}=[\w-]{1,64}:\d{1,15}){0,31}$/,
    "A position in several rooms is 0, or the id of an event of such a stream: ROOM=EPOCH:ID,…",
  ),
);

function recentMessages(name: string) {
  return v.pipe(
    wholeNumber(name, 0, MAX_HISTORY_PAGE),
    v.description("Earlier messages to send first if there is no position to resume from"),
  );
}

const recent = v.pipe(recentMessages("recent"), v.metadata({ default: 0 }));

/** The headers of requests for streams. */
export const EVENT_HEADERS = {
  "Last-Event-ID": about(v.string(), "The id of the last event read; the stream resumes there"),
};

/** The parameters of a stream of one room. */
export const EVENTS = {
  after: about(v.string(), "As Last-Event-ID, which takes precedence; may be the id of a message"),
  recent,
  history: v.pipe(recentMessages("history"), v.metadata({ deprecated: true })),
};

/** The parameters of a stream of several rooms. */
export const ROOMS_EVENTS = {
  room: about(
    // Of the parameter, not of the array.
    v.pipe(v.array(ROOM), v.minLength(1), v.metadata({ required: true })),
    `A room; repeat the parameter for each, up to ${MAX_ROOMS}`,
  ),
  after: about(
    v.string(),
    "As Last-Event-ID, which takes precedence; 0 for everything that is kept",
  ),
  recent,
};

/** Streams the events of the room in the path. */
export async function listen(
  request: ApiRequest,
  options: ApiOptions,
): Promise<Response | Rejection> {
  const { url, room, grant, address } = request;
  const { after, recent, history } = readQuery(EVENTS, url.searchParams);
  const start = startOf(request, after);
  const [id, epoch] = start === undefined
    ? []
    : check(POSITION, start, "after", "bad_parameter").split(":").reverse();
  const wanted = recent ?? history;
  const full = await admit([room], request, options);
  if (full !== undefined) return full;
  return options.events.open({
    address,
    grant,
    positions: [{
      room,
      ...(id === undefined ? { recent: 0 } : { after: Number(id) }),
      ...(epoch === undefined ? {} : { epoch }),
      ...(wanted === undefined ? {} : { recent: wanted }),
    }],
  });
}

/** Streams the events of the rooms in the query. */
export async function listenToRooms(
  request: ApiRequest,
  options: ApiOptions,
): Promise<Response | Rejection> {
  const { url, grant: { rights }, grant, address } = request;
  const { hub, limits, events } = options;
  const { room: named = [], after, recent } = readQuery(ROOMS_EVENTS, url.searchParams);
  const rooms = [...new Set(named)];
  const most = Math.min(MAX_ROOMS, limits.maxRooms);
  if (rooms.length === 0 || rooms.length > most) {
    const message = `Name 1 to ${most} rooms: ?room=lobby&room=ops`;
    throw new ApiProblem(400, "bad_parameter", message);
  }
  const start = startOf(request, after);
  const isAll = start === "0";
  const given = start === undefined || isAll
    ? new Map<string, StreamPosition>()
    : readPositions(start);
  const secret = rooms.find((room) => !rights.mayRead(room));
  if (secret !== undefined) return forbiddenRoom("read", secret);
  // Every room gets a position, as the id of the first event names all of them.
  const cursors = new Map<string, StreamPosition>();
  for (const room of rooms) {
    const count = isAll ? Infinity : recent ?? 0;
    cursors.set(room, given.get(room) ?? await hub.queries.position(room, count));
  }
  const full = await admit(rooms, request, options);
  if (full !== undefined) return full;
  const positions = [...cursors].map(([room, { epoch, id }]): RoomPosition => ({
    room,
    epoch,
    after: id,
    ...(recent === undefined ? {} : { recent }),
  }));
  return events.open({ address, grant, positions, encoder: new RoomsSseEncoder(cursors) });
}

/** Where to resume. A browser that reconnects sends the header, but asks with its first address. */
function startOf({ request }: ApiRequest, after: string | undefined): string | undefined {
  return request.headers.get("last-event-id") || after;
}

/** Reads the positions of an id; those of rooms that the stream no longer has are ignored. */
function readPositions(text: string): ReadonlyMap<string, StreamPosition> {
  return new Map(
    check(POSITIONS, text, "after", "bad_parameter").split(",").map((part) => {
      const [room = "", epoch = "", id] = part.split(/[=:]/);
      return [room, { epoch, id: Number(id) }];
    }),
  );
}

/** Why a client may not read the events of `rooms` now. */
async function admit(
  rooms: readonly string[],
  { address }: ApiRequest,
  { hub }: ApiOptions,
): Promise<Rejection | undefined> {
  for (const room of rooms) {
    const closed = hub.moderation.closedRoom(room);
    if (closed !== undefined) return new Rejection(403, closedRoomMessage(closed));
    const refusal = await hub.admitRoom(room, address);
    if (refusal !== undefined) return roomRejected(refusal);
  }
  // Checked last: nothing may be awaited between this and the opening of the stream.
  return hub.limiter.checkCapacity(address);
}

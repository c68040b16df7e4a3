import { type Fields, isRoomName, parseFields } from "../protocol.ts";
import { deniedByApi, problem, unreadable } from "./answers.ts";
import type { ApiOptions, Ask } from "./ask.ts";
import { crowded } from "./crowd.ts";
import { post } from "./post.ts";

/** One thing that can be done with a path. */
export interface Operation {
  /** The methods that ask for it, the one to name first. */
  readonly methods: readonly string[];
  /** What of a room it takes: to read it, to write to it, or to stay and listen. */
  readonly access: "read" | "write" | "listen";
  /** Answers; an object is an answer in JSON. What the request has wrong is an answer too. */
  readonly answer: (
    ask: Ask,
    options: ApiOptions,
  ) => Promise<Response | object> | Response | object;
}

/** One path below `/api/`. */
export interface Endpoint {
  /** With `{room}` in place of a room. */
  readonly path: string;
  readonly operations: readonly Operation[];
}

const GET: readonly string[] = ["GET", "HEAD"];

/** Everything that there is below `/api/`. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    path: "/api/people",
    operations: [{ methods: GET, access: "read", answer: people }],
  },
  {
    path: "/api/rooms",
    operations: [{
      methods: GET,
      access: "read",
      answer: ({ grant }, { hub }) => hub.overview.rooms(grant.rights),
    }],
  },
  {
    path: "/api/status",
    operations: [{
      methods: GET,
      access: "read",
      answer: (_ask, { hub }) => hub.overview.status(Deno.memoryUsage()),
    }],
  },
  {
    path: "/api/rooms/{room}/messages",
    operations: [
      { methods: GET, access: "read", answer: messages },
      {
        methods: ["POST"],
        access: "write",
        answer: (ask, options) => post(ask, options),
      },
    ],
  },
  {
    path: "/api/rooms/{room}/events",
    operations: [{ methods: ["GET"], access: "listen", answer: listen }],
  },
  {
    path: "/api/rooms/{room}/members",
    operations: [{
      methods: GET,
      access: "read",
      answer: ({ room, grant }, { hub }) => hub.overview.people(grant.rights, room),
    }],
  },
];

function people({ url, grant: { rights } }: Ask, { hub }: ApiOptions): Response | object {
  const room = url.searchParams.get("room") ?? undefined;
  if (room !== undefined && !isRoomName(room)) {
    const message = "A room is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit";
    return problem(400, "bad_room", message);
  }
  // The same answer whether there is such a room or not.
  if (room !== undefined && !rights.mayRead(room)) {
    return problem(403, "forbidden", `Your token does not permit to read ${room}`);
  }
  return hub.overview.people(rights, room);
}

async function messages({ url, room }: Ask, { hub }: ApiOptions): Promise<Response | object> {
  const { searchParams } = url;
  const query = searchParams.get("query");
  const parsed = parseFields("history", {
    room,
    ...numbers(searchParams, ["after", "before", "limit"]),
    ...(query === null ? {} : { query }),
  });
  return parsed.ok ? await hub.overview.messages(parsed.frame) : unreadable(parsed.error);
}

function listen({ request, url, room, grant, address }: Ask, options: ApiOptions): Response {
  const crowd = crowded(options.door, options.limits, address);
  if (crowd !== undefined) {
    options.hub.counters.turnedAway++;
    return deniedByApi(crowd);
  }
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
  if (!parsed.ok) return unreadable(parsed.error);
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

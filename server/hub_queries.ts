import type { Rights } from "../auth/rights.ts";
import type { Broker } from "../broker/broker.ts";
import type { ServerClock } from "../lib/clock.ts";
import {
  type HistoryRequest,
  type MemberReport,
  type MembersReport,
  type MessageReport,
  type MessagesReport,
  type RoomReport,
  type RoomsReport,
  type StatusReport,
} from "../protocol.ts";
import { VERSION } from "../lib/version.ts";
import type { Connection } from "./connection.ts";
import { readPage } from "./history.ts";
import type { ConnectedClient } from "./metrics/clients_file.ts";
import type { Counters } from "./metrics/counters.ts";
import type { HubStats } from "./metrics/metrics.ts";
import type { ThroughputMeter } from "./metrics/throughput.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

/** Rooms in one report: any writer creates rooms, and a list without end helps no reader. */
const MAX_ROOMS_LISTED = 1000;

/** Members in one report, as in the answer to `members`. */
const MAX_MEMBERS_LISTED = 1000;

export interface HubQueriesOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  readonly counters: Counters;
  readonly throughput: ThroughputMeter;
  readonly rooms: RoomMembership;
  readonly sessions: Sessions;
  readonly defaultRooms: readonly string[];
  readonly connections: ReadonlySet<Connection>;
}

/** Reports on the hub. They have no side effects, and clients do not notice them. */
export class HubQueries {
  readonly #startedAt: number;

  constructor(private readonly options: HubQueriesOptions) {
    this.#startedAt = options.clock.monotonic();
  }

  /** The rooms that hold messages or members and that `rights` permits to read. */
  async rooms(rights: Rights): Promise<RoomsReport> {
    const { broker, rooms, defaultRooms } = this.options;
    const found = new Map<string, RoomReport>();
    for (const { room, epoch, first, last } of await broker.rooms()) {
      if (!rights.mayRead(room)) continue;
      const online = rooms.get(room)?.online ?? 0;
      found.set(room, { room, online, messages: last - first + 1, last, epoch });
    }
    for (const { name, online, last, epoch } of rooms.all()) {
      if (!rights.mayRead(name)) continue;
      if (!found.has(name)) found.set(name, { room: name, online, messages: 0, last, epoch });
    }
    // The sort is stable: of equally busy rooms, the first by name are listed.
    const listed = found.size <= MAX_ROOMS_LISTED
      ? [...found.values()]
      : [...found.values()].sort((a, b) => b.online - a.online).slice(0, MAX_ROOMS_LISTED);
    return {
      defaults: defaultRooms.filter((room) => rights.mayRead(room)),
      total: found.size,
      rooms: listed.sort((a, b) => a.room < b.room ? -1 : 1),
    };
  }

  /** The members of one room, or of any room, that `rights` permits to read. */
  members(rights: Rights, room?: string): MembersReport {
    const { rooms, sessions } = this.options;
    const present = room === undefined ? sessions.all() : rooms.get(room)?.members ?? [];
    const members: MemberReport[] = [];
    let online = 0;
    for (const session of present) {
      // Leaves out sessions in no room: observers, and programs that only publish.
      const readable = session.rooms.filter((name) => rights.mayRead(name));
      if (readable.length === 0) continue;
      online++;
      if (members.length >= MAX_MEMBERS_LISTED) continue;
      const { name, identity, connection } = session;
      members.push({
        name,
        ...(identity === undefined ? {} : { account: identity }),
        rooms: readable,
        ...(connection === undefined ? { away: true } : {}),
      });
    }
    // By code points, so that the order does not depend on the machine's locale.
    return { online, members: members.sort((a, b) => a.name < b.name ? -1 : 1) };
  }

  /** A page of a room's history. The caller checks the right to read it. */
  async messages(request: HistoryRequest): Promise<MessagesReport> {
    return { room: request.room, ...await readPage(this.options.broker, request) };
  }

  /** A message; `undefined` if it is not kept, or not written yet. The caller checks the right. */
  async message(room: string, id: number): Promise<MessageReport | undefined> {
    const { epoch, messages: [message] } = await readPage(this.options.broker, {
      type: "history",
      room,
      after: id - 1,
      limit: 1,
    });
    return message?.id === id ? { ...message, epoch } : undefined;
  }

  /** The position of a reader that has all but the newest `recent` messages of a room. */
  async position(
    room: string,
    recent: number,
  ): Promise<{ readonly epoch: string; readonly id: number }> {
    const { epoch, first, last } = await this.options.broker.head(room);
    return { epoch, id: Math.max(first - 1, last - recent) };
  }

  /** The epoch of a room's log. */
  async epoch(room: string): Promise<string> {
    return (await this.options.broker.head(room)).epoch;
  }

  /** @param memory that of the process. */
  async status(memory: StatusReport["memory"]): Promise<StatusReport> {
    const { broker, clock, counters, throughput, rooms, sessions, connections } = this.options;
    const kept = await broker.rooms();
    const { messagesPerSecond, deliveriesPerSecond, loopLagMs } = throughput.current;
    return {
      name: "bcast",
      version: VERSION,
      uptime: Math.floor((clock.monotonic() - this.#startedAt) / 1000),
      connections: connections.size,
      sessions: sessions.size,
      rooms: rooms.size,
      accepted: counters.connections,
      turnedAway: counters.turnedAway,
      messages: counters.messages,
      messagesPerSecond,
      deliveries: counters.deliveries,
      deliveriesPerSecond,
      duplicates: counters.duplicates,
      resumes: counters.resumes,
      slowConsumers: counters.slowConsumers,
      refusals: Object.fromEntries(counters.refusals),
      log: {
        messages: kept.reduce((sum, { first, last }) => sum + last - first + 1, 0),
        rooms: kept.length,
      },
      memory: { rss: memory.rss, heapUsed: memory.heapUsed },
      loopLagMs,
    };
  }

  /**
   * Connected clients that have a name, oldest first. May be read slowly: clients that come or go
   * meanwhile may be missing.
   */
  *clients(): Generator<ConnectedClient, void, undefined> {
    for (const { session, since, encoder } of this.options.connections) {
      if (session === undefined) continue;
      yield {
        name: session.name,
        rooms: [...session.rooms],
        since: new Date(since).toISOString(),
        dialect: encoder.name,
      };
    }
  }

  /** The numbers of connections, sessions, rooms and members, and the traffic so far. */
  stats(): HubStats {
    const { rooms, sessions, counters } = this.options;
    const connections = { v1: 0, json: 0, text: 0, events: 0 };
    let { received, sent } = counters;
    for (const connection of this.options.connections) {
      connections[connection.encoder.name]++;
      received += connection.received;
      sent += connection.sent;
    }
    let members = 0;
    for (const room of rooms.all()) members += room.online;
    return { connections, sessions: sessions.size, rooms: rooms.size, members, received, sent };
  }
}

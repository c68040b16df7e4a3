import type { Rights } from "../auth/rights.ts";
import type { Broker } from "../broker/broker.ts";
import {
  type HistoryRequest,
  type MessagesReport,
  type PeopleReport,
  type PersonReport,
  type RoomReport,
  type RoomsReport,
  type StatusReport,
  VERSION,
} from "../protocol.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Counters } from "./metrics/counters.ts";
import { readPage } from "./history.ts";
import type { ThroughputMeter } from "./metrics/throughput.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

/** Rooms in one answer: anybody who writes makes rooms, and nobody reads a list without end. */
const MAX_ROOMS_LISTED = 1000;

/** People in one answer, as in the answer to `who`. */
const MAX_PEOPLE_LISTED = 1000;

/** What looking takes. */
export interface HubQueriesOptions {
  readonly broker: Broker;
  readonly clock: ServerClock;
  readonly counters: Counters;
  readonly rates: ThroughputMeter;
  readonly rooms: RoomMembership;
  readonly sessions: Sessions;
  readonly defaultRooms: readonly string[];
  /** Connections at this moment. */
  readonly connections: () => number;
}

/** What the hub tells those who look on from outside. Looking changes nothing and is seen by nobody. */
export class HubQueries {
  readonly #started: number;

  constructor(private readonly options: HubQueriesOptions) {
    this.#started = options.clock.monotonic();
  }

  /** The rooms that hold messages or people, as far as they may be read. */
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
    // The sort is stable and the log's rooms come by name: what is cut off is nobody's.
    const listed = found.size <= MAX_ROOMS_LISTED
      ? [...found.values()]
      : [...found.values()].sort((a, b) => b.online - a.online).slice(0, MAX_ROOMS_LISTED);
    return {
      defaults: defaultRooms.filter((room) => rights.mayRead(room)),
      total: found.size,
      rooms: listed.sort((a, b) => a.room < b.room ? -1 : 1),
    };
  }

  /** Who is here, or in one room, as far as one may look into the rooms they are in. */
  people(rights: Rights, room?: string): PeopleReport {
    const { rooms, sessions } = this.options;
    const present = room === undefined ? sessions.all() : rooms.get(room)?.members ?? [];
    const people: PersonReport[] = [];
    let online = 0;
    for (const session of present) {
      // Who is in no room is nobody's company: an observer, or a program that sends only.
      const open = session.rooms.map(({ name }) => name).filter((name) => rights.mayRead(name));
      if (open.length === 0) continue;
      online++;
      if (people.length >= MAX_PEOPLE_LISTED) continue;
      people.push({
        name: session.name,
        rooms: open,
        ...(session.connection === undefined ? { away: true } : {}),
      });
    }
    // By code points, not by a language: the same list wherever the hub runs.
    return { online, people: people.sort((a, b) => a.name < b.name ? -1 : 1) };
  }

  /** A page of a room's past; whether it may be read is decided before. */
  async messages(request: HistoryRequest): Promise<MessagesReport> {
    const { room } = request;
    const page = await readPage(this.options.broker, request);
    return { room, epoch: await this.epoch(room), ...page };
  }

  /** Names this life of a room's numbering. */
  async epoch(room: string): Promise<string> {
    return (await this.options.broker.head(room)).epoch;
  }

  /** How the hub is doing; `memory` is what the process takes. */
  async status(memory: StatusReport["memory"]): Promise<StatusReport> {
    const { broker, clock, counters, rates, rooms, sessions, connections } = this.options;
    const kept = await broker.rooms();
    const { messagesPerSecond, deliveriesPerSecond, loopLagMs } = rates.current;
    return {
      name: "bcast",
      version: VERSION,
      uptime: Math.floor((clock.monotonic() - this.#started) / 1000),
      connections: connections(),
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
}

import type {
  ModerationReport,
  PeopleReport,
  PersonReport,
  RoomReport,
  RoomsReport,
  SanctionReport,
  SanctionsReport,
  StatusReport,
} from "../protocol.ts";

/** What JSON of whoever answered is, or `undefined` when it is not that. */
export type Reader<T> = (value: unknown) => T | undefined;

type ReportFields = Readonly<Record<string, unknown>>;

/** A field that is not what it should be; never leaves this file. */
class Mismatch extends Error {}

/** Reads the answer to `GET /api/rooms`. */
export const readRooms: Reader<RoomsReport> = reader((value) => {
  const report = fields(value);
  return {
    defaults: list(report["defaults"], text),
    total: number(report["total"]),
    rooms: list(report["rooms"], roomReport),
  };
});

/** Reads the answer to `GET /api/people`. */
export const readPeople: Reader<PeopleReport> = reader((value) => {
  const report = fields(value);
  return { online: number(report["online"]), people: list(report["people"], person) };
});

/** Reads the answer to `GET /api/status`. */
export const readStatus: Reader<StatusReport> = reader((value) => {
  const report = fields(value);
  const log = fields(report["log"]);
  const memory = fields(report["memory"]);
  const count = (name: string): number => number(report[name]);
  return {
    name: text(report["name"]),
    version: text(report["version"]),
    uptime: count("uptime"),
    connections: count("connections"),
    sessions: count("sessions"),
    rooms: count("rooms"),
    accepted: count("accepted"),
    turnedAway: count("turnedAway"),
    messages: count("messages"),
    messagesPerSecond: count("messagesPerSecond"),
    deliveries: count("deliveries"),
    deliveriesPerSecond: count("deliveriesPerSecond"),
    duplicates: count("duplicates"),
    resumes: count("resumes"),
    slowConsumers: count("slowConsumers"),
    refusals: Object.fromEntries(
      Object.entries(fields(report["refusals"])).map(([code, times]) => [code, number(times)]),
    ),
    log: { messages: number(log["messages"]), rooms: number(log["rooms"]) },
    memory: { rss: number(memory["rss"]), heapUsed: number(memory["heapUsed"]) },
    loopLagMs: count("loopLagMs"),
  };
});

/** Reads the answer to `GET /api/admin/bans`. */
export const readMeasures: Reader<SanctionsReport> = reader((value) => ({
  measures: list(fields(value)["measures"], measure),
}));

/** Reads the answer to an order of a moderator. */
export const readOrderReport: Reader<ModerationReport> = reader((value) => {
  const { affected, addresses } = fields(value);
  return {
    affected: number(affected),
    ...(addresses === undefined ? {} : { addresses: list(addresses, text) }),
  };
});

function measure(value: unknown): SanctionReport {
  const { kind, name, address, room, reason, by, since, until } = fields(value);
  if (kind !== "ban" && kind !== "mute" && kind !== "close") throw new Mismatch();
  return {
    kind,
    ...(name === undefined ? {} : { name: text(name) }),
    ...(address === undefined ? {} : { address: text(address) }),
    ...(room === undefined ? {} : { room: text(room) }),
    ...(reason === undefined ? {} : { reason: text(reason) }),
    by: text(by),
    since: text(since),
    ...(until === undefined ? {} : { until: text(until) }),
  };
}

function roomReport(value: unknown): RoomReport {
  const { room, online, messages, last, epoch } = fields(value);
  return {
    room: text(room),
    online: number(online),
    messages: number(messages),
    last: number(last),
    epoch: text(epoch),
  };
}

function person(value: unknown): PersonReport {
  const { name, rooms, away } = fields(value);
  return { name: text(name), rooms: list(rooms, text), ...(away === true ? { away } : {}) };
}

function reader<T>(read: (value: unknown) => T): Reader<T> {
  return (value) => {
    try {
      return read(value);
    } catch (error) {
      if (error instanceof Mismatch) return undefined;
      throw error;
    }
  };
}

function fields(value: unknown): ReportFields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as ReportFields;
  }
  throw new Mismatch();
}

function list<T>(value: unknown, read: (item: unknown) => T): readonly T[] {
  if (Array.isArray(value)) return value.map(read);
  throw new Mismatch();
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Mismatch();
}

function number(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new Mismatch();
}

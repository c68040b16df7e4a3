import type { Counters } from "./metrics/counters.ts";
import type { Encoder } from "./encoders/encoder.ts";
import type { Connection } from "./connection.ts";
import type { RoomMembership } from "./room_membership.ts";
import type { Sessions } from "./sessions.ts";

/** Somebody who is connected, as others may know it. */
export interface ConnectedClient {
  readonly name: string;
  readonly rooms: readonly string[];
  /** When the connection came, ISO 8601 in UTC. */
  readonly since: string;
  readonly dialect: Encoder["name"];
}

/** How many are here at one moment, and what travelled until then. */
export interface HubStats {
  readonly connections: Readonly<Record<Encoder["name"], number>>;
  /** Those in their grace time included. */
  readonly sessions: number;
  /** Rooms that somebody is in. */
  readonly rooms: number;
  /** Members of all of them. */
  readonly members: number;
  /** UTF-16 units of all frames received. */
  readonly received: number;
  /** UTF-16 units of all frames sent. */
  readonly sent: number;
}

/** Those of `peers` who have a name, in their order. */
export function* connectedClients(
  peers: Iterable<Connection>,
): Generator<ConnectedClient, void, undefined> {
  for (const { session, since, encoder } of peers) {
    if (session === undefined) continue;
    yield {
      name: session.name,
      rooms: session.rooms.map((room) => room.name),
      since: new Date(since).toISOString(),
      dialect: encoder.name,
    };
  }
}

/** Counts who is here. */
export function collectStats(
  peers: Iterable<Connection>,
  rooms: RoomMembership,
  sessions: Sessions,
  counters: Counters,
): HubStats {
  const connections = { v1: 0, json: 0, text: 0, events: 0 };
  let { received, sent } = counters;
  for (const peer of peers) {
    connections[peer.encoder.name]++;
    received += peer.received;
    sent += peer.sent;
  }
  let members = 0;
  for (const room of rooms.all()) members += room.online;
  return { connections, sessions: sessions.size, rooms: rooms.size, members, received, sent };
}

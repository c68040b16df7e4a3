/**
 * What a hub answers over HTTP, below `/api/`, to those who want to look without taking part.
 *
 * @module
 */

import type { Message } from "./frames.ts";

/** A room that holds messages, or that somebody is in. */
export interface RoomReport {
  readonly room: string;
  /** How many are in it. */
  readonly online: number;
  /** Messages kept. */
  readonly messages: number;
  /** The newest `id`, 0 before the first message. */
  readonly last: number;
  /** Names this life of the room's numbering. */
  readonly epoch: string;
}

/** `GET /api/rooms`. */
export interface RoomsReport {
  /** The rooms of those who name none, the first being where they speak. */
  readonly defaults: readonly string[];
  /** How many rooms there are. */
  readonly total: number;
  /** By name; those with people in them when there are more than the hub is willing to list. */
  readonly rooms: readonly RoomReport[];
}

/** Somebody, and where. */
export interface PersonReport {
  readonly name: string;
  /** Rooms in the order of joining. */
  readonly rooms: readonly string[];
  /** The connection broke; the name waits for it to come back. */
  readonly away?: true;
}

/** `GET /api/people`, or `GET /api/people?room=ROOM` for those in one room. */
export interface PeopleReport {
  /** How many there are. */
  readonly online: number;
  /** By name; not all of them when there are more than the hub is willing to name. */
  readonly people: readonly PersonReport[];
}

/** `GET /api/status`. Counts are since the start, speeds over the last seconds. */
export interface StatusReport {
  readonly name: string;
  readonly version: string;
  /** Seconds since the start. */
  readonly uptime: number;
  /** Connections at this moment. */
  readonly connections: number;
  /** Names taken: connections that have said who they are, and those expected back. */
  readonly sessions: number;
  /** Rooms with somebody in them. */
  readonly rooms: number;
  /** Connections ever accepted. */
  readonly accepted: number;
  /** Connections turned away at the door. */
  readonly turnedAway: number;
  /** Messages put into the log. */
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Messages handed to connections. */
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  /** Repeats of messages, recognized as such. */
  readonly duplicates: number;
  /** Sessions taken up again. */
  readonly resumes: number;
  /** Connections cut off because they read too slowly. */
  readonly slowConsumers: number;
  /** Frames refused, by the code of the error. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly log: {
    /** Messages kept, in all rooms. */
    readonly messages: number;
    /** Rooms that hold any. */
    readonly rooms: number;
  };
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number };
  /** The longest that a timer of the last seconds had to wait for its turn, in milliseconds. */
  readonly loopLagMs: number;
}

/** `POST /api/rooms/ROOM/messages`: the message is in the log. */
export interface PublishReport {
  readonly room: string;
  readonly id: number;
  /** Names this life of the room's numbering. */
  readonly epoch: string;
  /** The name that it went out under. */
  readonly sender: string;
  /** ISO 8601 UTC with milliseconds, set by the hub. */
  readonly timestamp: string;
  /** The same request was answered before: nothing was stored again. */
  readonly duplicate?: true;
}

/** `GET /api/rooms/ROOM/messages`. */
export interface MessagesReport {
  readonly room: string;
  /** Names this life of the room's numbering. */
  readonly epoch: string;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there is more in the direction in which one reads. */
  readonly more: boolean;
}

/** What went wrong with a request below `/api/`. */
export interface ApiError {
  readonly error: {
    readonly code: string;
    /** A sentence that says what to do. */
    readonly message: string;
    /** Seconds after which the same request makes sense again. */
    readonly retryAfter?: number;
  };
}

/** A ban, a mute, or the closing of a room. Moments are ISO 8601 UTC. */
export interface SanctionReport {
  readonly kind: "ban" | "mute" | "close";
  /** The one of these that it is about. */
  readonly name?: string;
  /** An IPv4 address, or the /64 network of an IPv6 address. */
  readonly address?: string;
  readonly room?: string;
  readonly reason?: string;
  /** Who decided it. */
  readonly by: string;
  readonly since: string;
  /** Absent: until somebody lifts it. */
  readonly until?: string;
}

/** `GET /api/admin/bans`: all that holds, the oldest first. */
export interface SanctionsReport {
  readonly measures: readonly SanctionReport[];
}

/** What an order of a moderator came to; which fields there are depends on the order. */
export interface ModerationReport {
  /** Sessions that it ended or silenced, members that had to leave, connections that it reached. */
  readonly affected: number;
  /** Where those who were sent away came from. */
  readonly addresses?: readonly string[];
}

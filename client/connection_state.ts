import type { Limits } from "../protocol.ts";
import { EventQueue } from "./event_queue.ts";
import { Outbox } from "./outbox.ts";
import { RoomSubscriptions } from "./room_subscriptions.ts";
import type { ClientEvent, ConnectOptions } from "./types.ts";

/** What a conversation knows and keeps over all its connections. */
export class ConnectionState {
  readonly events = new EventQueue<ClientEvent>();
  readonly outbox = new Outbox();
  readonly rooms: RoomSubscriptions;
  readonly echo: boolean;
  /** The name the hub gave, once there is one. */
  sender: string | undefined;
  /** The resume secret, once there is one. */
  session: string | undefined;
  /** When the conversation came back, in milliseconds since 1970; `undefined` before it did. */
  returnedAt: number | undefined;
  /** What the hub allows, once it said so. */
  limits: Limits | undefined;

  constructor({ rooms, echo, session }: ConnectOptions) {
    this.echo = echo ?? true;
    this.rooms = new RoomSubscriptions(rooms ?? [], this.echo);
    this.session = session;
  }
}

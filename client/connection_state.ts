import type { Limits } from "../protocol.ts";
import { EventQueue } from "./event_queue.ts";
import { Outbox } from "./outbox.ts";
import { RoomSubscriptions } from "./room_subscriptions.ts";
import type { ClientEvent, ConnectOptions } from "./types.ts";

/** State that outlives a reconnect. */
export class ConnectionState {
  readonly events = new EventQueue<ClientEvent>();
  readonly outbox = new Outbox();
  readonly rooms: RoomSubscriptions;
  readonly echo: boolean;
  /** Whether the hub ever sent `welcome`. */
  everOnline = false;
  /** When the client was last back online after a reconnect, in milliseconds since 1970. */
  reconnectedAt: number | undefined;
  /** UTF-16 units of frames received since all events were read. */
  unreadLength = 0;
  sender: string | undefined;
  session: string | undefined;
  limits: Limits | undefined;

  #refs = 0;

  constructor({ rooms, echo, session }: ConnectOptions) {
    this.echo = echo ?? true;
    this.rooms = new RoomSubscriptions(rooms ?? [], this.echo);
    this.session = session;
  }

  /** A `ref` for a request; unique on all connections of the client. */
  nextRef(): number {
    return ++this.#refs;
  }
}

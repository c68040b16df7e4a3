import type { Grant } from "../auth/authorizer.ts";
import type { Clock } from "../hub/clock.ts";
import type { Connections } from "../hub/connections.ts";
import type { Hub } from "../hub/hub.ts";
import type { ServerLimits } from "../hub/limits.ts";
import type { Closure } from "./closure.ts";
import type { EventDoor } from "./events.ts";

/** What answering below `/api/` takes. */
export interface ApiOptions {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  /** Where connections are counted. */
  readonly connections: Connections;
  readonly events: EventDoor;
  /** Why nothing more is taken in, if so. */
  readonly closed: () => Closure | undefined;
}

/** A request below `/api/` of somebody who may ask. */
export interface Ask {
  readonly request: Request;
  readonly url: URL;
  /** The room that the path names; empty where it names none. */
  readonly room: string;
  readonly grant: Grant;
  /** Where it comes from. */
  readonly address: string;
}

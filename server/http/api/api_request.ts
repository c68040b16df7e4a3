import type { Grant } from "../../../auth/authorizer.ts";
import type { ServerClock } from "../../../lib/clock.ts";
import type { Hub } from "../../hub.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import type { SseServer } from "../../transports/sse.ts";

/** What answering below `/api/` takes. */
export interface ApiOptions {
  readonly hub: Hub;
  readonly clock: ServerClock;
  readonly limits: ServerLimits;
  readonly events: SseServer;
}

/** A request below `/api/` of somebody who may ask. */
export interface ApiRequest {
  readonly request: Request;
  readonly url: URL;
  /** The room that the path names; empty where it names none. */
  readonly room: string;
  readonly grant: Grant;
  /** Where it comes from. */
  readonly address: string;
}

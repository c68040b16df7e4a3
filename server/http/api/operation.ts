import type * as v from "valibot";
import type { Grant } from "../../../auth/authorizer.ts";
import type { ServerClock } from "../../../lib/clock.ts";
import type { Hub } from "../../hub.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import type { SseServer } from "../../transports/sse.ts";

/** What the API works with. */
export interface ApiOptions {
  readonly hub: Hub;
  readonly clock: ServerClock;
  readonly limits: ServerLimits;
  readonly events: SseServer;
}

/** A request below `/api/` whose token, if any, is valid. */
export interface ApiRequest {
  readonly request: Request;
  readonly url: URL;
  /** The room in the path; empty if the path has none. */
  readonly room: string;
  readonly grant: Grant;
  readonly address: string;
}

/** Schemas by the name of what they describe: parameters, or media types. */
export type Schemas = Readonly<Record<string, v.GenericSchema>>;

/** A successful response. */
export interface SuccessDescription {
  /** Default: the summary of the operation. */
  readonly description?: string;
  /** Default: JSON. */
  readonly type?: string;
  readonly schema: v.GenericSchema;
}

/** One method of one path: what the router does with it, and what OpenAPI says about it. */
export interface Operation {
  /** HEAD comes with GET, except for streams. */
  readonly method: "GET" | "POST";
  /** `{room}` stands for a room. */
  readonly path: string;
  /** What the token must permit: to read or write the room, or to moderate. `listen` is a stream. */
  readonly access: "read" | "write" | "listen" | "moderate";
  readonly id: string;
  readonly summary: string;
  readonly query?: Schemas;
  readonly headers?: Schemas;
  /** By media type. */
  readonly body?: Schemas;
  readonly success: Readonly<Record<number, SuccessDescription>>;
  /** Statuses of failures, beside those that every operation has. */
  readonly failures?: readonly number[];
  /** May return a `Response` or a `Rejection`; any other object is sent as JSON with status 200. */
  answer(request: ApiRequest, options: ApiOptions): Promise<object> | object;
}

/** Below this path are the operations of moderators. */
export const ADMIN_PATH = "/api/admin/";

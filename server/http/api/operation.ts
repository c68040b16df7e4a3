import type * as v from "valibot";
import type { Grant } from "../../../auth/authorizer.ts";
import type { ServerClock } from "../../../lib/clock.ts";
import type { Hub } from "../../hub.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import type { SseServer } from "../../transports/sse.ts";

export interface ApiOptions {
  readonly hub: Hub;
  readonly clock: ServerClock;
  readonly limits: ServerLimits;
  readonly events: SseServer;
}

/** A request below `/api/`. Its token, if any, is valid. */
export interface ApiRequest {
  readonly request: Request;
  readonly url: URL;
  /** The room in the path; empty if the path has none. */
  readonly room: string;
  /** The id of a message in the path; 0 if the path has none. */
  readonly id: number;
  readonly token: string | undefined;
  /** The rights of the token, or of clients without one. */
  readonly grant: Grant;
  readonly address: string;
}

/** Schemas by name of a parameter, or by media type. */
export type Schemas = Readonly<Record<string, v.GenericSchema>>;

/** A successful response. */
export interface SuccessDescription {
  /** Default: the summary of the operation. */
  readonly description?: string;
  /** Default: JSON. */
  readonly type?: string;
  /** Absent: the response has no body. */
  readonly schema?: v.GenericSchema;
}

/** One method of one path. The routes, the rights and the OpenAPI document come from these. */
export interface Operation {
  /** HEAD comes with GET, except for streams. */
  readonly method: "GET" | "POST";
  /** `{room}` stands for a room, `{id}` for the id of a message. */
  readonly path: string;
  /**
   * The right that the token must give: to read or write the room, or to moderate. `listen` is to
   * read a stream.
   */
  readonly access: "read" | "write" | "listen" | "moderate";
  readonly id: string;
  readonly summary: string;
  /** The parameters of the query; of those with the schema of an array, any number. */
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

/** The operations of moderators are below this path. */
export const ADMIN_PATH = "/api/admin/";

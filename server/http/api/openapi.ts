import { VERSION } from "../../../protocol.ts";
import type { Endpoint, Operation, Parameter } from "./endpoints.ts";
import { type Schema, schemaRef, SCHEMAS } from "./schemas.ts";

const ROOM: Schema = {
  name: "room",
  in: "path",
  required: true,
  schema: { type: "string", pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" },
};

/** What any request may come to, by status. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: "The request says something that it cannot mean",
  404: "Nothing is there, or there is nothing to lift",
  401: "The token is missing, wrong or expired",
  403: "The token does not permit it, or the page is of another site",
  408: "The body did not come in time",
  409: "The name is somebody else's, or there is too much of it already",
  413: "The body is too large",
  415: "The body is neither JSON nor text",
  421: "The hub does not answer to this host name: see --allowed-host",
  429: "Too much at once: come again after `retryAfter` seconds",
  500: "The hub had a fault",
  503: "The hub is stopping, full, or cannot write its log",
};

/** Refusals that every path knows. */
const COMMON: readonly number[] = [401, 403, 421, 429, 500];

/** The OpenAPI 3.1 document of everything in `endpoints`. */
export function openapi(endpoints: readonly Endpoint[]): object {
  return {
    openapi: "3.1.1",
    info: {
      title: "bcast",
      version: VERSION,
      description: "A hub for those who speak HTTP alone. Who wants to talk uses the WebSocket.",
    },
    // Relative to this document: a proxy may have put the hub below a path of its own.
    servers: [{ url: "../../.." }],
    security: [{ bearer: [] }, { query: [] }, {}],
    paths: Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, pathOf(endpoint)])),
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        query: {
          type: "apiKey",
          in: "query",
          name: "token",
          description: "For EventSource, which sends no header; many a proxy logs it",
        },
      },
    },
  };
}

function pathOf({ path, operations }: Endpoint): object {
  const inRoom = path.includes("{room}");
  return {
    ...(inRoom ? { parameters: [ROOM] } : {}),
    // Where there is GET there is HEAD, without saying so.
    ...Object.fromEntries(operations.map((operation) => [
      operation.methods[0]?.toLowerCase(),
      operationOf(operation, inRoom),
    ])),
  };
}

function operationOf({ doc }: Operation, inRoom: boolean): object {
  const refused = new Set([...COMMON, ...(inRoom ? [400] : []), ...doc.refusals]);
  return {
    operationId: doc.id,
    summary: doc.summary,
    ...(doc.parameters.length === 0 ? {} : { parameters: doc.parameters.map(parameterOf) }),
    ...(doc.body === undefined ? {} : {
      requestBody: {
        required: true,
        content: Object.fromEntries(
          Object.entries(doc.body).map(([type, schema]) => [type, { schema }]),
        ),
      },
    }),
    responses: Object.fromEntries([
      ...Object.entries(doc.answers).map(([status, { description, type, schema }]) =>
        [status, { description, content: { [type ?? "application/json"]: { schema } } }] as const
      ),
      ...[...refused].sort((a, b) => a - b).map((status) => [
        String(status),
        {
          description: REFUSALS[status] ?? "",
          content: { "application/json": { schema: schemaRef("Error") } },
        },
      ]),
    ]),
  };
}

function parameterOf({ name, in: where = "query", description, schema }: Parameter): object {
  return { name, in: where, required: false, description, schema };
}

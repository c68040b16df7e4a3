import { type ConversionConfig, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { VERSION } from "../../../lib/version.ts";
import { COMPONENTS, ROOM } from "../../../protocol/http_api.ts";
import { MESSAGE_ID } from "./messages.ts";
import type { Operation, Schemas } from "./operation.ts";

/** Descriptions of failures by status. */
const FAILURES: Readonly<Record<number, string>> = {
  400: "Malformed request",
  401: "The token is missing, wrong or expired",
  403: "The token does not permit this, or the request comes from a page of another site",
  404: "Not found, no longer kept, or nothing to lift",
  408: "The body did not arrive in time",
  409: "The name is taken, or a limit is reached",
  413: "The body is too large",
  415: "The body is neither JSON nor text",
  421: "The hub does not serve this host name: see --allowed-host",
  422: "The key was used for another message",
  429: "Too many requests: try again after `retryAfter` seconds",
  500: "Internal error",
  503: "The hub is stopping, full, or cannot write its log",
};

/** Failures of every operation. */
const COMMON_FAILURES: readonly number[] = [400, 401, 403, 421, 429, 500];

/** The variable parts of paths. */
const VARIABLES: Schemas = { room: ROOM, id: MESSAGE_ID };

/** The OpenAPI 3.1 document of the operations. */
export function openapi(operations: readonly Operation[]): object {
  const paths: Record<string, object> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    const variables = Object.entries(VARIABLES).filter(([name]) => path.includes(`{${name}}`))
      .map(([name, schema]) => ({
        name,
        in: "path",
        required: true,
        schema: jsonSchema(schema),
      }));
    paths[path] = {
      parameters: variables.length === 0 ? undefined : variables,
      ...paths[path],
      [method.toLowerCase()]: describe(operation),
    };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "bcast",
      version: VERSION,
      description: "HTTP API of the hub; use the WebSocket for two-way messaging.",
    },
    // Relative to this document, as a proxy may serve the hub below a path.
    servers: [{ url: "../../.." }],
    security: [{ bearer: [] }, { query: [] }, {}],
    paths,
    components: {
      schemas: toJsonSchemaDefs(COMPONENTS, CONVERSION),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        query: {
          type: "apiKey",
          in: "query",
          name: "token",
          description: "For EventSource, which cannot send headers; many proxies log it",
        },
      },
    },
  };
}

// Fields that are undefined are left out of the JSON.
function describe(
  { id, summary, headers, query, body, success, failures = [] }: Operation,
): object {
  const parameters = [...parametersOf("header", headers), ...parametersOf("query", query)];
  const responses: Record<string, object> = {};
  for (const status of [...COMMON_FAILURES, ...failures]) {
    responses[status] = response(FAILURES[status], COMPONENTS.Error);
  }
  for (const [status, { description, type, schema }] of Object.entries(success)) {
    responses[status] = response(description ?? summary, schema, type);
  }
  return {
    operationId: id,
    summary,
    parameters: parameters.length === 0 ? undefined : parameters,
    requestBody: body && { required: true, content: contentOf(body) },
    responses,
  };
}

function parametersOf(where: "header" | "query", schemas: Schemas = {}): readonly object[] {
  return Object.entries(schemas).map(([name, each]) => {
    const { description, required = false, ...schema } = jsonSchema(each);
    return { name, in: where, required, description, schema };
  });
}

function response(
  description: string | undefined,
  schema?: v.GenericSchema,
  type = "application/json",
): object {
  return { description, content: schema && contentOf({ [type]: schema }) };
}

function contentOf(schemas: Schemas): object {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [type, { schema: jsonSchema(schema) }]),
  );
}

const COMPONENT_NAMES = new Map<unknown, string>(
  Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]),
);

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  typeMode: "input",
  ignoreActions: ["check"],
  overrideRef: ({ referenceId }) => reference(referenceId),
};

function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

/** The JSON Schema of `schema`, or a reference to it if it is one of the components. */
function jsonSchema(schema: v.GenericSchema): { readonly [keyword: string]: unknown } {
  const name = COMPONENT_NAMES.get(schema);
  if (name !== undefined) return { $ref: reference(name) };
  return { ...toJsonSchemaDefs({ schema }, CONVERSION).schema };
}

import { assert } from "@std/assert";
import { Ajv2020, type ValidateFunction } from "ajv/2020";
import type { Server } from "../../server.ts";
import { httpUrl } from "./http.ts";

/** The parts of an OpenAPI document that tests use. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export interface OpenApiOperation {
  readonly operationId?: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

/** Validates the responses of a hub against its OpenAPI document, and records which it received. */
export class OpenApiChecker {
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    strictTypes: false,
    validateFormats: false,
  });

  constructor(readonly document: OpenApiDocument) {
    // Stricter than the document: every field of a response must be in it.
    this.#ajv.addSchema(closed({ ...document, $id: "doc:" }) as object, "doc:");
    this.#ajv.addVocabulary(["openapi", "info", "servers", "security", "paths", "components"]);
  }

  /** All operations. */
  get operations(): readonly (readonly [
    method: string,
    path: string,
    operation: OpenApiOperation,
  ])[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.entries(item).filter(([, { operationId }]) => operationId !== undefined)
        .map(([method, operation]) => [method.toUpperCase(), path, operation] as const)
    );
  }

  /** Sends a request and validates the response. */
  async ask(
    hub: Server,
    method: string,
    path: string,
    query = "",
    init: RequestInit = {},
  ): Promise<void> {
    const url = httpUrl(hub, path.replace("{room}", "lobby").replace("{id}", "1") + query);
    const response = await fetch(url, { method, ...init });
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const label = `${method} ${path} ${response.status}`;
    const operation = this.document.paths[path]?.[method.toLowerCase()];
    const described = operation?.responses[response.status];
    assert(described !== undefined, `${label} is not in the document`);
    this.seen.add(label);
    if (described.content === undefined) {
      assert(response.body === null, `${label} has a body`);
      return;
    }
    assert(described.content[type] !== undefined, `${label} ${type} is not in the document`);
    if (type === "text/event-stream") {
      await response.body?.cancel();
      return;
    }
    const validate = this.#validator(path, method, response.status);
    const body = await response.json();
    assert(validate(body), `${label}: ${JSON.stringify(validate.errors)}: ${JSON.stringify(body)}`);
  }

  /** Validates `value` against a schema of the document. */
  check(schema: string, value: unknown): void {
    const validate = this.#ajv.compile({ $ref: `doc:#/components/schemas/${schema}` });
    assert(validate(value), `${schema}: ${JSON.stringify(validate.errors)}`);
  }

  /** Validates JSON bodies of an operation. */
  body(method: string, path: string): ValidateFunction {
    const escaped = path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
    const $ref = `doc:#/paths/${escaped}/${method.toLowerCase()}/requestBody/content/` +
      "application~1json/schema";
    return this.#ajv.compile({ $ref });
  }

  #validator(path: string, method: string, status: number): ValidateFunction {
    const escaped = path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
    const $ref = `doc:#/paths/${escaped}/${method.toLowerCase()}/responses/${status}/content/` +
      "application~1json/schema";
    return this.#ajv.compile({ $ref });
  }
}

/** The same schema with `additionalProperties: false` everywhere. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, closed(inner)] as const);
  const open = "properties" in value && !("additionalProperties" in value);
  return { ...Object.fromEntries(entries), ...(open ? { additionalProperties: false } : {}) };
}

export async function openApiChecker(hub: Server): Promise<OpenApiChecker> {
  return new OpenApiChecker(await (await fetch(httpUrl(hub, "/api/openapi.json"))).json());
}

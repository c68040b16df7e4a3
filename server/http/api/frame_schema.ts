import { CLIENT_TABLE, POSITION } from "../../../protocol/client_table.ts";
import type { Field, FieldTable, Shape } from "../../../protocol/field_types.ts";
import type { FrameType } from "../../../protocol/frame_table.ts";
import { HUB_TABLE } from "../../../protocol/hub_table.ts";
import { MAX_EXTENSION_NAME, MAX_REF_LENGTH } from "../../../protocol.ts";
import { CLIENT_DESCRIPTIONS, type FrameDescription } from "./client_descriptions.ts";
import { HUB_DESCRIPTIONS, NESTED_DESCRIPTIONS } from "./hub_descriptions.ts";

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Who sends a frame: readers of a hub's frames take values that later versions add. */
type Direction = "client" | "hub";

const EXTENSION = "^x-[a-z0-9]+(?:-[a-z0-9._]+)+$";
const ENTRY = "hub.entry";

/** The name of a frame's schema: `client.hello`. */
export function schemaName(direction: Direction, type: string): string {
  return `${direction}.${type}`;
}

/**
 * The schemas of all frames by name, beside `ClientFrame` and `HubFrame`, any frame of one direction.
 *
 * @param path of the schemas in the document, such as `#/$defs/`.
 */
export function frameSchemas(path: string): Readonly<Record<string, Schema>> {
  return new FrameSchemas(path).all();
}

/** The JSON Schema document (2020-12) of the protocol. */
export function frameSchemaDocument(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "bcast.v1",
    description: "Any frame of the protocol: $defs/ClientFrame or $defs/HubFrame",
    anyOf: [{ $ref: "#/$defs/ClientFrame" }, { $ref: "#/$defs/HubFrame" }],
    $defs: frameSchemas("#/$defs/"),
  };
}

class FrameSchemas {
  constructor(private readonly path: string) {}

  all(): Readonly<Record<string, Schema>> {
    const client = this.#frames("client", CLIENT_TABLE, CLIENT_DESCRIPTIONS);
    const hub = this.#frames("hub", HUB_TABLE, HUB_DESCRIPTIONS);
    return {
      ClientFrame: this.#anyOf(client, "A frame of a client"),
      HubFrame: this.#anyOf(hub, "A frame of the hub; ignore frames of other types"),
      ...client,
      ...hub,
      [ENTRY]: {
        description: "An entry of a room's log; one of another type shows nothing",
        type: "object",
        required: ["type", "room", "id"],
        if: { properties: { type: { const: "message" } } },
        then: this.#ref(schemaName("hub", "message")),
      },
    };
  }

  #anyOf(schemas: Readonly<Record<string, Schema>>, description: string): Schema {
    return { description, oneOf: Object.keys(schemas).map((name) => this.#ref(name)) };
  }

  #ref(name: string): Schema {
    return { $ref: this.path + name };
  }

  #frames(
    direction: Direction,
    table: Readonly<Record<string, FrameType>>,
    descriptions: Readonly<Record<string, FrameDescription>>,
  ): Readonly<Record<string, Schema>> {
    return Object.fromEntries(
      Object.entries(table).map(([name, type]) => {
        const { about, fields } = descriptions[name] ?? { about: "", fields: {} };
        const object = this.#object(direction, type.fields, fields);
        const schema = {
          description: about,
          ...object,
          required: ["type", ...object.required],
          properties: { type: { const: name, description: "The type" }, ...object.properties },
          ...(type.isExtensible === true ? EXTENSIBLE : {}),
          ...(direction === "client" ? rule(type) : {}),
        };
        return [schemaName(direction, name), schema];
      }),
    );
  }

  #object(
    direction: Direction,
    fields: FieldTable,
    descriptions: Readonly<Record<string, string>> = NESTED_DESCRIPTIONS,
  ) {
    const entries = Object.entries(fields);
    return {
      type: "object",
      required: entries.filter(([, { isOptional }]) => isOptional !== true).map(([name]) => name),
      properties: Object.fromEntries(
        entries.map(([name, field]) => [
          name,
          { description: descriptions[name], ...this.#field(direction, field) },
        ]),
      ),
      additionalProperties: true,
    };
  }

  #field(direction: Direction, { shape, isOptional }: Field): Schema {
    const schema = this.#shape(direction, shape);
    // A client may write null for what it leaves out; the hub never does.
    return direction === "client" && isOptional === true ? nullable(schema) : schema;
  }

  #shape(direction: Direction, shape: Shape): Schema {
    switch (shape.kind) {
      case "list": {
        const { max, item } = shape;
        const items = this.#shape(direction, item.shape);
        return {
          type: "array",
          items,
          ...(max < Number.MAX_SAFE_INTEGER ? { maxItems: max } : {}),
        };
      }
      case "map":
        return { type: "object", additionalProperties: this.#shape(direction, shape.value.shape) };
      case "object": {
        if (shape.fields !== POSITION.fields) return this.#object(direction, shape.fields);
        const descriptions = CLIENT_DESCRIPTIONS.join.fields;
        return { ...this.#object(direction, shape.fields, descriptions), ...rule(POSITION) };
      }
      case "entries":
        return { type: "array", items: this.#ref(ENTRY) };
      case "oneOf":
      case "messageKind":
        // A list of the known values that takes those of later versions, too.
        if (direction === "hub") return { anyOf: [simple(shape), { type: "string" }] };
        return simple(shape);
      default:
        return simple(shape);
    }
  }
}

type SimpleShape = Exclude<
  Shape,
  { readonly kind: "list" | "map" | "object" | "entries" }
>;

function simple(shape: SimpleShape): Schema {
  switch (shape.kind) {
    case "room":
      return { type: "string", pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" };
    case "name":
      // Names are normalized before they are counted.
      return { type: "string", minLength: 1, maxLength: 256, pattern: "^[^/@#:]+$" };
    case "ref":
      return { type: ["string", "number"], minLength: 1, maxLength: MAX_REF_LENGTH };
    case "key":
      return { type: "string", pattern: `^[!-~]{1,${MAX_REF_LENGTH}}$` };
    case "programId":
      return { type: "string", pattern: "^[A-Za-z0-9_.-]{1,64}$" };
    case "messageKind":
      return {
        anyOf: [
          { const: "action" },
          { type: "string", pattern: EXTENSION, maxLength: MAX_EXTENSION_NAME },
        ],
      };
    case "boolean":
      return { type: "boolean" };
    case "true":
      return { const: true };
    case "json":
      return {};
    case "timestamp":
      return { type: "string", format: "date-time" };
    case "integer":
      return { type: "integer", minimum: shape.min, maximum: shape.max };
    case "number":
      return { type: "number", minimum: 0 };
    case "string": {
      const { min, max } = shape;
      const most = max < Number.MAX_SAFE_INTEGER ? { maxLength: max } : {};
      return { type: "string", ...(min > 0 ? { minLength: min } : {}), ...most };
    }
    case "oneOf":
      return { enum: shape.values };
  }
}

const EXTENSIBLE: Schema = {
  patternProperties: { [EXTENSION]: { description: "A field of a program: any JSON" } },
};

function nullable(schema: Schema): Schema {
  const { type } = schema;
  if (Object.keys(schema).length === 0) return schema;
  if (type === undefined) return { anyOf: [schema, { type: "null" }] };
  return { ...schema, type: [type, "null"].flat() };
}

/** The condition on several fields of a frame. */
function rule({ rule }: FrameType): Schema {
  switch (rule?.kind) {
    case undefined:
      return {};
    case "content":
      return {
        anyOf: [
          { required: ["message"], properties: { message: { type: "string", minLength: 1 } } },
          { required: ["data"], properties: { data: { not: { type: "null" } } } },
        ],
      };
    case "position":
      return {
        if: { required: ["after"], properties: { after: { type: "integer", minimum: 1 } } },
        then: { required: ["epoch"], properties: { epoch: { type: "string" } } },
      };
  }
}

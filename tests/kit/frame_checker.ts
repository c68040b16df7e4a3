import { Ajv2020 } from "ajv/2020";
import { parseHubFrame } from "../../protocol.ts";
import { frameSchemaDocument } from "../../server/http/api/frame_schema.ts";

/** Compares frames of a hub with the JSON Schema and the parser. */
export class FrameChecker {
  /** What is wrong with the frames so far. */
  readonly problems: string[] = [];
  /** The types seen. */
  readonly types = new Set<string>();
  readonly #ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    strictTypes: false,
    validateFormats: false,
  });

  constructor() {
    // Stricter than the document: this hub sends no field and no value that is not in it.
    this.#ajv.addSchema(closed(frameSchemaDocument()) as object, "v1");
  }

  /** Checks one object that a hub sent to a v1 client. */
  check(text: string): void {
    const value = JSON.parse(text);
    this.types.add(value.type);
    const parsed = parseHubFrame(text);
    if (!parsed.ok) this.problems.push(`${text.slice(0, 300)}: ${parsed.error.message}`);
    else if (parsed.frame.type === "skipped") this.problems.push(`${text.slice(0, 300)}: skipped`);
    if (this.#ajv.validate(`v1#/$defs/hub.${value.type}`, value) === true) return;
    this.problems.push(`${text.slice(0, 300)}: ${this.#ajv.errorsText()}`);
  }
}

/** A schema without what is open for later versions. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const { anyOf, ...rest } = value as { readonly anyOf?: readonly unknown[] };
  const entries = Object.entries(rest).map(([key, inner]) => [key, closed(inner)] as const);
  return {
    ...Object.fromEntries(entries),
    ...("properties" in value && "additionalProperties" in value
      ? { additionalProperties: false }
      : {}),
    // A list of known values, or any text.
    ...(anyOf === undefined
      ? {}
      : { anyOf: JSON.stringify(anyOf).endsWith(`,{"type":"string"}]`) ? [anyOf[0]] : anyOf }),
  };
}

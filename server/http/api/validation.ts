import * as v from "valibot";
import { isFields, parseJson, visible } from "../../../protocol.ts";
import { ApiProblem } from "./responses.ts";
import type { Schemas } from "./operation.ts";

/** Error codes of fields that have one of their own. */
const CODES: Readonly<Record<string, string>> = {
  address: "bad_address",
  name: "bad_name",
  room: "bad_room",
};

/**
 * Checks a value that a client sent.
 *
 * @param field decides the error code.
 * @throws {ApiProblem} with the message of the schema.
 */
export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  field: string,
): v.InferOutput<Schema> {
  const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return output;
  throw badField(field, issues[0].message);
}

/**
 * Reads the parameters of a query that are given.
 *
 * @throws {ApiProblem}
 */
export function readQuery<Parameters extends Schemas>(
  parameters: Parameters,
  query: URLSearchParams,
): { readonly [Name in keyof Parameters]?: v.InferOutput<Parameters[Name]> } {
  const given: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(parameters)) {
    const text = query.get(name);
    if (text === null) continue;
    // Anything but digits stays text, which the schema of a number rejects.
    const value = schema.type === "number" && /^\d{1,16}$/.test(text) ? Number(text) : text;
    given[name] = check(schema, value, name);
  }
  return given as { [Name in keyof Parameters]?: v.InferOutput<Parameters[Name]> };
}

/** The schema of a JSON object. Unknown fields are errors: a misspelt `for` would make a ban endless. */
export function strictBody<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, ({ expected, input }) => {
    if (expected !== "never") return `${expected} is missing`;
    const shown = visible(String(input).slice(0, 40));
    return `Unknown field "${shown}": use ${Object.keys(entries).join(", ")}`;
  });
}

/**
 * Reads a JSON object.
 *
 * @param schema made by {@linkcode strictBody}.
 * @throws {ApiProblem}
 */
export function parseBody<Schema extends v.GenericSchema & { readonly entries: v.ObjectEntries }>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> {
  const json = parseJson(text);
  if (!isFields(json)) {
    const names = Object.keys(schema.entries).join(", ");
    throw new ApiProblem(400, "bad_json", `Send a JSON object with ${names}`);
  }
  const { success, output, issues } = v.safeParse(schema, json);
  if (success) return output;
  // An unknown field is often a misspelt one that is then missing.
  const issue = issues.find(({ expected }) => expected === "never") ?? issues[0];
  const field = issue.type === "strict_object" ? "" : issue.path?.[0].key;
  throw badField(String(field), issue.message);
}

function badField(field: string, message: string): ApiProblem {
  return new ApiProblem(400, CODES[field] ?? "bad_frame", message);
}

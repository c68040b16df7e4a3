import * as v from "valibot";
import { isFields, parseJson, visible } from "../../../protocol.ts";
import { ApiProblem } from "./responses.ts";
import type { Schemas } from "./operation.ts";

/** Longer names of unknown fields and parameters are cut in the answer. */
const MAX_SHOWN = 40;

/** Error codes of fields that have one of their own. */
const CODES: Readonly<Record<string, string>> = {
  address: "bad_address",
  name: "bad_name",
  room: "bad_room",
};

/**
 * Checks a value that a client sent.
 *
 * @param field decides the error code, if it has one of its own; else that is `code`.
 * @throws {ApiProblem} with the message of the schema.
 */
export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  field: string,
  code = "bad_frame",
): v.InferOutput<Schema> {
  const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return output;
  throw badField(field, issues[0].message, code);
}

/** Parameters that the router understands, for every operation. */
const COMMON_PARAMETERS: readonly string[] = ["token"];

/**
 * Rejects a query that would be understood only in part: a misspelt `after` would start over.
 *
 * @param parameters of the operation.
 * @throws {ApiProblem} for unknown parameters, and for repeated ones unless they are lists.
 */
export function checkParameters(parameters: Schemas = {}, query: URLSearchParams): void {
  const known = Object.keys(parameters);
  for (const name of new Set(query.keys())) {
    const shown = visible(name.slice(0, MAX_SHOWN));
    if (!known.includes(name) && !COMMON_PARAMETERS.includes(name)) {
      const use = known.length === 0 ? "this path takes none" : `use ${known.join(", ")}`;
      throw new ApiProblem(400, "bad_parameter", `Unknown parameter "${shown}": ${use}`);
    }
    if (query.getAll(name).length > 1 && parameters[name]?.type !== "array") {
      throw new ApiProblem(400, "bad_parameter", `"${shown}" is given more than once`);
    }
  }
}

/** The schema of a whole number in a path or a query. */
export function wholeNumber(name: string, min: number, max?: number) {
  const range = max === undefined ? `${min} up` : `${min} to ${max}`;
  const message = `"${name}" must be a whole number from ${range}`;
  return v.pipe(
    v.number(message),
    v.safeInteger(message),
    v.minValue(min, message),
    v.maxValue(max ?? Number.MAX_SAFE_INTEGER, message),
  );
}

/** Anything but digits stays text, which the schema of a number rejects. */
export function readNumber(text: string): number | string {
  return /^\d{1,16}$/.test(text) ? Number(text) : text;
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
    const [text, ...more] = query.getAll(name);
    if (text === undefined) continue;
    const value = schema.type === "array"
      ? [text, ...more]
      : schema.type === "number"
      ? readNumber(text)
      : text;
    given[name] = check(schema, value, name, "bad_parameter");
  }
  return given as { [Name in keyof Parameters]?: v.InferOutput<Parameters[Name]> };
}

/** The schema of a JSON object. Unknown fields are errors: a misspelt `for` would make a ban endless. */
export function strictBody<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, ({ expected, input }) => {
    if (expected !== "never") return `${expected} is missing`;
    const shown = visible(String(input).slice(0, MAX_SHOWN));
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
  throw badField(String(field), issue.message, "bad_frame");
}

function badField(field: string, message: string, code: string): ApiProblem {
  return new ApiProblem(400, CODES[field] ?? code, message);
}

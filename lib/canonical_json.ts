/**
 * The JSON of `value` with the fields of all objects in one order, so that equal values have equal
 * texts. `value` must be JSON.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    // Unlike an assignment, `fromEntries()` also copies a field called `__proto__`.
    (_name, inner: unknown) => isObject(inner) ? Object.fromEntries(sortedEntries(inner)) : inner,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sortedEntries(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
}

import { FieldError, type Fields, missing } from "./fields.ts";
import type { ExtensionName } from "./frames.ts";
import { MAX_EXTENSION_LENGTH, MAX_EXTENSION_NAME } from "./limits.ts";
import { fitsBytes } from "./text.ts";

const EXTENSION = /^x-[a-z0-9]+(?:-[a-z0-9._]+)+$/;

/** Whether `name` is `x-OWNER-NAME`, the name of a program's field, kind or feature. */
export function isExtensionName(name: unknown): name is ExtensionName {
  return typeof name === "string" && name.length <= MAX_EXTENSION_NAME && EXTENSION.test(name);
}

/**
 * The extension fields of an object; `undefined` if it has none. `null` counts as left out.
 *
 * A name that starts with `x-` but is no extension name is an unknown field.
 */
export function extensions(fields: Fields): Readonly<Record<ExtensionName, unknown>> | undefined {
  let found: Record<ExtensionName, unknown> | undefined;
  for (const name in fields) {
    // A fast path, since all fields of all messages pass here.
    if (name.charCodeAt(0) === 0x78 && isExtensionName(name) && !missing(fields[name])) {
      found ??= {};
      found[name] = fields[name];
    }
  }
  return found;
}

/** @throws {FieldError} if the extension fields of a message are too large together. */
export function checkExtensions(fields: Readonly<Record<ExtensionName, unknown>>): void {
  if (fitsBytes(JSON.stringify(fields), MAX_EXTENSION_LENGTH)) return;
  throw new FieldError(
    "too_big",
    `the x-… fields of a message may have ${MAX_EXTENSION_LENGTH} bytes of JSON together: shorten them`,
  );
}

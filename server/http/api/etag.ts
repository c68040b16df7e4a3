import { VERSION } from "../../../lib/version.ts";
import { json } from "./responses.ts";

/**
 * A JSON response that clients may keep, but check before each use; 304 if the client has it.
 *
 * @param parts what identifies the content, besides the address; no quotes. Another version of the
 * hub may write other JSON, so its tags differ.
 */
export function conditional(
  { headers }: Request,
  parts: readonly (string | number)[],
  body: object,
): Response {
  const tag = `"${[VERSION, ...parts].join("-")}"`;
  const caching = { etag: tag, "cache-control": "private, no-cache" };
  return matches(headers.get("if-none-match"), tag)
    ? new Response(null, { status: 304, headers: caching })
    : json(200, body, caching);
}

/** Compares weakly (RFC 9110 section 13.1.2): the runtime makes tags of compressed bodies weak. */
function matches(condition: string | null, tag: string): boolean {
  if (condition?.trim() === "*") return true;
  return condition?.split(",").some((each) => each.trim().replace(/^W\//, "") === tag) ?? false;
}

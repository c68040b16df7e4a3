import { sanitizedText } from "../../chat/content.ts";
import { visible } from "../../protocol.ts";

/** Fields that are not shown, or would break if they were changed. */
const UNSEEN: ReadonlySet<string> = new Set(["data", "session", "epoch", "ref"]);

/** The message of an error, which may come from the hub. */
export function errorText(error: unknown): string {
  return visible(error instanceof Error ? error.message : String(error));
}

/**
 * A value of the hub with all of its texts made safe to show. Everything passes here before it gets
 * into the state, so the page cannot show anything else.
 */
export function sanitized<T>(value: T): T {
  return sanitizedValue(value, "") as T;
}

function sanitizedValue(value: unknown, name: string): unknown {
  if (typeof value === "string") return name === "message" ? sanitizedText(value) : visible(value);
  if (Array.isArray(value)) return value.map((each) => sanitizedValue(each, ""));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      UNSEEN.has(key) ? each : sanitizedValue(each, key),
    ]),
  );
}

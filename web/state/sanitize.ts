import { visible } from "../../protocol.ts";

/** What nobody sees, and what would not be the same any more. */
const UNSEEN: ReadonlySet<string> = new Set(["data", "session", "epoch", "ref"]);

/**
 * A text of somebody's as the page may show it: with its lines and tabs, and with everything visible
 * that a terminal or a browser would obey.
 */
export function shownText(text: string): string {
  return visible(text.replaceAll(/\r\n?/g, "\n"), { keepLines: true });
}

/** What went wrong, in words that may be those of the hub. */
export function errorText(error: unknown): string {
  return visible(error instanceof Error ? error.message : String(error));
}

/**
 * What came from the hub, with all texts in it as the page may show them. Everything passes here
 * before it gets into the state, so that no part of the page can show anything else.
 */
export function sanitized<T>(value: T): T {
  return shownValue(value, "") as T;
}

function shownValue(value: unknown, name: string): unknown {
  if (typeof value === "string") return name === "message" ? shownText(value) : visible(value);
  if (Array.isArray(value)) return value.map((each) => shownValue(each, ""));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      UNSEEN.has(key) ? each : shownValue(each, key),
    ]),
  );
}

import type { Server } from "../../server.ts";

/** The URL of a path on a hub. */
export function httpUrl(hub: Server, path: string): string {
  return new URL(path, hub.url.replace(/^ws/, "http")).href;
}

export interface JsonResponse {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- any JSON, for tests to inspect
  readonly body: any;
}

/** Sends a request and reads the JSON response. */
export async function fetchJson(
  hub: Server,
  path: string,
  init: RequestInit = {},
): Promise<JsonResponse> {
  const response = await fetch(httpUrl(hub, path), init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

/** Publishes JSON (an object), or text like `curl -d`. */
export function post(
  hub: Server,
  room: string,
  body: object | string,
  headers: Record<string, string> = {},
  query = "",
): Promise<JsonResponse> {
  const text = typeof body === "string";
  return fetchJson(hub, `/api/rooms/${room}/messages${query}`, {
    method: "POST",
    body: text ? body : JSON.stringify(body),
    headers: {
      "content-type": text ? "application/x-www-form-urlencoded" : "application/json",
      ...headers,
    },
  });
}

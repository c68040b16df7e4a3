import type { Server } from "../../server.ts";

/** The address of a path of a hub for HTTP. */
export function address(hub: Server, path: string): string {
  return new URL(path, hub.url.replace(/^ws/, "http")).href;
}

/** What an answer of the API came to. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever the hub says, for a test to look at
  readonly body: any;
}

/** Asks a hub, and reads the JSON of its answer. */
export async function tell(hub: Server, path: string, init: RequestInit = {}): Promise<Told> {
  const response = await fetch(address(hub, path), init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

/** Posts JSON (an object), or text as `curl -d` would. */
export function post(
  hub: Server,
  room: string,
  body: object | string,
  headers: Record<string, string> = {},
  query = "",
): Promise<Told> {
  const text = typeof body === "string";
  return tell(hub, `/api/rooms/${room}/messages${query}`, {
    method: "POST",
    body: text ? body : JSON.stringify(body),
    headers: {
      "content-type": text ? "application/x-www-form-urlencoded" : "application/json",
      ...headers,
    },
  });
}

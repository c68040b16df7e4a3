import { requestAuthority } from "./hosts.ts";
import { isProxied } from "./proxies.ts";

export interface PlainPageOptions {
  /** The room in the examples. */
  readonly room: string;
  /** Whether the hub requires a token. */
  readonly guarded: boolean;
}

/**
 * The hub's page for `curl` and `wget`: how to talk to it, with the address of the request. Behind a
 * proxy that address is unknown, as the proxy may add a path of its own.
 */
export function plainPage(request: Request, { room, guarded }: PlainPageOptions): string {
  const host = isProxied(request.headers) ? undefined : requestAuthority(request)?.host;
  const s = request.url.startsWith("https:") ? "s" : "";
  const web = host === undefined ? "ADDRESS" : `http${s}://${host}`;
  const socket = host === undefined ? "ADDRESS" : `ws${s}://${host}/`;
  const bearer = guarded ? ` -H "Authorization: Bearer TOKEN"` : "";
  const path = `${web}/api/rooms/${room}`;
  return [
    `Open ${host === undefined ? "this ADDRESS" : web} in a browser; it is a bcast hub.`,
    "From a shell:",
    "",
    `  bcast connect ${socket}${guarded ? " --token-file FILE" : ""}`,
    `  curl -d "Hello"${bearer} ${path}/messages`,
    `  curl -N${bearer} ${path}/events`,
    "",
    "Any WebSocket client can talk at the same address.",
  ].join("\n");
}

import { sentTo } from "./authority.ts";

/** What a hub tells whoever asks for it with `curl` or `wget`. */
export interface PlainPageOptions {
  /** The room that the examples use. */
  readonly room: string;
  /** Whether the hub wants a token. */
  readonly guarded: boolean;
}

/** Headers of proxies, which may have put the hub below a path of their own. */
const PROXY_HEADERS = [
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "forwarded",
  "x-real-ip",
  "via",
];

/**
 * The page of the hub for those who do not accept HTML: how to talk to it, with the address that
 * they asked for. Behind a proxy that address is not known, and is not guessed.
 */
export function plainPage(request: Request, { room, guarded }: PlainPageOptions): string {
  const { headers, url } = request;
  const host = PROXY_HEADERS.some((name) => headers.has(name)) ? undefined : sentTo(request)?.host;
  const secure = url.startsWith("https:");
  const web = host === undefined ? "ADDRESS" : `http${secure ? "s" : ""}://${host}`;
  const socket = host === undefined ? "ADDRESS" : `ws${secure ? "s" : ""}://${host}/`;
  const bearer = guarded ? ` -H "Authorization: Bearer TOKEN"` : "";
  const messages = `${web}/api/rooms/${room}`;
  return [
    host === undefined
      ? "Open this ADDRESS in a browser; it is a bcast hub."
      : `Open ${web} in a browser; it is a bcast hub.`,
    "From a shell:",
    "",
    `  bcast connect ${socket}${guarded ? " --token-file FILE" : ""}`,
    `  curl -d "Hello"${bearer} ${messages}/messages`,
    `  curl -N${bearer} ${messages}/events`,
    "",
    "Any WebSocket client can talk at the same address.",
  ].join("\n");
}

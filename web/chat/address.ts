import { isRoomName, normalizeName } from "../../protocol.ts";

/** The parameters in the address of the page. */
export interface PageAddress {
  readonly rooms: readonly string[];
  readonly name?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * Reads `?room=x&name=y#token=z`.
 *
 * Only the fragment may hold a token, because browsers do not send it anywhere.
 */
export function readAddress(url: URL): PageAddress {
  const rooms = url.searchParams.getAll("room").map((room) => room.toLowerCase());
  const name = normalizeName(url.searchParams.get("name") ?? "");
  const token = new URLSearchParams(url.hash.slice(1)).get("token");
  return {
    rooms: rooms.filter((room) => isRoomName(room)),
    name,
    token: token || undefined,
  };
}

/** `url` without secrets, which must not stay in history, screenshots and bookmarks. */
export function withoutToken(url: URL): URL {
  const clean = new URL(url);
  clean.hash = "";
  clean.searchParams.delete("token");
  return clean;
}

/** The address of the hub's WebSocket, next to the page, which may be in a folder of a proxy. */
export function hubAddress(page: URL): URL {
  const url = new URL("ws", new URL(page.pathname, page.origin));
  url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

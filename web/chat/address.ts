import { isRoomName, normalizeName } from "../../protocol.ts";

/** What the address of the page asks for. */
export interface PageAddress {
  readonly rooms: readonly string[];
  readonly name?: string;
  readonly token?: string;
}

/**
 * Reads `?room=x&name=y#token=z`.
 *
 * A token is taken from the fragment alone, which no browser sends anywhere.
 */
export function readAddress(url: URL): PageAddress {
  const rooms = url.searchParams.getAll("room").map((room) => room.toLowerCase());
  const name = normalizeName(url.searchParams.get("name") ?? "");
  const token = new URLSearchParams(url.hash.slice(1)).get("token");
  return {
    rooms: rooms.filter((room) => isRoomName(room)),
    ...(name === undefined ? {} : { name }),
    ...(token === null || token === "" ? {} : { token }),
  };
}

/** `url` without what should not stay in the history, on screenshots and in bookmarks. */
export function withoutToken(url: URL): URL {
  const clean = new URL(url);
  clean.hash = "";
  clean.searchParams.delete("token");
  return clean;
}

/** The hub's WebSocket, next to the page: also under a base path behind a proxy. */
export function hubAddress(page: URL): URL {
  const url = new URL("ws", new URL(page.pathname, page.origin));
  url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

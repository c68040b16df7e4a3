/** Redirects followed in a row: hubs that send a client back and forth must not keep it from its own. */
export const MAX_REDIRECTS = 5;

/** Where to connect next. */
export interface DialTarget {
  readonly url: URL;
  /** Whether the hub there may get the token and the session. */
  readonly trusted: boolean;
}

/**
 * The address to which the hub at `from` sends its clients; `undefined` if it is unusable, or less
 * secure.
 */
export function redirectTarget(from: URL, address: string | undefined): DialTarget | undefined {
  const url = address === undefined ? null : URL.parse(address);
  if (url === null || (url.protocol !== "ws:" && url.protocol !== "wss:")) return undefined;
  if (from.protocol === "wss:" && url.protocol !== "wss:") return undefined;
  url.username = url.password = url.hash = "";
  return { url, trusted: url.protocol === "wss:" || url.hostname === from.hostname };
}

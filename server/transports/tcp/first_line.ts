/** The token of `/token SECRET` or `/login SECRET`. */
export function tokenOf(line: string): string | undefined {
  return /^\/(?:token|login)\s+(\S+)\s*$/i.exec(line)?.[1];
}

/** Whether a client begins to speak TLS: a record of type 22, version 3 (RFC 8446 section 5.1). */
export function isTls(firstBytes: Uint8Array): boolean {
  return firstBytes[0] === 22 && (firstBytes.length < 2 || firstBytes[1] === 3);
}

/**
 * Whether a client took the port for a web server. A page can make its browser send such a request
 * to any port, and the body would become messages.
 */
export function isHttp(firstLine: string): boolean {
  return /^[A-Z]+ \S+ HTTP\/[0-9.]+$/.test(firstLine);
}

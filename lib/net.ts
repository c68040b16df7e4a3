/** Whether `host`, a name or an address, is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.") ||
    host.startsWith("::ffff:127.");
}

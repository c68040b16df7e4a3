import { isLoopback } from "../../lib/net.ts";

/** Tries with other ports when the one that the system picked is taken at another address. */
const MAX_TRIES = 20;

/** The port of one of several addresses is taken. */
export class AddressInUse extends Deno.errors.AddrInUse {
  override readonly name = "AddressInUse";

  constructor(readonly address: string, cause: unknown) {
    super(`${address} is in use`, { cause });
  }
}

/** A listener. */
export interface Bound extends AsyncDisposable {
  readonly port: number;
}

/**
 * The addresses to bind for a host. `localhost` is both IPv4 and IPv6 (RFC 6761): clients try either
 * first, and another program on the other one would answer in the hub's place.
 */
export function addressesOf(host: string): readonly string[] {
  return host.toLowerCase() === "localhost" ? ["127.0.0.1", "::1"] : [host];
}

/**
 * Opens the same port at each of `addresses`. Skips loopback addresses that this machine does not
 * have, but not all of them.
 *
 * @param port 0 lets the system pick one that is free at all addresses.
 * @throws {AddressInUse} when the port is taken at one of several; otherwise what `open` throws.
 */
export function bindAll<Part extends Bound>(
  addresses: readonly string[],
  port: number,
  open: (address: string, port: number) => Part,
): readonly [Part, ...Part[]] {
  for (let tries = 1;; tries++) {
    try {
      return bindOnce(addresses, port, open);
    } catch (error) {
      if (port !== 0 || !(error instanceof AddressInUse) || tries === MAX_TRIES) throw error;
    }
  }
}

function bindOnce<Part extends Bound>(
  addresses: readonly string[],
  port: number,
  open: (address: string, port: number) => Part,
): readonly [Part, ...Part[]] {
  const parts: Part[] = [];
  let missing: unknown;
  for (const address of addresses) {
    try {
      parts.push(open(address, parts[0]?.port ?? port));
    } catch (error) {
      if (addresses.length > 1 && isMissing(address, error)) {
        missing ??= error;
        continue;
      }
      // No client is connected yet: there is nothing to wait for.
      for (const part of parts) void part[Symbol.asyncDispose]();
      const taken = addresses.length > 1 && error instanceof Deno.errors.AddrInUse;
      throw taken ? new AddressInUse(address, error) : error;
    }
  }
  const [first, ...rest] = parts;
  if (first === undefined) throw missing;
  return [first, ...rest];
}

/** Whether this machine lacks a loopback address: IPv6 or IPv4 may be disabled. */
function isMissing(address: string, error: unknown): boolean {
  if (!isLoopback(address)) return false;
  return error instanceof Deno.errors.AddrNotAvailable ||
    // The runtime has no class for an unsupported address family.
    (error instanceof Error && "code" in error && error.code === "EAFNOSUPPORT");
}

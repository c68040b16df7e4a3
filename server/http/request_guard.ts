import { getLogger } from "@logtape/logtape";
import type { ConnectionLimiter } from "../limits/connection_limiter.ts";
import { Rejection } from "../limits/rejection.ts";
import { type Authority, type HostList, readAuthority, requestAuthority } from "./hosts.ts";
import { corsOrigin, originRefusal } from "./origin.ts";
import { isForwarded, TrustedProxies } from "./proxies.ts";

const logger = getLogger(["bcast", "http"]);

/** Longer host names are not repeated in the answer. */
const MAX_SHOWN = 100;

/** The answer to a `Host` header that cannot be read. */
export const BAD_HOST = "The Host header is not a host: send the hub's name or address";

export interface RequestGuardOptions {
  /** Origins whose pages may talk to the hub beside its own; `*` for all, `null` for opaque ones. */
  readonly origins?: readonly string[] | undefined;
  /** Networks of proxies that say where a request comes from. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** The hub's names; the list changes with the certificate. */
  readonly hosts: () => HostList;
  /** The port that the hub listens on. */
  readonly port: () => number;
}

/** The parts of a request that the checks need. */
interface ReceivedRequest {
  readonly request: Request;
  /** The host that the request names. */
  readonly authority: Authority;
  /** The host that the client named, where a trusted proxy says so. */
  readonly host: Authority;
  /** Whether a trusted proxy claims to have forwarded it. */
  readonly proxied: boolean;
  readonly upgrade: boolean;
  readonly secure: boolean;
  readonly origin: string | undefined;
}

/** Checks every request before anything is answered: its host, its origin, its rate. */
export class RequestGuard {
  readonly #proxies: TrustedProxies;
  readonly #origins: readonly string[];
  #warned = false;

  constructor(
    private readonly limiter: ConnectionLimiter,
    private readonly options: RequestGuardOptions,
  ) {
    this.#proxies = new TrustedProxies(options.trustedProxies ?? []);
    this.#origins = options.origins ?? [];
  }

  /** The IP address that a request comes from, as far as trusted proxies name it. */
  address({ headers }: Request, { remoteAddr }: Deno.ServeHandlerInfo): string {
    const peer = peerAddress(remoteAddr);
    if (!this.#warned && headers.has("x-forwarded-for") && !this.#proxies.trusts(peer)) {
      this.#warned = true;
      logger.warn(
        "{peer} forwards requests of others, and all of them count as one address: if it is " +
          "your proxy, start the hub with --trust-proxy {peer}",
        { peer },
      );
    }
    return this.#proxies.clientAddress(peer, headers);
  }

  /** The port that a client connects from; `undefined` behind a proxy. */
  port({ remoteAddr }: Deno.ServeHandlerInfo, address: string): number | undefined {
    const isDirect = "hostname" in remoteAddr && remoteAddr.hostname === address;
    return isDirect ? remoteAddr.port : undefined;
  }

  /** The origin whose pages may read the answer, if the operator has allowed it. */
  corsOrigin(request: Request): string | undefined {
    return corsOrigin(request, this.#origins);
  }

  /** Why a request is rejected, whatever it asks for. Takes it from the quota of `address`. */
  check(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo,
    address: string,
  ): Rejection | undefined {
    const received = this.#read(request, peerAddress(remoteAddr));
    if (received instanceof Rejection) return received;
    return this.#checkHost(received) ?? this.#checkOrigin(received) ??
      this.limiter.checkRate(address);
  }

  #read(request: Request, peer: string): ReceivedRequest | Rejection {
    const { headers, url } = request;
    const authority = requestAuthority(request);
    if (authority === undefined) return new Rejection(400, BAD_HOST);
    const proxied = this.#proxies.trusts(peer) && isForwarded(headers);
    const forwardedHost = proxied ? firstOf(headers, "x-forwarded-host") : undefined;
    const host = forwardedHost === undefined ? authority : readAuthority(forwardedHost);
    if (host === undefined) {
      const reason = "The X-Forwarded-Host header is not a host: set it in the proxy";
      return new Rejection(400, reason);
    }
    return {
      request,
      authority,
      host,
      proxied,
      upgrade: headers.get("upgrade")?.toLowerCase() === "websocket",
      secure: url.startsWith("https:"),
      origin: headers.get("origin") ?? undefined,
    };
  }

  /** Rejects names that are not the hub's (DNS rebinding). */
  #checkHost(received: ReceivedRequest): Rejection | undefined {
    // A browser always names the origin of a page that opens a WebSocket: this is another program.
    if (received.upgrade && received.origin === undefined) return undefined;
    const unknown = this.#unknownHost(received);
    if (unknown === undefined) return undefined;
    const shown = unknown.name.length > MAX_SHOWN ? "NAME" : unknown.name;
    const reason =
      `This hub does not answer to the name ${shown}: start it with --allowed-host ${shown}, or ask for its address`;
    return new Rejection(421, reason);
  }

  #unknownHost({ authority, host, proxied, secure }: ReceivedRequest): Authority | undefined {
    const hosts = this.options.hosts();
    // The headers alone do not prove that a proxy forwarded the request: the script of a page can
    // send them to the site it is from. It cannot change the port in the authority, which is then
    // the hub's own.
    const port = authority.port ?? (secure ? 443 : 80);
    const forwarded = proxied && port !== this.options.port();
    if (forwarded && !hosts.explicit) return undefined;
    if (!hosts.allows(authority.name)) return authority;
    return hosts.explicit && !hosts.allows(host.name) ? host : undefined;
  }

  /** Rejects pages of other sites. */
  #checkOrigin(received: ReceivedRequest): Rejection | undefined {
    const { request: { headers, method, url }, host, proxied, upgrade, secure, origin } = received;
    const proto = proxied ? firstOf(headers, "x-forwarded-proto")?.toLowerCase() : undefined;
    const { pathname } = URL.parse(url) ?? { pathname: "" };
    const reason = originRefusal({
      origin,
      site: headers.get("sec-fetch-site") ?? undefined,
      linkable: !upgrade && (method === "GET" || method === "HEAD") && isPage(pathname),
      host: host.host,
      protocol: secure || proto === "https" ? "https:" : proto === "http" ? "http:" : undefined,
    }, this.#origins);
    return reason === undefined ? undefined : new Rejection(403, reason);
  }
}

/** The token of a request: `Authorization: Bearer`, or the query's, which many proxies log. */
export function tokenOf(headers: Headers, searchParams: URLSearchParams): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
  return bearer ?? (searchParams.get("token") || undefined);
}

function peerAddress(remoteAddr: Deno.Addr): string {
  return "hostname" in remoteAddr ? remoteAddr.hostname : "local";
}

/** The value that the first of a chain of proxies has set. */
function firstOf(headers: Headers, name: string): string | undefined {
  return headers.get(name)?.split(",")[0]?.trim() || undefined;
}

/** Whether a path is that of the page or one of its files. */
function isPage(pathname: string): boolean {
  return !pathname.startsWith("/api/") && pathname !== "/metrics";
}

import { getLogger } from "@logtape/logtape";
import type { Grant } from "../../auth/authorizer.ts";
import type { AuthResult } from "../authentication.ts";
import type { Hub } from "../hub.ts";
import { banMessage } from "../moderation/sanction_messages.ts";
import { TrustedProxies } from "./forwarded.ts";
import { type Authority, readAuthority, sentTo } from "./authority.ts";
import type { HostList } from "./hosts.ts";
import { originRefusal, readOrigin } from "./origin.ts";

const logger = getLogger(["bcast", "http"]);

/** Characters of a host name that are worth repeating to whoever sent it. */
const MAX_SHOWN = 100;

/** What is wrong with a `Host` header that names nothing. */
export const BAD_HOST = "The Host header is not a host: send the hub's name or address";

/** Who may ask, before anything is answered. */
export interface RequestGuardOptions {
  /** Origins whose pages may talk to the hub, beside its own; `*` for all, `null` for none's. */
  readonly origins?: readonly string[];
  /** Networks of proxies that say where a request comes from. */
  readonly trustedProxies?: readonly string[];
  /** The names by which the hub may be called; another list when it has another certificate. */
  readonly hosts: () => HostList;
  /** The port that the hub listens on. */
  readonly port: () => number;
}

/** An answer in place of what was asked for. */
export interface GuardRejection {
  readonly ok: false;
  readonly status: number;
  /** A sentence for a person. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request's token came to. */
export type AccessResult = { readonly ok: true; readonly grant: Grant } | GuardRejection;

/** Looks at every request first: where it comes from, by whose page, with what token. */
export class RequestGuard {
  readonly #proxies: TrustedProxies;
  #warned = false;

  constructor(private readonly hub: Hub, private readonly options: RequestGuardOptions) {
    this.#proxies = new TrustedProxies(options.trustedProxies ?? []);
  }

  /** The address that a request comes from, as far as that is certain. */
  address(request: Request, { remoteAddr }: Deno.ServeHandlerInfo): string {
    const peer = peerAddress(remoteAddr);
    const { headers } = request;
    if (!this.#warned && headers.has("x-forwarded-for") && !this.#proxies.trusts(peer)) {
      this.#warned = true;
      logger.warn(
        "{peer} passes on requests of others, and all of them count as one address: if it is " +
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

  /** Why a request gets no answer, whatever it asks for; `undefined` when nothing is against it. */
  refusal(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo,
    address: string,
  ): GuardRejection | undefined {
    const refusal = this.#strangers(request, peerAddress(remoteAddr));
    if (refusal !== undefined) return refusal;
    const wait = Math.ceil(this.hub.consumeAddressQuota(address));
    if (wait === 0) return undefined;
    return busy("Too much comes from your address: slow down", wait);
  }

  /** What is against a request by the name that it was sent to, and by the page that sent it. */
  #strangers(request: Request, peer: string): GuardRejection | undefined {
    const { headers, method, url } = request;
    const direct = sentTo(request);
    if (direct === undefined) return denial(400, BAD_HOST);
    const proxied = this.#proxies.trusts(peer) && isForwarded(headers);
    const said = proxied ? firstOf(headers, "x-forwarded-host") : undefined;
    const host = said === undefined ? direct : readAuthority(said);
    if (host === undefined) {
      return denial(400, "The X-Forwarded-Host header is not a host: set it in the proxy");
    }
    const origin = headers.get("origin") ?? undefined;
    const upgrade = headers.get("upgrade")?.toLowerCase() === "websocket";
    const secure = url.startsWith("https:");
    // A browser always names the origin of a page that asks for a WebSocket: this is none.
    const program = upgrade && origin === undefined;
    const own = direct.port ?? (secure ? 443 : 80);
    const passedOn = proxied && own !== this.options.port();
    const unknown = program ? undefined : this.#unknown(direct, host, passedOn);
    if (unknown !== undefined) return misdirected(unknown);
    const proto = proxied ? firstOf(headers, "x-forwarded-proto")?.toLowerCase() : undefined;
    const { pathname } = URL.parse(url) ?? { pathname: "" };
    const reason = originRefusal({
      origin,
      site: headers.get("sec-fetch-site") ?? undefined,
      linkable: !upgrade && (method === "GET" || method === "HEAD") && isPage(pathname),
      host: host.host,
      ...(secure || proto === "https"
        ? { protocol: "https:" }
        : proto === "http"
        ? { protocol: "http:" }
        : {}),
    }, this.options.origins ?? []);
    return reason === undefined ? undefined : denial(403, reason);
  }

  /**
   * The name of a request that the hub does not answer to, if there is one.
   *
   * @param passedOn whether a trusted proxy must have passed it on: its headers alone do not show
   * that, as the script of a page can send them to the site that it is from. But it cannot change
   * that the browser names the port which it connects to, the hub's own.
   */
  #unknown(direct: Authority, host: Authority, passedOn: boolean): Authority | undefined {
    const hosts = this.options.hosts();
    if (passedOn && !hosts.explicit) return undefined;
    if (!hosts.allows(direct.name)) return direct;
    return hosts.explicit && !hosts.allows(host.name) ? host : undefined;
  }

  /** The origin whose pages may read the answer, where the operator named it. */
  reader({ headers }: Request): string | undefined {
    const origin = readOrigin(headers.get("origin") ?? "");
    const { origins = [] } = this.options;
    if (origin === undefined || origin === "*") return undefined;
    return origins.includes(origin) || origins.includes("*") ? origin : undefined;
  }

  /** Checks the token that a request brings in its header or, if it must, in its query. */
  entitle(
    token: string | undefined,
    address: string,
  ): AccessResult | Promise<AccessResult> {
    const answer = this.hub.authentication.check(token, { address });
    const entitlement = (found: AuthResult): AccessResult => this.#unlessBanned(found, address);
    return answer instanceof Promise ? answer.then(entitlement) : entitlement(answer);
  }

  #unlessBanned(answer: AuthResult, address: string): AccessResult {
    if (!answer.ok) return refused(answer);
    const { name, admin } = answer.grant;
    const ban = this.hub.moderation.activeBan({ name, address, admin });
    return ban === undefined ? answer : denial(403, banMessage(ban));
  }
}

/** The token of a request: `Authorization: Bearer`, or the query's, which many a proxy logs. */
export function tokenOf(headers: Headers, searchParams: URLSearchParams): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
  return bearer ?? (searchParams.get("token") || undefined);
}

/** A refusal for now, with the seconds after which to ask again. */
export function busy(reason: string, retryAfter: number): GuardRejection {
  return denial(429, reason, { "retry-after": String(retryAfter) });
}

function refused(answer: Exclude<AuthResult, { readonly ok: true }>): GuardRejection {
  const { failure, reason } = answer;
  if (failure === "throttled") return busy(reason, answer.retryAfter);
  // RFC 6750 section 3.1: who brought no token is told of no error.
  const challenge = failure === "missing"
    ? `Bearer realm="bcast"`
    : `Bearer realm="bcast", error="invalid_token"`;
  return denial(401, reason, { "www-authenticate": challenge });
}

function denial(
  status: number,
  reason: string,
  headers: Record<string, string> = {},
): GuardRejection {
  return { ok: false, status, reason, headers };
}

function peerAddress(remoteAddr: Deno.Addr): string {
  return "hostname" in remoteAddr ? remoteAddr.hostname : "local";
}

/** Whether a request carries what a proxy says of the one that it passes on. */
function isForwarded(headers: Headers): boolean {
  return ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"]
    .some((name) => headers.has(name));
}

/** What the first of a chain of proxies says. */
function firstOf(headers: Headers, name: string): string | undefined {
  return headers.get(name)?.split(",")[0]?.trim() || undefined;
}

/** Whether a path is that of the page or one of its files. */
function isPage(pathname: string): boolean {
  return !pathname.startsWith("/api/") && pathname !== "/metrics";
}

function misdirected({ name }: Authority): GuardRejection {
  const shown = name.length > MAX_SHOWN ? "NAME" : name;
  const reason =
    `This hub does not answer to the name ${shown}: start it with --allowed-host ${shown}, or ask for its address`;
  return denial(421, reason);
}

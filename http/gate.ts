import { getLogger } from "@logtape/logtape";
import type { Grant } from "../auth/authorizer.ts";
import type { Answer } from "../hub/admission.ts";
import type { Hub } from "../hub/hub.ts";
import { isLoopback } from "../hub/limits.ts";
import { banSentence } from "../hub/measure_words.ts";
import { TrustedProxies } from "./addresses.ts";
import { originRefusal, readOrigin, type Target } from "./origin.ts";

const logger = getLogger(["bcast", "http"]);

/** Who may ask, before anything is answered. */
export interface GateOptions {
  /** Origins whose pages may talk to the hub, beside its own; `*` for all, `null` for none's. */
  readonly origins?: readonly string[];
  /** Networks of proxies that say where a request comes from. */
  readonly trustedProxies?: readonly string[];
  /** Whether the hub is bound to this machine alone. */
  readonly local: boolean;
}

/** An answer in place of what was asked for. */
export interface Denial {
  readonly ok: false;
  readonly status: number;
  /** A sentence for a person. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request's token came to. */
export type Entitlement = { readonly ok: true; readonly grant: Grant } | Denial;

/** Looks at every request first: where it comes from, by whose page, with what token. */
export class Gate {
  readonly #proxies: TrustedProxies;
  #warned = false;

  constructor(private readonly hub: Hub, private readonly options: GateOptions) {
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

  /** Why a request gets no answer, whatever it asks for; `undefined` when nothing is against it. */
  refusal(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo,
    address: string,
  ): Denial | undefined {
    const { origins = [], local } = this.options;
    const proxied = this.#proxies.trusts(peerAddress(remoteAddr));
    const reason = originRefusal(targetOf(request, proxied), { origins, local });
    if (reason !== undefined) return denial(403, reason);
    const wait = Math.ceil(this.hub.takeShare(address));
    if (wait === 0) return undefined;
    return busy("Too much comes from your address: slow down", wait);
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
  ): Entitlement | Promise<Entitlement> {
    const answer = this.hub.admission.check(token, { address });
    const entitlement = (found: Answer): Entitlement => this.#unlessBanned(found, address);
    return answer instanceof Promise ? answer.then(entitlement) : entitlement(answer);
  }

  #unlessBanned(answer: Answer, address: string): Entitlement {
    if (!answer.ok) return refused(answer);
    const { name, admin } = answer.grant;
    const ban = this.hub.moderation.banOn({ name, address, admin });
    return ban === undefined ? answer : denial(403, banSentence(ban));
  }
}

/** The token of a request: `Authorization: Bearer`, or the query's, which many a proxy logs. */
export function tokenOf(headers: Headers, searchParams: URLSearchParams): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
  return bearer ?? (searchParams.get("token") || undefined);
}

/** A refusal for now, with the seconds after which to ask again. */
export function busy(reason: string, retryAfter: number): Denial {
  return denial(429, reason, { "retry-after": String(retryAfter) });
}

function refused(answer: Exclude<Answer, { readonly ok: true }>): Denial {
  const { failure, reason } = answer;
  if (failure === "throttled") return busy(reason, answer.retryAfter);
  // RFC 6750 section 3.1: who brought no token is told of no error.
  const challenge = failure === "missing"
    ? `Bearer realm="bcast"`
    : `Bearer realm="bcast", error="invalid_token"`;
  return denial(401, reason, { "www-authenticate": challenge });
}

function denial(status: number, reason: string, headers: Record<string, string> = {}): Denial {
  return { ok: false, status, reason, headers };
}

function peerAddress(remoteAddr: Deno.Addr): string {
  return "hostname" in remoteAddr ? remoteAddr.hostname : "local";
}

function targetOf({ url, headers }: Request, proxied: boolean): Target {
  const origin = headers.get("origin") ?? undefined;
  const first = (name: string): string | undefined =>
    proxied ? headers.get(name)?.split(",")[0]?.trim() : undefined;
  const proto = first("x-forwarded-proto")?.toLowerCase();
  const secure = url.startsWith("https:") || proto === "https";
  return {
    origin,
    host: first("x-forwarded-host") ?? headers.get("host") ?? "",
    ...(secure ? { protocol: "https:" } : proto === "http" ? { protocol: "http:" } : {}),
    proxied,
    upgrade: headers.get("upgrade")?.toLowerCase() === "websocket",
  };
}

/** Whether an address to bind is this machine's own. */
export function isLocalHost(host: string): boolean {
  return host === "localhost" || isLoopback(host.replace(/^\[(.*)\]$/, "$1"));
}

import type { Grant } from "../../auth/authorizer.ts";
import type { ServerClock } from "../../lib/clock.ts";
import { isLoopback, networkOf } from "../../lib/net.ts";
import type { Authentication, AuthResult } from "../authentication.ts";
import type { Counters } from "../metrics/counters.ts";
import type { Moderation } from "../moderation/moderation.ts";
import { banMessage } from "../moderation/sanction_messages.ts";
import type { Transport, TransportKind } from "../transport.ts";
import { Rejection, RejectionLog } from "./rejection.ts";
import type { RequestQuotas } from "./request_quotas.ts";
import type { ServerLimits } from "./server_limits.ts";

const KINDS: readonly TransportKind[] = ["websocket", "sse", "tcp"];

/** `Retry-After` when there are too many connections, in seconds. */
const RETRY_WHEN_FULL = 5;

/** Seconds until a hub that has stopped is expected back. */
const RESTART_TIME = 1;

/** Jitter added to `Retry-After` during shutdown, in seconds. */
const RETRY_JITTER = 3;

/** Why the hub accepts no new connections for now. */
export interface ShutdownNotice {
  readonly reason: string;
  /** Seconds after which a client that is rejected now should try again. */
  readonly retryAfter: () => number;
  /** Whether plain TCP is closed as well: a new certificate does not affect it. */
  readonly closesTcp: boolean;
}

/** The rights of a token, or why it was rejected. */
export type AccessResult = { readonly ok: true; readonly grant: Grant } | Rejection;

export interface ConnectionLimiterOptions {
  readonly limits: Pick<ServerLimits, "maxConnections" | "maxPerAddress">;
  readonly clock: Pick<ServerClock, "now">;
  readonly counters: Counters;
  readonly authentication: Authentication;
  readonly moderation: Moderation;
  readonly quotas: RequestQuotas;
  /** How many clients are connected, for the log. */
  readonly online: () => number;
}

/**
 * Decides about every connection, whatever its transport, and counts those that are open. It alone
 * counts and logs rejections.
 *
 * A connection that the hub has closed still counts until the other side agrees: the output of a
 * client that no longer reads stays in memory until then.
 */
export class ConnectionLimiter {
  /** Set while the hub accepts no new connections. */
  shutdown: ShutdownNotice | undefined;
  readonly #log: RejectionLog;
  readonly #byNetwork = new Map<string, number>();
  readonly #byKind: Record<TransportKind, number> = { websocket: 0, sse: 0, tcp: 0 };
  #waiting: { readonly kinds: readonly TransportKind[]; readonly resolve: () => void }[] = [];

  constructor(private readonly options: ConnectionLimiterOptions) {
    this.#log = new RejectionLog(options.clock);
  }

  /** Open connections. */
  get count(): number {
    const { websocket, sse, tcp } = this.#byKind;
    return websocket + sse + tcp;
  }

  /** Open connections from the network of `address`. */
  countFrom(address: string): number {
    return this.#byNetwork.get(networkOf(address)) ?? 0;
  }

  /** All checks for a TCP connection, which brings no request. */
  checkTcp(address: string): Rejection | undefined {
    const closed = this.shutdown?.closesTcp ? this.checkShutdown() : undefined;
    return closed ?? this.checkRate(address) ?? this.checkCapacity(address);
  }

  checkShutdown(): Rejection | undefined {
    if (this.shutdown === undefined) return undefined;
    const { reason, retryAfter } = this.shutdown;
    return new Rejection(503, reason, { retryAfter: retryAfter() });
  }

  /** Takes one request from the quota of `address`. */
  checkRate(address: string): Rejection | undefined {
    const retryAfter = Math.ceil(this.options.quotas.consumeAddressQuota(address));
    if (retryAfter === 0) return undefined;
    return new Rejection(429, "Too much comes from your address: slow down", { retryAfter });
  }

  /** Takes one request about rooms from the quota of a token's name, or else of `address`. */
  checkClientRate(address: string, name: string | undefined): Rejection | undefined {
    const retryAfter = Math.ceil(this.options.quotas.consumeClientQuota(address, name));
    if (retryAfter === 0) return undefined;
    return new Rejection(429, `Too many requests: wait ${retryAfter} s`, { retryAfter });
  }

  /** Whether one more connection exceeds the total, or the limit of its address. */
  checkCapacity(address: string): Rejection | undefined {
    const { maxConnections, maxPerAddress } = this.options.limits;
    const retryAfter = RETRY_WHEN_FULL;
    if (this.count >= maxConnections) {
      return new Rejection(503, `The hub is full: ${maxConnections} connections`, { retryAfter });
    }
    if (!isLoopback(address) && this.countFrom(address) >= maxPerAddress) {
      const reason = `Your address has ${maxPerAddress} connections: close one first`;
      return new Rejection(429, reason, { retryAfter });
    }
    return undefined;
  }

  /** Checks a token. Bans are left to the handshake; see {@linkcode authorize}. */
  authenticate(
    token: string | undefined,
    address: string,
  ): AccessResult | Promise<AccessResult> {
    const result = this.options.authentication.check(token, { address });
    return result instanceof Promise ? result.then(accessResult) : accessResult(result);
  }

  /** Checks a token, then whether its owner or `address` is banned. */
  authorize(token: string | undefined, address: string): AccessResult | Promise<AccessResult> {
    const result = this.authenticate(token, address);
    return result instanceof Promise
      ? result.then((access) => this.#unlessBanned(access, address))
      : this.#unlessBanned(result, address);
  }

  /** Counts and logs a rejection. */
  recordRejection(address: string, rejection: Rejection): void {
    const { counters, online } = this.options;
    counters.countRejection(rejection.status);
    this.#log.log(address, rejection, online());
  }

  /** Counts a connection that has opened. */
  add({ address, kind }: Pick<Transport, "address" | "kind">): void {
    this.#byKind[kind]++;
    const network = networkOf(address);
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  /** Forgets a connection that has ended. */
  remove({ address, kind }: Pick<Transport, "address" | "kind">): void {
    this.#byKind[kind]--;
    const network = networkOf(address);
    const rest = (this.#byNetwork.get(network) ?? 0) - 1;
    if (rest > 0) this.#byNetwork.set(network, rest);
    else this.#byNetwork.delete(network);
    if (this.#byKind[kind] > 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ kinds }) => !this.#isEmpty(kinds));
    for (const { kinds, resolve } of waiting) if (this.#isEmpty(kinds)) resolve();
  }

  /** Resolves when all connections of `kinds` have ended, on both sides. */
  async empty(kinds: readonly TransportKind[] = KINDS): Promise<void> {
    if (this.#isEmpty(kinds)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ kinds, resolve }));
  }

  /** Logs rejections that were omitted. */
  sweep(): void {
    this.#log.sweep();
  }

  #isEmpty(kinds: readonly TransportKind[]): boolean {
    return kinds.every((kind) => this.#byKind[kind] === 0);
  }

  #unlessBanned(access: AccessResult, address: string): AccessResult {
    if (!access.ok) return access;
    const { name, admin } = access.grant;
    const ban = this.options.moderation.activeBan({ name, address, admin });
    return ban === undefined ? access : new Rejection(403, banMessage(ban));
  }
}

function accessResult(result: AuthResult): AccessResult {
  if (result.ok) return result;
  const { failure, reason } = result;
  if (failure === "throttled") {
    return new Rejection(429, reason, { retryAfter: result.retryAfter });
  }
  // RFC 6750 section 3.1: a request without a token gets no error code.
  const challenge = failure === "missing"
    ? `Bearer realm="bcast"`
    : `Bearer realm="bcast", error="invalid_token"`;
  return new Rejection(401, reason, { headers: { "www-authenticate": challenge } });
}

/**
 * `Retry-After` for clients rejected during a shutdown, in seconds: the time left, the restart, and
 * some jitter, so that they do not all return at once.
 *
 * @param left milliseconds until all clients are disconnected.
 * @param random from 0 (included) to 1.
 */
export function retryAfterShutdown(left: number, random: number): number {
  return Math.ceil(Math.max(0, left) / 1000) + RESTART_TIME + Math.floor(random * RETRY_JITTER);
}

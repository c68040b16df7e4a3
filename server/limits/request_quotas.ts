import type { Clock } from "../../lib/clock.ts";
import { isLoopback, networkOf } from "../../lib/net.ts";
import { ADDRESS_BURST_SECONDS, type ServerLimits } from "./server_limits.ts";
import { TokenBucket, TokenBuckets } from "./token_bucket.ts";

/**
 * Rate limits of connections and requests. All `consume` methods return 0, or the seconds until the
 * limit permits the next request.
 */
export class RequestQuotas {
  readonly #byNetwork: TokenBuckets;
  /** The rate of a connection, for clients without one. */
  readonly #byClient: TokenBuckets;

  constructor(private readonly limits: ServerLimits, private readonly clock: Pick<Clock, "now">) {
    const { rate, burst, ratePerAddress } = limits;
    this.#byNetwork = new TokenBuckets(ratePerAddress, ratePerAddress * ADDRESS_BURST_SECONDS);
    this.#byClient = new TokenBuckets(rate, burst);
  }

  /** The key under which an address is limited; `undefined` if it is exempt. */
  keyOf(address: string): string | undefined {
    return this.limits.rateOnLoopback || !isLoopback(address) ? networkOf(address) : undefined;
  }

  /** The rate limit of a new connection; `undefined` if it has none. */
  connectionBucket(address: string): TokenBucket | undefined {
    const { rate, burst } = this.limits;
    if (rate <= 0 || this.keyOf(address) === undefined) return undefined;
    return new TokenBucket(rate, burst, this.clock.now());
  }

  /** Counts a request or a new connection against its address. */
  consumeAddressQuota(address: string): number {
    return this.consumeNetworkQuota(this.keyOf(address));
  }

  /** The same with a key from {@linkcode keyOf}. */
  consumeNetworkQuota(key: string | undefined): number {
    return key === undefined ? 0 : this.#byNetwork.take(key, this.clock.now());
  }

  /** Counts a request that concerns rooms against its token's name, or else its address. */
  consumeClientQuota(address: string, name: string | undefined): number {
    const key = this.keyOf(address);
    if (key === undefined) return 0;
    // No address contains a space.
    return this.#byClient.take(name === undefined ? key : `name ${name}`, this.clock.now());
  }

  /** Forgets addresses and names that have been idle. */
  sweep(now: number): void {
    this.#byNetwork.sweep(now);
    this.#byClient.sweep(now);
  }
}

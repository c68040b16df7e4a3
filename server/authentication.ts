import { getLogger } from "@logtape/logtape";
import type { AuthDecision, AuthFailure, Authorizer } from "../auth/authorizer.ts";
import type { ServerClock } from "../lib/clock.ts";
import type { Counters } from "./metrics/counters.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import { networkOf } from "./limits/networks.ts";
import { TokenBuckets } from "./limits/token_bucket.ts";

const logger = getLogger(["bcast", "access"]);

/** Who asks to be let in. */
export interface AuthRequest {
  readonly address: string;
  /** Names the connection in the log, where there is one already. */
  readonly connection?: string;
}

/** Too many wrong tokens came from an address: what it brought is refused, whatever it was. */
export interface LockedOut {
  readonly ok: false;
  readonly failure: "throttled";
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter: number;
}

/** What asking for admission comes to. */
export type AuthResult = AuthDecision | LockedOut;

/**
 * How many times `maxFailures` wrong tokens may come from an address before a right one that could
 * have been guessed is refused, too. Others that share the address (a page in the same browser, an
 * office) reach `maxFailures` easily; a guesser gets nowhere with this many.
 */
const GUESSES_FACTOR = 10;

/**
 * Checks tokens, counts and logs those that fail, and slows down guessers.
 *
 * A right token is let in however many wrong ones came from its address: nobody finds a JSON Web
 * Token or a long secret by guessing, so to look at them gives nothing away, and costs no more than
 * the request that brings them. For a short secret that would be an oracle: it is refused once an
 * address has guessed far too often.
 */
export class Authentication {
  readonly #failures: TokenBuckets;
  readonly #guesses: TokenBuckets;

  constructor(
    private readonly authorizer: Authorizer,
    limits: Pick<ServerLimits, "maxFailures">,
    private readonly clock: ServerClock,
    private readonly counters: Counters,
  ) {
    const { maxFailures } = limits;
    this.#failures = new TokenBuckets(maxFailures / 60, maxFailures);
    this.#guesses = new TokenBuckets(maxFailures / 60, maxFailures * GUESSES_FACTOR);
  }

  /** Whether nobody comes in without a token. */
  get required(): boolean {
    return this.authorizer.required;
  }

  /** Whether there are tokens that let their bearer moderate. */
  get moderated(): boolean {
    return this.authorizer.grantsAdmin ?? false;
  }

  /** Checks what `applicant` brought. Never throws or rejects; waits only where the check must. */
  check(token: string | undefined, applicant: AuthRequest): AuthResult | Promise<AuthResult> {
    const verdict = this.authorizer.authorize(token, this.clock.now());
    if (verdict instanceof Promise) return verdict.then((late) => this.#book(late, applicant));
    return this.#book(verdict, applicant);
  }

  /** Forgets addresses that have been quiet. */
  sweep(now: number): void {
    this.#failures.sweep(now);
    this.#guesses.sweep(now);
  }

  #book(verdict: AuthDecision, applicant: AuthRequest): AuthResult {
    const network = networkOf(applicant.address);
    const now = this.clock.now();
    const wrong = !verdict.ok && verdict.failure === "wrong";
    if (wrong || (verdict.ok && verdict.guessable === true)) {
      // The same answer to both, or it would tell which guess was right.
      const wait = wrong ? this.#guesses.take(network, now) : this.#guesses.wait(network, now);
      if (wait > 0) return this.#throttle(applicant, wait);
    }
    if (verdict.ok) return verdict;
    const wait = wrong ? this.#failures.take(network, now) : 0;
    if (wait > 0) return this.#throttle(applicant, wait);
    this.#refused(verdict, applicant);
    return verdict;
  }

  #refused({ reason }: AuthFailure, { address, connection }: AuthRequest): void {
    this.counters.tokensRefused++;
    // A request without a connection is logged by who answers it.
    if (connection === undefined) return;
    logger.info("{connection} from {address} was not let in: {reason}", {
      connection,
      address,
      reason,
    });
  }

  #throttle({ address, connection }: AuthRequest, wait: number): LockedOut {
    const retryAfter = Math.ceil(wait);
    this.counters.tokensRefused++;
    logger.debug("{connection} from {address} brought too many wrong tokens", {
      connection: connection ?? "A request",
      address,
    });
    return {
      ok: false,
      failure: "throttled",
      reason: `Too many wrong tokens came from your address: wait ${retryAfter} s`,
      retryAfter,
    };
  }
}

import { getLogger } from "@logtape/logtape";
import type { Authorizer, Refusal, Verdict } from "../auth/authorizer.ts";
import type { Clock } from "./clock.ts";
import type { Counters } from "./counters.ts";
import type { ServerLimits } from "./limits.ts";
import { networkOf } from "./networks.ts";
import { TokenBuckets } from "./rate_limit.ts";

const logger = getLogger(["bcast", "access"]);

/** Who asks to be let in. */
export interface Applicant {
  readonly address: string;
  /** Names the connection in the log, where there is one already. */
  readonly connection?: string;
}

/** Too many wrong tokens came from an address: for a while, none of its tokens is looked at. */
export interface Throttled {
  readonly ok: false;
  readonly failure: "throttled";
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter: number;
}

/** What asking for admission comes to. */
export type Answer = Verdict | Throttled;

/** The door's book: checks tokens, counts and logs those that fail, and slows down who guesses. */
export class Admission {
  readonly #failures: TokenBuckets;

  constructor(
    private readonly authorizer: Authorizer,
    limits: Pick<ServerLimits, "maxFailures">,
    private readonly clock: Clock,
    private readonly counters: Counters,
  ) {
    this.#failures = new TokenBuckets(limits.maxFailures / 60, limits.maxFailures);
  }

  /** Whether nobody comes in without a token. */
  get required(): boolean {
    return this.authorizer.required;
  }

  /** Whether there are tokens that let their bearer moderate. */
  get moderated(): boolean {
    return this.authorizer.moderated ?? false;
  }

  /** Checks what `applicant` brought. Never throws or rejects; waits only where the check must. */
  check(token: string | undefined, applicant: Applicant): Answer | Promise<Answer> {
    const now = this.clock.now();
    if (token !== undefined) {
      const wait = Math.ceil(this.#failures.wait(networkOf(applicant.address), now));
      if (wait > 0) return this.#throttle(applicant, wait);
    }
    const verdict = this.authorizer.authorize(token, now);
    if (verdict instanceof Promise) return verdict.then((late) => this.#book(late, applicant));
    return this.#book(verdict, applicant);
  }

  /** Forgets addresses that have been quiet. */
  sweep(now: number): void {
    this.#failures.sweep(now);
  }

  #book(verdict: Verdict, applicant: Applicant): Verdict {
    if (!verdict.ok) this.#refused(verdict, applicant);
    return verdict;
  }

  #refused({ failure, reason }: Refusal, { address, connection }: Applicant): void {
    this.counters.tokensRefused++;
    if (failure === "wrong") this.#failures.take(networkOf(address), this.clock.now());
    // A request without a connection is logged by who answers it.
    if (connection === undefined) return;
    logger.info("{connection} from {address} was not let in: {reason}", {
      connection,
      address,
      reason,
    });
  }

  #throttle({ address, connection }: Applicant, retryAfter: number): Throttled {
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

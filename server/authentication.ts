import { getLogger } from "@logtape/logtape";
import type { AuthDecision, AuthFailure, Authorizer, Grant } from "../auth/authorizer.ts";
import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/format_time.ts";
import { CLOSE } from "../protocol.ts";
import type { Connection } from "./connection.ts";
import { TEXT_ENCODER } from "./encoders/text.ts";
import { networkOf } from "../lib/net.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import { TokenBuckets } from "./limits/token_bucket.ts";
import type { Counters } from "./metrics/counters.ts";

const logger = getLogger(["bcast", "access"]);

/** The origin of a token. */
export interface AuthRequest {
  readonly address: string;
  /** Names the connection in the log, if there is one. */
  readonly connection?: string;
}

/** Too many wrong tokens came from an address: any token from it is refused. */
export interface LockedOut {
  readonly ok: false;
  readonly failure: "throttled";
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter: number;
}

export type AuthResult = AuthDecision | LockedOut;

/**
 * After this many times `maxFailures` wrong tokens from an address, a correct token is refused, too,
 * if it could have been guessed. Clients that share an address, such as pages in one browser or an
 * office, reach `maxFailures` easily; a guesser needs far more.
 */
const GUESSES_FACTOR = 10;

/**
 * Checks tokens, counts and logs failures, and limits guessing.
 *
 * A correct token is accepted however many wrong ones came from its address: JSON Web Tokens and
 * long secrets cannot be guessed, so checking them reveals nothing. A short secret could be, so it
 * is refused after too many wrong guesses.
 */
export class Authentication {
  readonly #failures: TokenBuckets;
  readonly #guesses: TokenBuckets;

  constructor(
    private readonly authorizer: Authorizer,
    limits: Pick<ServerLimits, "maxFailures">,
    private readonly clock: Clock,
    private readonly counters: Counters,
  ) {
    const { maxFailures } = limits;
    this.#failures = new TokenBuckets(maxFailures / 60, maxFailures);
    this.#guesses = new TokenBuckets(maxFailures / 60, maxFailures * GUESSES_FACTOR);
  }

  /** Whether every client needs a token. */
  get required(): boolean {
    return this.authorizer.required;
  }

  /** Whether tokens can grant moderator rights. */
  get moderated(): boolean {
    return this.authorizer.grantsAdmin ?? false;
  }

  /** Never throws or rejects. Returns a promise only if the authorizer does. */
  check(token: string | undefined, request: AuthRequest): AuthResult | Promise<AuthResult> {
    const decision = this.authorizer.authorize(token, this.clock.now());
    if (decision instanceof Promise) return decision.then((late) => this.#record(late, request));
    return this.#record(decision, request);
  }

  /** Forgets addresses that have been idle. */
  sweep(now: number): void {
    this.#failures.sweep(now);
    this.#guesses.sweep(now);
  }

  #record(decision: AuthDecision, request: AuthRequest): AuthResult {
    const network = networkOf(request.address);
    const now = this.clock.now();
    const wrong = !decision.ok && decision.failure === "wrong";
    if (wrong || (decision.ok && decision.guessable === true)) {
      // Both get the same answer, or it would reveal which guess was correct.
      const wait = wrong ? this.#guesses.take(network, now) : this.#guesses.wait(network, now);
      if (wait > 0) return this.#lockOut(request, wait);
    }
    if (decision.ok) return decision;
    const wait = wrong ? this.#failures.take(network, now) : 0;
    if (wait > 0) return this.#lockOut(request, wait);
    this.#logFailure(decision, request);
    return decision;
  }

  #logFailure({ reason }: AuthFailure, { address, connection }: AuthRequest): void {
    this.counters.tokensRefused++;
    // Requests without a connection are logged by the connection limiter.
    if (connection === undefined) return;
    logger.info("{connection} from {address} was rejected: {reason}", {
      connection,
      address,
      reason,
    });
  }

  #lockOut({ address, connection }: AuthRequest, wait: number): LockedOut {
    const retryAfter = Math.ceil(wait);
    this.counters.tokensRefused++;
    logger.debug("{connection} from {address} sent too many wrong tokens", {
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

/** Seconds for which a connection stays open after its token has expired, to bring a new one. */
export const RENEWAL_GRACE_SECONDS = 30;

/** Warns a connection once that its token has expired, and closes it if no new one comes. */
export function checkTokenExpiry(
  connection: Connection,
  { expiresAt }: Grant,
  now: number,
): void {
  if (now < expiresAt) return;
  const over = now - expiresAt;
  if (over >= RENEWAL_GRACE_SECONDS * 1000 || connection.encoder.receiveOnly) {
    const reason = `The token expired ${formatDuration(over)} ago: reconnect with a new one`;
    connection.close(CLOSE.unauthorized, reason);
    return;
  }
  if (connection.expiryWarned) return;
  connection.expiryWarned = true;
  // Text clients cannot send one.
  const how = connection.encoder === TEXT_ENCODER ? "reconnect with a new one" : "renew it";
  const message = `Your token has expired: ${how} within ${RENEWAL_GRACE_SECONDS} seconds`;
  connection.refuse({ code: "unauthorized", message, retryAfter: 0 });
}

import { Rights } from "./rights.ts";

/** The permissions of a client, from its token or, on an open hub, without one. */
export interface Grant {
  /** The user name that its token fixes; `undefined`: any free name. */
  readonly name: string | undefined;
  readonly rights: Rights;
  /** Whether the client may moderate. */
  readonly admin: boolean;
  /** Milliseconds since the Unix epoch; infinite if it never ends. */
  readonly expiresAt: number;
}

/** The grant of clients without a token on an open hub. */
export const OPEN_GRANT: Grant = {
  name: undefined,
  rights: Rights.all,
  admin: false,
  expiresAt: Infinity,
};

export interface AuthFailure {
  readonly ok: false;
  /**
   * `missing`: there was no token. `untimely`: the token has expired or is not valid yet. `wrong`:
   * any other failure, which may have been a guess.
   */
  readonly failure: "missing" | "untimely" | "wrong";
  /** For people. Never quotes the token or anything in it that is not verified. */
  readonly reason: string;
}

/** The result of checking a token. */
export type AuthDecision =
  | {
    readonly ok: true;
    readonly grant: Grant;
    /** Whether the token is short enough to be found by guessing. */
    readonly guessable?: boolean;
  }
  | AuthFailure;

/** Checks tokens. Knows nothing about connections. */
export interface Authorizer {
  /** Whether clients need a token. */
  readonly required: boolean;
  /** Whether some tokens allow moderation. */
  readonly grantsAdmin?: boolean;
  /**
   * Never throws or rejects, whatever `token` is.
   *
   * @param now milliseconds since the Unix epoch.
   */
  authorize(token: string | undefined, now: number): AuthDecision | Promise<AuthDecision>;
}

/** Accepts all clients and ignores tokens: one for another hub does no harm here. */
export const OPEN: Authorizer = {
  required: false,
  authorize: () => ({ ok: true, grant: OPEN_GRANT }),
};

export const MISSING_TOKEN: AuthFailure = {
  ok: false,
  failure: "missing",
  reason: "This hub requires a token: ask its operator for one",
};

export const WRONG_TOKEN: AuthFailure = {
  ok: false,
  failure: "wrong",
  reason: "The token is wrong: ask the hub's operator for the right one",
};

interface CombineOptions {
  /** Whether clients without a token are accepted, as on an open hub. */
  readonly open?: boolean;
}

/**
 * Accepts a token if any authorizer accepts it. An unknown token is rejected even if none is needed:
 * it may have been a guess at a more powerful one.
 */
export function combineAuthorizers(
  authorizers: readonly Authorizer[],
  { open = false }: CombineOptions = {},
): Authorizer {
  return {
    required: !open,
    grantsAdmin: authorizers.some(({ grantsAdmin }) => grantsAdmin),
    authorize(token, now) {
      if (token === undefined) return open ? { ok: true, grant: OPEN_GRANT } : MISSING_TOKEN;
      return tryAll(authorizers, token, now, WRONG_TOKEN);
    },
  };
}

/** Tries one authorizer after the other; asynchronous only if one of them is. */
function tryAll(
  [first, ...rest]: readonly Authorizer[],
  token: string,
  now: number,
  failure: AuthFailure,
): AuthDecision | Promise<AuthDecision> {
  if (first === undefined) return failure;
  const decide = (decision: AuthDecision): AuthDecision | Promise<AuthDecision> =>
    decision.ok ? decision : tryAll(rest, token, now, moreSpecific(failure, decision));
  const decision = first.authorize(token, now);
  return decision instanceof Promise ? decision.then(decide) : decide(decision);
}

/** A specific failure says more than "wrong". */
function moreSpecific(a: AuthFailure, b: AuthFailure): AuthFailure {
  if (a.failure === "untimely" || b === WRONG_TOKEN) return a;
  return b;
}

import { Rights } from "./rights.ts";

/** What a token (or none, where none is asked for) permits. */
export interface Grant {
  /** The name that its bearer has, and nobody else; `undefined`: any name that is free. */
  readonly name: string | undefined;
  readonly rights: Rights;
  /** Whether its bearer may moderate. */
  readonly admin: boolean;
  /** When it ends, in milliseconds since the Unix epoch; infinite for never. */
  readonly expiresAt: number;
}

/** The grant of who comes in where nobody is asked for a token. */
export const OPEN_GRANT: Grant = {
  name: undefined,
  rights: Rights.all,
  admin: false,
  expiresAt: Infinity,
};

/** Why somebody is not let in. */
export interface AuthFailure {
  readonly ok: false;
  /**
   * `missing`: there was no token. `untimely`: it was good once, or will be. `wrong`: anything
   * else, which may have been a guess.
   */
  readonly failure: "missing" | "untimely" | "wrong";
  /** A sentence for a person; never holds the token or anything that is not proved to be genuine. */
  readonly reason: string;
}

/** What checking a token comes to. */
export type AuthDecision =
  | {
    readonly ok: true;
    readonly grant: Grant;
    /** Whether a patient guesser could have found the token. */
    readonly guessable?: boolean;
  }
  | AuthFailure;

/** Decides who may come in. Knows nothing of connections. */
export interface Authorizer {
  /** Whether nobody comes in without a token. */
  readonly required: boolean;
  /** Whether there are tokens that let their bearer moderate; `undefined`: there are none. */
  readonly grantsAdmin?: boolean;
  /**
   * Checks what somebody brought. Never throws or rejects, whatever `token` is.
   *
   * @param now milliseconds since the Unix epoch.
   */
  authorize(token: string | undefined, now: number): AuthDecision | Promise<AuthDecision>;
}

/** Lets everybody in, and looks at no token: one that is meant for another hub does no harm here. */
export const OPEN: Authorizer = {
  required: false,
  authorize: () => ({ ok: true, grant: OPEN_GRANT }),
};

/** The refusal of somebody without a token. */
export const MISSING_TOKEN: AuthFailure = {
  ok: false,
  failure: "missing",
  reason: "This hub wants a token: ask its operator for one",
};

/** The refusal of a token that means nothing here. */
export const WRONG_TOKEN: AuthFailure = {
  ok: false,
  failure: "wrong",
  reason: "The token is wrong: ask the hub's operator for the right one",
};

/** How {@linkcode combineAuthorizers} decides. */
export interface CombineOptions {
  /** Whether who brings no token at all is let in as on an open hub. */
  readonly open?: boolean;
}

/**
 * Lets in whom one of `authorizers` lets in. A token that none of them takes is refused even where
 * none is needed: it may have been a guess at what lets one do more.
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
      return ask(authorizers, token, now, WRONG_TOKEN);
    },
  };
}

/** Asks one after the other; waits only where one has to. */
function ask(
  [first, ...rest]: readonly Authorizer[],
  token: string,
  now: number,
  refusal: AuthFailure,
): AuthDecision | Promise<AuthDecision> {
  if (first === undefined) return refusal;
  const decide = (verdict: AuthDecision): AuthDecision | Promise<AuthDecision> =>
    verdict.ok ? verdict : ask(rest, token, now, moreTelling(refusal, verdict));
  const verdict = first.authorize(token, now);
  return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
}

/** That a token was recognized, or what is wrong with it in particular, says more than "wrong". */
function moreTelling(a: AuthFailure, b: AuthFailure): AuthFailure {
  if (a.failure === "untimely" || b === WRONG_TOKEN) return a;
  return b;
}

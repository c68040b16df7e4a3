import {
  type Authorizer,
  MISSING,
  OPEN_GRANT,
  type Refusal,
  type Verdict,
  WRONG,
} from "./authorizer.ts";

/** How {@linkcode combine} decides. */
export interface CombineOptions {
  /** Whether who brings no token at all is let in as on an open hub. */
  readonly open?: boolean;
}

/**
 * Lets in whom one of `authorizers` lets in. A token that none of them takes is refused even where
 * none is needed: it may have been a guess at what lets one do more.
 */
export function combine(
  authorizers: readonly Authorizer[],
  { open = false }: CombineOptions = {},
): Authorizer {
  return {
    required: !open,
    moderated: authorizers.some(({ moderated }) => moderated),
    authorize(token, now) {
      if (token === undefined) return open ? { ok: true, grant: OPEN_GRANT } : MISSING;
      return ask(authorizers, token, now, WRONG);
    },
  };
}

/** Asks one after the other; waits only where one has to. */
function ask(
  [first, ...rest]: readonly Authorizer[],
  token: string,
  now: number,
  refusal: Refusal,
): Verdict | Promise<Verdict> {
  if (first === undefined) return refusal;
  const decide = (verdict: Verdict): Verdict | Promise<Verdict> =>
    verdict.ok ? verdict : ask(rest, token, now, moreTelling(refusal, verdict));
  const verdict = first.authorize(token, now);
  return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
}

/** That a token was recognized, or what is wrong with it in particular, says more than "wrong". */
function moreTelling(a: Refusal, b: Refusal): Refusal {
  if (a.failure === "untimely" || b === WRONG) return a;
  return b;
}

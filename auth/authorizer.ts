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
export interface Refusal {
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
export type Verdict =
  | {
    readonly ok: true;
    readonly grant: Grant;
    /** Whether a patient guesser could have found the token. */
    readonly guessable?: boolean;
  }
  | Refusal;

/** Decides who may come in. Knows nothing of connections. */
export interface Authorizer {
  /** Whether nobody comes in without a token. */
  readonly required: boolean;
  /** Whether there are tokens that let their bearer moderate; `undefined`: there are none. */
  readonly moderated?: boolean;
  /**
   * Checks what somebody brought. Never throws or rejects, whatever `token` is.
   *
   * @param now milliseconds since the Unix epoch.
   */
  authorize(token: string | undefined, now: number): Verdict | Promise<Verdict>;
}

/** Lets everybody in, and looks at no token: one that is meant for another hub does no harm here. */
export const OPEN: Authorizer = {
  required: false,
  authorize: () => ({ ok: true, grant: OPEN_GRANT }),
};

/** The refusal of somebody without a token. */
export const MISSING: Refusal = {
  ok: false,
  failure: "missing",
  reason: "This hub wants a token: ask its operator for one",
};

/** The refusal of a token that means nothing here. */
export const WRONG: Refusal = {
  ok: false,
  failure: "wrong",
  reason: "The token is wrong: ask the hub's operator for the right one",
};

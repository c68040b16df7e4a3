/** Why nobody new is let in for now. */
export interface Closure {
  /** A sentence for a person. */
  readonly reason: string;
  /** Seconds after which it makes sense to come back. */
  readonly retryAfter: number;
}

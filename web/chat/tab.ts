/** Milliseconds that another tab has to say that a session is its own. */
const CLAIM_TIMEOUT = 120;

interface Claim {
  readonly type: "claim" | "taken";
  readonly session: string;
}

/**
 * Keeps two tabs from one session. A duplicated tab has a copy of everything the first one knows,
 * and would take the session, and with it the connection, away from it.
 */
export class TabClaim implements Disposable {
  readonly #channel: BroadcastChannel | undefined;
  #own: string | undefined;

  constructor(name: string) {
    this.#channel = typeof BroadcastChannel === "undefined"
      ? undefined
      : new BroadcastChannel(name);
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Claim>) => {
      if (data.type === "claim" && data.session === this.#own) this.#say("taken", data.session);
    });
  }

  /** Whether `session` is this tab's: nobody else says that it is theirs. */
  async claim(session: string): Promise<boolean> {
    const channel = this.#channel;
    if (channel === undefined) return true;
    const free = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => done(true), CLAIM_TIMEOUT);
      const listen = ({ data }: MessageEvent<Claim>): void => {
        if (data.type === "taken" && data.session === session) done(false);
      };
      const done = (free: boolean): void => {
        clearTimeout(timer);
        channel.removeEventListener("message", listen);
        resolve(free);
      };
      channel.addEventListener("message", listen);
      this.#say("claim", session);
    });
    if (free) this.own(session);
    return free;
  }

  /** From now on, `session` is this tab's. */
  own(session: string): void {
    this.#own = session;
  }

  [Symbol.dispose](): void {
    this.#channel?.close();
  }

  #say(type: Claim["type"], session: string): void {
    this.#channel?.postMessage({ type, session } satisfies Claim);
  }
}

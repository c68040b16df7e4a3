import type { Origin } from "../broker.ts";

/** A session, the place of a message in its chunk, and the refs of this message and the next ones. */
type Run = [session: string, place: number, ...refs: string[]];

/** Elements of a run before its refs. */
const HEAD = 2;

/** Where the messages of one chunk come from. */
export class MessageRefs {
  readonly #runs: Run[];
  #last: Run | undefined;

  constructor(runs: Run[] = []) {
    this.#runs = runs;
  }

  /** Notes the origin of the message at `place`; places only grow. */
  add(place: number, { session, ref }: Origin): void {
    const last = this.#last;
    if (last !== undefined && last[0] === session && last[1] + last.length - HEAD === place) {
      last.push(ref);
      return;
    }
    this.#last = [session, place, ref];
    this.#runs.push(this.#last);
  }

  /** The place of the message that came from there. */
  find({ session, ref }: Origin): number | undefined {
    for (const run of this.#runs) {
      if (run[0] !== session) continue;
      const index = run.indexOf(ref, HEAD);
      if (index >= 0) return run[1] + index - HEAD;
    }
    return undefined;
  }

  /** Calls `visit` for each of them. */
  forEach(visit: (session: string, ref: string) => void): void {
    for (const [session, _place, ...refs] of this.#runs) {
      for (const ref of refs) visit(session, ref);
    }
  }

  /** As it is stored; `null` when there are none. */
  encode(): string | null {
    return this.#runs.length === 0 ? null : JSON.stringify(this.#runs);
  }

  /** What {@linkcode encode} made. */
  static decode(text: string): MessageRefs {
    return new MessageRefs(JSON.parse(text));
  }
}

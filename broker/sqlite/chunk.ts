import type { MessageDraft, Origin } from "../broker.ts";
import { LINE_BREAK, toLine } from "./lines.ts";

/** Messages in a chunk at most: who reads one of them reads them all. */
export const CHUNK_MESSAGES = 256;

/** UTF-16 units in a chunk after which no message is added; for the same reason. */
export const CHUNK_LENGTH = 256 * 1024;

/** What a room gets in one batch, as far as it fits one row. */
export class Chunk {
  /** The number of its room. */
  readonly room: number;
  /** The id of its first message. */
  readonly first: number;
  /** Its number among the chunks with marks of the last minutes. */
  dedupNumber: number | undefined;
  count = 0;
  body = "";
  readonly refs = new MessageRefs();

  constructor(room: number, first: number) {
    this.room = room;
    this.first = first;
  }

  get isFull(): boolean {
    return this.count >= CHUNK_MESSAGES || this.body.length >= CHUNK_LENGTH;
  }

  /** Adds a message; `sender` is JSON. Returns its id. */
  add(sender: string, { content, kind, annotations, origin }: MessageDraft): number {
    const line = toLine(sender, content, kind, annotations);
    this.body = this.count === 0 ? line : this.body + LINE_BREAK + line;
    if (origin !== undefined) this.refs.add(this.count, origin);
    return this.first + this.count++;
  }
}

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

import type { MessageDraft, Origin } from "../broker.ts";
import { LINE_BREAK, toLine } from "./lines.ts";

/** Messages per chunk: reading one message reads the whole chunk. */
const CHUNK_MESSAGES = 256;

/** UTF-16 units after which a chunk is full, for the same reason. */
const CHUNK_LENGTH = 256 * 1024;

/** The messages of one batch and room that are stored in one row. */
export class Chunk {
  /** The number of its room. */
  readonly room: number;
  /** The id of its first message. */
  readonly first: number;
  /** Its number in the dedup index; `undefined` until one of its messages has a ref. */
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

  /** Adds a message and returns its id; `sender` is JSON. */
  add(sender: string, { content, kind, annotations, origin }: MessageDraft): number {
    const line = toLine(sender, content, kind, annotations);
    this.body = this.count === 0 ? line : this.body + LINE_BREAK + line;
    if (origin !== undefined) this.refs.add(this.count, origin);
    return this.first + this.count++;
  }
}

/** A session, the index of a message in its chunk, and the refs of it and the messages after it. */
type Run = [session: string, index: number, ...refs: string[]];

/** Elements of a run before its refs. */
const HEAD = 2;

/** The origins of the messages in one chunk. */
export class MessageRefs {
  readonly #runs: Run[];
  #last: Run | undefined;

  constructor(runs: Run[] = []) {
    this.#runs = runs;
  }

  /** Adds the origin of the message at `index`; indexes only grow. */
  add(index: number, { session, ref }: Origin): void {
    const last = this.#last;
    if (last !== undefined && last[0] === session && last[1] + last.length - HEAD === index) {
      last.push(ref);
      return;
    }
    this.#last = [session, index, ref];
    this.#runs.push(this.#last);
  }

  /** The index of the message with this origin. */
  find({ session, ref }: Origin): number | undefined {
    for (const run of this.#runs) {
      if (run[0] !== session) continue;
      const position = run.indexOf(ref, HEAD);
      if (position >= 0) return run[1] + position - HEAD;
    }
    return undefined;
  }

  forEach(visit: (session: string, ref: string) => void): void {
    for (const [session, _index, ...refs] of this.#runs) {
      for (const ref of refs) visit(session, ref);
    }
  }

  /** The stored form; `null` without any refs. */
  encode(): string | null {
    return this.#runs.length === 0 ? null : JSON.stringify(this.#runs);
  }

  static decode(text: string): MessageRefs {
    return new MessageRefs(JSON.parse(text));
  }
}

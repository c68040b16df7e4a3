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
  /** Its number in the dedup index; `undefined` until one of its messages has a key. */
  dedupNumber: number | undefined;
  /** The approximate length of its body in UTF-16 units. */
  length = 0;
  readonly keys = new MessageKeys();
  readonly #lines: string[] = [];

  constructor(room: number, first: number) {
    this.room = room;
    this.first = first;
  }

  get isFull(): boolean {
    return this.#lines.length >= CHUNK_MESSAGES || this.length >= CHUNK_LENGTH;
  }

  get count(): number {
    return this.#lines.length;
  }

  get body(): string {
    return this.#lines.join(LINE_BREAK);
  }

  /** Adds a message and returns its id; `sender` is JSON. */
  add(sender: string, { content, kind, annotations, origin }: MessageDraft): number {
    const line = toLine(sender, content, kind, annotations);
    const index = this.#lines.length;
    if (origin !== undefined) this.keys.add(index, origin);
    this.#lines.push(line);
    this.length += line.length;
    return this.first + index;
  }

  /** The line of the message at `index`. */
  line(index: number): string | undefined {
    return this.#lines[index];
  }
}

/** A sender, the index of a message in its chunk, and the keys of it and the messages after it. */
type Run = [sender: string, index: number, ...keys: string[]];

/** Elements of a run before its keys. */
const HEAD = 2;

/** The origins of the messages in one chunk. */
export class MessageKeys {
  readonly #runs: Run[];
  #last: Run | undefined;

  constructor(runs: Run[] = []) {
    this.#runs = runs;
  }

  /** Adds the origin of the message at `index`; indexes only grow. */
  add(index: number, { sender, key }: Origin): void {
    const last = this.#last;
    if (last !== undefined && last[0] === sender && last[1] + last.length - HEAD === index) {
      last.push(key);
      return;
    }
    this.#last = [sender, index, key];
    this.#runs.push(this.#last);
  }

  /** The index of the message with this origin. */
  find({ sender, key }: Origin): number | undefined {
    for (const run of this.#runs) {
      if (run[0] !== sender) continue;
      const position = run.indexOf(key, HEAD);
      if (position >= 0) return run[1] + position - HEAD;
    }
    return undefined;
  }

  forEach(visit: (sender: string, key: string) => void): void {
    for (const [sender, _index, ...keys] of this.#runs) {
      for (const key of keys) visit(sender, key);
    }
  }

  /** The stored form, for the column `refs`; `null` without any keys. */
  encode(): string | null {
    return this.#runs.length === 0 ? null : JSON.stringify(this.#runs);
  }

  static decode(text: string): MessageKeys {
    return new MessageKeys(JSON.parse(text));
  }
}

import { createHash } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { canonicalJson } from "../lib/canonical_json.ts";
import { DEDUPE_MINUTES, type DirectRequest, nameKey } from "../protocol.ts";

/** Private messages remembered for each sender: the newest. */
export const MAX_DIRECT_KEYS_OF_SENDER = 1000;

/** Private messages remembered in all, about 25 MB. */
export const MAX_DIRECT_KEYS = 50_000;

/** What was sent to whom, as the sender saw it. */
export interface SentDirect {
  readonly sender: string;
  readonly to: string;
  readonly timestamp: string;
}

interface Entry extends SentDirect {
  readonly scope: string;
  /** The receiver and the key, as one string. */
  readonly id: string;
  readonly content: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * The keys of the private messages of the last `DEDUPE_MINUTES`, which are stored nowhere else. A
 * restart of the hub forgets them. Bounded: the oldest are forgotten first.
 */
export class DirectKeys {
  /** By scope and id; oldest first. */
  readonly #bySender = new Map<string, Map<string, Entry>>();
  /** Oldest first. */
  readonly #all = new Set<Entry>();

  constructor(private readonly clock: Pick<Clock, "now">) {}

  get size(): number {
    return this.#all.size;
  }

  /**
   * What was sent with the key of `frame` to its receiver; `reused` if it had another content.
   *
   * @param scope of the sender.
   */
  find(scope: string, frame: DirectRequest): SentDirect | "reused" | undefined {
    const id = idOf(frame);
    if (id === undefined) return undefined;
    this.#forgetExpired();
    const entry = this.#bySender.get(scope)?.get(id);
    if (entry === undefined) return undefined;
    return entry.content === contentOf(frame) ? entry : "reused";
  }

  /** Remembers the key of `frame`, which was delivered. */
  add(scope: string, frame: DirectRequest, sent: SentDirect): void {
    const id = idOf(frame);
    if (id === undefined) return;
    let own = this.#bySender.get(scope);
    if (own === undefined) this.#bySender.set(scope, own = new Map());
    const { sender, to, timestamp } = sent;
    const entry: Entry = {
      ...{ scope, id, sender, to, timestamp },
      content: contentOf(frame),
      at: this.clock.now(),
    };
    own.set(id, entry);
    this.#all.add(entry);
    if (own.size > MAX_DIRECT_KEYS_OF_SENDER) this.#forgetFirst(own.values());
    if (this.#all.size > MAX_DIRECT_KEYS) this.#forgetFirst(this.#all);
  }

  #forgetExpired(): void {
    const until = this.clock.now() - DEDUPE_MINUTES * 60_000;
    for (const entry of this.#all) {
      if (entry.at > until) break;
      this.#forget(entry);
    }
  }

  #forgetFirst(entries: Iterable<Entry>): void {
    for (const entry of entries) return this.#forget(entry);
  }

  #forget(entry: Entry): void {
    this.#all.delete(entry);
    const own = this.#bySender.get(entry.scope);
    own?.delete(entry.id);
    if (own?.size === 0) this.#bySender.delete(entry.scope);
  }
}

function idOf({ to, key }: DirectRequest): string | undefined {
  // A key has no space.
  return key === undefined ? undefined : `${key} ${nameKey(to)}`;
}

/** A hash of what makes two messages the same. */
function contentOf(frame: DirectRequest): string {
  const { type: _type, to: _to, ref: _ref, key: _key, ...content } = frame;
  return createHash("sha256").update(canonicalJson(content)).digest("base64url");
}

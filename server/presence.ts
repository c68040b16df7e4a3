import { MAX_NAMED_MEMBERS, type Presence } from "../protocol.ts";

/**
 * Milliseconds in which comings and goings of a room are gathered into one frame: a moment for
 * people in a room, longer the larger the room, because each frame goes to every member.
 */
export function presenceWindow(members: number): number {
  const SHORTEST = 100;
  const LONGEST = 10_000;
  const EACH = 2;
  return Math.min(LONGEST, Math.max(SHORTEST, (members - MAX_NAMED_MEMBERS) * EACH));
}

/**
 * What happened to the membership of one room since its last `presence` frame.
 *
 * Only the net effect is told: who came and went within one window was never there, and a guest
 * who took a name at once came under that name.
 */
export class PresenceChanges {
  readonly #joined = new Set<string>();
  readonly #left = new Set<string>();
  /** The name that the others know, by the present one. */
  readonly #renamed = new Map<string, string>();
  /** Names of which a list of members told already what the next frame will tell. */
  readonly #listed = new Set<string>();

  /** `to` is given a list of the members as they are now. */
  listed(to: string): void {
    for (const names of [this.#joined, this.#left, this.#renamed.keys()]) {
      // Who gets the list knows that they came themselves.
      for (const name of names) if (name !== to) this.#listed.add(name);
    }
  }

  /**
   * Whether the next change of `name` may not be netted out with what was not told yet: somebody has
   * that from a list, and would never hear that it changed. The frame has to be sent before.
   */
  isListed(name: string): boolean {
    return this.#listed.has(name);
  }

  /** Somebody came. */
  join(name: string): void {
    if (!this.#left.delete(name)) this.#joined.add(name);
  }

  /** Somebody went. */
  leave(name: string): void {
    if (this.#joined.delete(name)) return;
    this.#left.add(this.#takeRename(name) ?? name);
  }

  /** Somebody changed names. */
  rename(from: string, to: string): void {
    if (this.#joined.delete(from)) {
      this.#joined.add(to);
      return;
    }
    const known = this.#takeRename(from) ?? from;
    if (known !== to) this.#renamed.set(to, known);
  }

  /** The frame that tells it, and a fresh start; `undefined` when nothing is left to tell. */
  take(room: string, online: number): Presence | undefined {
    const joined = [...this.#joined];
    const left = [...this.#left];
    const renamed = Array.from(this.#renamed, ([to, from]) => ({ from, to }));
    this.#joined.clear();
    this.#left.clear();
    this.#renamed.clear();
    this.#listed.clear();
    const changes = joined.length + left.length + renamed.length;
    if (changes === 0) return undefined;
    if (online > MAX_NAMED_MEMBERS || changes > MAX_NAMED_MEMBERS) {
      return { type: "presence", room, online };
    }
    return {
      type: "presence",
      room,
      online,
      ...(joined.length > 0 ? { joined } : {}),
      ...(left.length > 0 ? { left } : {}),
      ...(renamed.length > 0 ? { renamed } : {}),
    };
  }

  /** Forgets the rename that led to `name`; returns what the others still call its bearer. */
  #takeRename(name: string): string | undefined {
    const known = this.#renamed.get(name);
    this.#renamed.delete(name);
    return known;
  }
}

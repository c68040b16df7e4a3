import { MAX_NAMED_MEMBERS, type Presence } from "../protocol.ts";

/**
 * Milliseconds for which changes of a room's members are collected into one frame: longer in large
 * rooms, because each frame goes to every member.
 */
export function presenceWindow(members: number): number {
  const SHORTEST = 100;
  const LONGEST = 10_000;
  const EACH = 2;
  return Math.min(LONGEST, Math.max(SHORTEST, (members - MAX_NAMED_MEMBERS) * EACH));
}

/** Changes of a room's members, for a `presence` frame. */
export type PresenceLists = Pick<Presence, "joined" | "left" | "renamed">;

/**
 * Changes of a room's members since its last `presence` frame.
 *
 * Only the net effect is announced: a client that joins and leaves within one window does not
 * appear, and a guest that takes a name immediately joins under that name.
 */
export class PresenceChanges {
  readonly #joined = new Set<string>();
  readonly #left = new Set<string>();
  /** The announced name by current name. */
  readonly #renamed = new Map<string, string>();
  /** Changed names that a client has seen in a list of members, before their announcement. */
  readonly #listed = new Set<string>();

  /** Notes that the client called `to` gets a list of the current members. */
  listed(to: string): void {
    for (const names of [this.#joined, this.#left, this.#renamed.keys()]) {
      // Its own join is no news to a client.
      for (const name of names) if (name !== to) this.#listed.add(name);
    }
  }

  /**
   * Whether pending changes must be announced before the next change of `name`: a client has seen
   * the name in a list, and would not learn of the change if the two cancelled out.
   */
  isListed(name: string): boolean {
    return this.#listed.has(name);
  }

  join(name: string): void {
    if (!this.#left.delete(name)) this.#joined.add(name);
  }

  leave(name: string): void {
    if (this.#joined.delete(name)) return;
    this.#left.add(this.#takeRename(name) ?? name);
  }

  rename(from: string, to: string): void {
    if (this.#joined.delete(from)) {
      this.#joined.add(to);
      return;
    }
    const known = this.#takeRename(from) ?? from;
    if (known !== to) this.#renamed.set(to, known);
  }

  /**
   * Takes all changes; `undefined` if there are none, `many` if a complete list of the members is
   * shorter.
   */
  take(): PresenceLists | "many" | undefined {
    const joined = [...this.#joined];
    const left = [...this.#left];
    const renamed = Array.from(this.#renamed, ([to, from]) => ({ from, to }));
    this.#joined.clear();
    this.#left.clear();
    this.#renamed.clear();
    this.#listed.clear();
    const changes = joined.length + left.length + renamed.length;
    if (changes === 0) return undefined;
    if (changes > MAX_NAMED_MEMBERS) return "many";
    return {
      ...(joined.length > 0 ? { joined } : {}),
      ...(left.length > 0 ? { left } : {}),
      ...(renamed.length > 0 ? { renamed } : {}),
    };
  }

  /** Removes the rename to `name`; returns the name announced before it. */
  #takeRename(name: string): string | undefined {
    const known = this.#renamed.get(name);
    this.#renamed.delete(name);
    return known;
  }
}

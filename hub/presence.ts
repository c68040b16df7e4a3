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

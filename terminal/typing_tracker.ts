import { type Typist, unexpired, withoutTypists, withTypist } from "../chat/typing.ts";
import type { Cancel, Clock } from "../lib/clock.ts";

/** The people typing in each room. */
export class TypingTracker {
  readonly #rooms = new Map<string, readonly Typist[]>();
  #cancel: Cancel | undefined;

  /** @param onExpiry is called when notices have expired. */
  constructor(private readonly clock: Clock, private readonly onExpiry: () => void) {}

  /** The people typing in a room, in the order in which they began. */
  names(room: string | undefined): readonly string[] {
    return (this.#rooms.get(room ?? "") ?? []).map(({ name }) => name);
  }

  update(room: string, name: string, active: boolean): void {
    if (!active) return this.remove(room, name);
    this.#set(room, withTypist(this.#rooms.get(room) ?? [], name, this.clock.now()));
  }

  /** The person has sent the message, stopped or left. */
  remove(room: string, name: string): void {
    this.#set(room, withoutTypists(this.#rooms.get(room) ?? [], name));
  }

  /** The connection is lost, or the room left. */
  clear(room?: string): void {
    if (room === undefined) this.#rooms.clear();
    else this.#rooms.delete(room);
    this.#schedule();
  }

  #set(room: string, typists: readonly Typist[]): void {
    if (typists.length === 0) this.#rooms.delete(room);
    else this.#rooms.set(room, typists);
    this.#schedule();
  }

  /** Waits for the next notice to expire. */
  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const next = Math.min(...[...this.#rooms.values()].flat().map(({ until }) => until));
    if (next === Infinity) return;
    const now = this.clock.now();
    this.#cancel = this.clock.after(Math.max(0, next - now), () => {
      for (const [room, typists] of this.#rooms) {
        this.#set(room, unexpired(typists, this.clock.now()));
      }
      this.onExpiry();
    });
  }
}

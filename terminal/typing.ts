import type { Cancel, Clock } from "../lib/clock.ts";
import { nameKey } from "../protocol.ts";

/** Milliseconds between two notices that one is typing: others forget the last one after more. */
const TELL_EVERY = 3000;
/** Milliseconds without a key after which one is not typing any more. */
const IDLE = 5000;
/** Milliseconds after which somebody who is typing, as far as is known, is not any more. */
const EXPIRES = 6000;
/** People of a room of whom it is known that they are typing; more would not fit into a row. */
const MAX_TYPING = 50;

/** Tells others that one is typing: now and then, and when it is over. */
export class TypingNotifier {
  #room: string | undefined;
  #toldAt = -Infinity;
  #cancel: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly tell: (room: string, typing: boolean) => void,
  ) {}

  /** The draft is `draft` now, meant for `room`; a room that is `undefined` hears nothing. */
  edited(room: string | undefined, draft: string): void {
    if (room === undefined || !isForOthers(draft)) return this.stop();
    if (this.#room !== room) this.stop();
    this.#cancel?.();
    this.#cancel = this.clock.after(IDLE, () => this.stop());
    const now = this.clock.now();
    // A clock that was set back must not silence it.
    if (now >= this.#toldAt && now - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = now;
    this.#room = room;
    this.tell(room, true);
  }

  /** What was typed is sent, gone, or left alone. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const room = this.#room;
    this.#room = undefined;
    if (room !== undefined) this.tell(room, false);
  }
}

/** Whether a draft is going to be a message, not a command. */
function isForOthers(draft: string): boolean {
  const text = draft.trimStart();
  return text !== "" && (!text.startsWith("/") || text.startsWith("//"));
}

/** Who is typing where. */
export class TypingTracker {
  readonly #rooms = new Map<string, Map<string, { readonly name: string; readonly end: Cancel }>>();

  constructor(private readonly clock: Clock, private readonly changed: () => void) {}

  /** Those who are typing in a room, in the order in which they began. */
  names(room: string | undefined): readonly string[] {
    if (room === undefined) return [];
    return Array.from(this.#rooms.get(room)?.values() ?? [], ({ name }) => name);
  }

  update(room: string, name: string, typing: boolean): void {
    if (!typing) return this.remove(room, name);
    const people = this.#rooms.get(room) ?? new Map();
    const key = nameKey(name);
    const known = people.get(key);
    known?.end();
    if (known === undefined && people.size >= MAX_TYPING) return;
    const end = this.clock.after(EXPIRES, () => {
      this.remove(room, name);
      this.changed();
    });
    people.set(key, { name, end });
    this.#rooms.set(room, people);
  }

  /** Somebody said what was typed, or went. */
  remove(room: string, name: string): void {
    const people = this.#rooms.get(room);
    people?.get(nameKey(name))?.end();
    people?.delete(nameKey(name));
    if (people?.size === 0) this.#rooms.delete(room);
  }

  /** The connection is gone, or the room, and what was known with it. */
  clear(room?: string): void {
    for (const name of room === undefined ? [...this.#rooms.keys()] : [room]) {
      for (const { end } of this.#rooms.get(name)?.values() ?? []) end();
      this.#rooms.delete(name);
    }
  }
}

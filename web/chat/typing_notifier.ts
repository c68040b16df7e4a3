import { roomOf } from "../state/threads.ts";
import type { ThreadKey } from "../state/types.ts";

/** Milliseconds between two signs that one is still typing. */
const TYPING_PERIOD = 3000;

/** Milliseconds without a key after which one no longer types. */
const TYPING_PAUSE = 5000;

/** Tells a room that one is typing: now and then, and when one has stopped. */
export class WebTypingNotifier {
  #shown:
    | {
      readonly room: string;
      readonly since: number;
      readonly timer: ReturnType<typeof setTimeout>;
    }
    | undefined;

  constructor(private readonly tell: (room: string, typing: boolean) => void) {}

  /** Whether one is typing in `key`; may be called for every key. */
  set(key: ThreadKey, active: boolean): void {
    const room = roomOf(key);
    const was = this.#shown;
    if (was !== undefined) clearTimeout(was.timer);
    if (was !== undefined && (was.room !== room || !active)) {
      this.tell(was.room, false);
      this.#shown = undefined;
    }
    if (!active || room === undefined) return;
    const now = Date.now();
    const known = this.#shown;
    const fresh = known !== undefined && now - known.since < TYPING_PERIOD;
    if (!fresh) this.tell(room, true);
    const timer = setTimeout(() => this.set(key, false), TYPING_PAUSE);
    this.#shown = { room, timer, since: fresh ? known.since : now };
  }
}

import type { Cancel, Clock } from "../lib/clock.ts";
import { nameKey } from "../protocol.ts";
import { messageText } from "./commands.ts";

/** Milliseconds between two notices that the user is typing; others expire them later. */
const NOTICE_INTERVAL_MS = 3000;
/** Milliseconds without a key after which the user is no longer typing. */
const IDLE_MS = 5000;
/** Milliseconds after which another person's notice expires. */
const EXPIRY_MS = 6000;
/** People typing in one room that are remembered. */
const MAX_TYPING = 50;

/** Tells a room that the user is typing: at most every three seconds, and when it is over. */
export class TypingNotifier {
  #room: string | undefined;
  #notifiedAt = -Infinity;
  #cancel: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly notify: (room: string, active: boolean) => void,
  ) {}

  /** The user has edited the draft. Commands and private messages are not announced. */
  edited(room: string | undefined, draft: string): void {
    if (room === undefined || !messageText(draft)) return this.stop();
    if (this.#room !== room) this.stop();
    this.#cancel?.();
    this.#cancel = this.clock.after(IDLE_MS, () => this.stop());
    const now = this.clock.now();
    // If the clock was set back, notices resume at once.
    if (now >= this.#notifiedAt && now - this.#notifiedAt < NOTICE_INTERVAL_MS) return;
    this.#notifiedAt = now;
    this.#room = room;
    this.notify(room, true);
  }

  /** The draft was sent, cleared or left alone. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const room = this.#room;
    this.#room = undefined;
    if (room !== undefined) this.notify(room, false);
  }
}

/** A person who is typing in a room, believed until a time in milliseconds since 1970. */
export interface Typist {
  readonly name: string;
  readonly until: number;
}

/** `typists` after a notice, in the order in which they began. */
export function withTypist(
  typists: readonly Typist[],
  name: string,
  now: number,
): readonly Typist[] {
  const typist = { name, until: now + EXPIRY_MS };
  const at = typists.findIndex((each) => nameKey(each.name) === nameKey(name));
  if (at !== -1) return typists.with(at, typist);
  return typists.length < MAX_TYPING ? [...typists, typist] : typists;
}

/** `typists` without people who sent their message, stopped or left. */
export function withoutTypists(
  typists: readonly Typist[],
  ...names: readonly string[]
): readonly Typist[] {
  if (typists.length === 0) return typists;
  const keys = new Set(names.map(nameKey));
  return typists.filter(({ name }) => !keys.has(nameKey(name)));
}

/** `typists` without expired ones. */
export function unexpired(typists: readonly Typist[], now: number): readonly Typist[] {
  return typists.filter(({ until }) => until > now);
}

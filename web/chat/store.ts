import { type Action, reduce } from "../state/reduce.ts";
import type { ChatState } from "../state/types.ts";

/** Milliseconds after which a round no longer waits for a frame: hidden pages have none. */
const HIDDEN_PERIOD = 100;

/**
 * The state, and who wants to know when it changes. What comes from the hub is gathered and taken
 * in once a frame, so that two hundred messages a second are sixty small changes of the screen.
 */
export class Store {
  #state: ChatState;
  #queue: Action[] = [];
  #scheduled = false;
  readonly #listeners = new Set<() => void>();

  /** @param onRound is told after each round what the state was, and what changed it. */
  constructor(
    state: ChatState,
    private readonly onRound: (before: ChatState, actions: readonly Action[]) => void,
  ) {
    this.#state = state;
  }

  get state(): ChatState {
    return this.#state;
  }

  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes `action` in with the next frame. */
  queue(action: Action): void {
    this.#queue.push(action);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Both: a page that is hidden before its next frame has none.
    requestAnimationFrame(this.#round);
    setTimeout(this.#round, HIDDEN_PERIOD);
  }

  /** Takes `action` in now, after all that waits. */
  apply(action: Action): void {
    this.#queue.push(action);
    this.#round();
  }

  /** Tells everybody, without a change: something beside the state is another. */
  touch(): void {
    for (const listener of this.#listeners) listener();
  }

  readonly #round = (): void => {
    this.#scheduled = false;
    const actions = this.#queue;
    if (actions.length === 0) return;
    this.#queue = [];
    const before = this.#state;
    this.#state = actions.reduce(reduce, before);
    this.onRound(before, actions);
    if (this.#state !== before) this.touch();
  };
}

import type { Action } from "../state/actions.ts";
import { reduce } from "../state/reduce.ts";
import type { ChatState } from "../state/types.ts";

/** Milliseconds after which a round stops waiting for a frame. Hidden pages have none. */
const HIDDEN_PERIOD = 100;

/**
 * The state and its listeners. Actions of the hub are applied once a frame, so that 200 messages a
 * second cause 60 changes of the screen.
 */
export class Store {
  #state: ChatState;
  #queue: Action[] = [];
  #scheduled = false;
  readonly #listeners = new Set<() => void>();

  /** @param onRound is called after each round with the state before it, and the actions. */
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

  /** Applies an action with the next frame. */
  queue(action: Action): void {
    this.#queue.push(action);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // The page may be hidden before its next frame.
    requestAnimationFrame(this.#round);
    setTimeout(this.#round, HIDDEN_PERIOD);
  }

  /** Applies an action now, after the queued ones. */
  apply(action: Action): void {
    this.#queue.push(action);
    this.#round();
  }

  /** Calls the listeners because something besides the state has changed. */
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

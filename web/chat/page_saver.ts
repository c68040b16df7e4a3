import type { ChatState, ThreadKey } from "../state/types.ts";
import { ReadPositions } from "./read_positions.ts";
import { savedState } from "./restore.ts";
import type { SavedPosition, SavedState, TabMemory } from "./saved_state.ts";

/** Milliseconds after a change until it is saved. */
const SAVE_DELAY_MS = 300;

/** Saves what a reload of the page needs. */
export class PageSaver {
  readonly positions: ReadPositions;
  #tab: TabMemory;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param session reads the secret of the present session, if there is one. */
  constructor(
    private readonly memory: SavedState,
    private readonly state: () => ChatState,
    private readonly session: () => string | undefined,
  ) {
    this.#tab = memory.tab;
    this.positions = new ReadPositions(this.#tab.places);
  }

  /** What was saved last, in this visit or the one before. */
  get tab(): TabMemory {
    return this.#tab;
  }

  /** Saves a moment later, together with the changes until then. */
  saveSoon(): void {
    this.#timer ??= setTimeout(() => this.saveNow(), SAVE_DELAY_MS);
  }

  saveNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { memory, positions } = this;
    const session = this.session() ?? memory.session;
    const { tab, markers, rooms } = savedState(this.state(), positions.all, session);
    memory.tab = this.#tab = tab;
    memory.readMarkers = markers;
    if (rooms.length > 0) memory.rooms = rooms;
  }

  /** Keeps the scroll position of a thread; `undefined` at its end. */
  keepScroll(key: ThreadKey, position: SavedPosition | undefined): void {
    this.positions.keep(key, this.state().threads.get(key)?.room?.epoch, position);
  }
}

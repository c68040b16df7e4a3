import { createContext } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

/**
 * What lies over the page, for the browser's Back: each layer has an entry of the history, made when
 * the user opens it, so that Back closes the topmost one before it leaves the page.
 */
export class BackStack {
  readonly #layers: { readonly close: () => void }[] = [];
  /** Entries of the history that are ours and behind which the page is left. */
  #depth: number;
  /** Whether the browser is on its way back to an earlier entry. */
  #travelling = false;
  #scheduled = false;

  constructor(private readonly history: History) {
    this.#depth = depthOf(history.state);
    addEventListener("popstate", ({ state }) => this.#arrived(depthOf(state)));
    // A reload keeps the entries, but not what they were for.
    this.#schedule();
  }

  /** Something was opened; the returned function says that it was closed. */
  open(close: () => void): () => void {
    const layer = { close };
    this.#layers.push(layer);
    this.#add();
    return () => {
      const at = this.#layers.indexOf(layer);
      if (at < 0) return;
      this.#layers.splice(at, 1);
      this.#schedule();
    };
  }

  #add(): void {
    // Until the browser has arrived, a new entry would be the one that it leaves.
    while (!this.#travelling && this.#depth < this.#layers.length) {
      this.history.pushState({ layers: ++this.#depth }, "");
    }
  }

  /** Takes away entries that are no longer for anything: once, whatever else closes or opens now. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      const extra = this.#depth - this.#layers.length;
      if (extra <= 0 || this.#travelling) return;
      this.#travelling = true;
      this.history.go(-extra);
    });
  }

  #arrived(depth: number): void {
    this.#travelling = false;
    this.#depth = depth;
    for (const { close } of this.#layers.splice(depth).toReversed()) close();
    this.#add();
    this.#schedule();
  }
}

function depthOf(state: unknown): number {
  if (typeof state !== "object" || state === null || !("layers" in state)) return 0;
  return typeof state.layers === "number" ? state.layers : 0;
}

/** The page's one. */
export const Back = createContext<BackStack | undefined>(undefined);

/** Has Back close what is open. */
export function useBack(open: boolean, close: () => void): void {
  const back = useContext(Back);
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => open ? back?.open(() => latest.current()) : undefined, [back, open]);
}

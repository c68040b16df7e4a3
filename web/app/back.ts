import { createContext } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

/**
 * What lies over the page, for the browser's Back, which closes the topmost layer before it leaves the
 * page. Each layer needs an entry of the history. Entries of layers that were closed in other ways
 * are left for the next ones: a travel through the history takes time, and what opens meanwhile would
 * lose its entry.
 */
export class BackStack {
  readonly #layers: { readonly close: () => void }[] = [];
  /** Entries of ours before the present one, itself among them. */
  #depth: number;

  constructor(private readonly history: History) {
    // A reload keeps the entries.
    this.#depth = depthOf(history.state);
    addEventListener("popstate", ({ state }) => this.#arrived(depthOf(state)));
  }

  /** Something was opened; the returned function says that it was closed. */
  open(close: () => void): () => void {
    const layer = { close };
    this.#layers.push(layer);
    while (this.#depth < this.#layers.length) {
      this.history.pushState({ layers: ++this.#depth }, "");
    }
    return () => {
      const at = this.#layers.indexOf(layer);
      if (at >= 0) this.#layers.splice(at, 1);
    };
  }

  #arrived(depth: number): void {
    const isBack = depth < this.#depth;
    this.#depth = depth;
    if (!isBack) return;
    if (this.#layers.length === 0) {
      // Nothing was left to close: Back means the page before this one.
      this.history.go(-depth - 1);
      return;
    }
    const kept = Math.min(depth, this.#layers.length - 1);
    for (const { close } of this.#layers.splice(kept).toReversed()) close();
  }
}

function depthOf(state: unknown): number {
  if (typeof state !== "object" || state === null || !("layers" in state)) return 0;
  return typeof state.layers === "number" ? state.layers : 0;
}

/** The one stack of the page. */
export const Back = createContext<BackStack | undefined>(undefined);

/** Makes Back close what is open. */
export function useBack(open: boolean, close: () => void): void {
  const back = useContext(Back);
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => open ? back?.open(() => latest.current()) : undefined, [back, open]);
}

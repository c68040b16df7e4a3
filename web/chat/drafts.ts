import type { ThreadKey } from "../state/types.ts";
import type { BrowserStorage } from "./browser_storage.ts";
import { randomId } from "./tabs.ts";

/** Drafts of one thread that are kept for tabs that were closed. */
const MAX_KEPT = 8;

/** Drafts of one thread, by tab; the newest last. */
type ByTab = Readonly<Record<string, string>>;

/**
 * What the user has begun to write. Each tab has drafts of its own; those of a tab that was closed go
 * to the next one that is opened.
 */
export class Drafts {
  readonly #own = new Map<string, string>();
  #tab: string | undefined;

  constructor(private readonly kept: BrowserStorage) {}

  /** What the browser keeps for this tab is under this name. */
  get tab(): string {
    if (this.#tab !== undefined) return this.#tab;
    const known = this.kept.read("session", "id");
    return this.#tab = typeof known === "string" ? known : this.#name();
  }

  get(key: ThreadKey): string {
    const known = this.#own.get(key);
    if (known !== undefined) return known;
    const text = this.#all(key)[this.tab] ?? "";
    this.#own.set(key, text);
    return text;
  }

  keep(key: ThreadKey, text: string): void {
    this.#own.set(key, text);
    const { [this.tab]: _, ...others } = this.#all(key);
    this.#write(key, text === "" ? others : { ...others, [this.tab]: text });
  }

  /** Whether `text` is what a reload of the page would bring back. */
  isKept(key: ThreadKey, text: string): boolean {
    return (this.#all(key)[this.tab] ?? "") === text;
  }

  /** A thread has another key: the other person has another name. */
  move(from: ThreadKey, to: ThreadKey): void {
    const text = this.get(from);
    if (text === "") return;
    this.keep(to, text);
    this.keep(from, "");
  }

  /**
   * Takes the drafts of tabs that are closed, where this one has none.
   *
   * @param open the other tabs; a tab that was duplicated gets a name of its own.
   */
  inherit(open: ReadonlySet<string>): void {
    const before = this.tab;
    const name = open.has(before) ? this.#name() : before;
    for (const key of this.kept.keys("local", "draft ") as ThreadKey[]) {
      const all = this.#all(key);
      const own = all[before] ?? "";
      if (own !== "") {
        if (name !== before) this.keep(key, own);
        continue;
      }
      const [tab, text] = Object.entries(all).findLast(([tab]) => !open.has(tab)) ?? [];
      if (tab === undefined || text === undefined) continue;
      const { [tab]: _, ...others } = all;
      this.#write(key, others);
      this.keep(key, text);
    }
  }

  #name(): string {
    const name = randomId();
    this.kept.write("session", "id", name);
    this.#tab = name;
    return name;
  }

  #all(key: ThreadKey): ByTab {
    const all = this.kept.read("local", `draft ${key}`);
    // Earlier versions kept one for all tabs.
    if (typeof all === "string") return { before: all };
    if (typeof all !== "object" || all === null) return {};
    return Object.fromEntries(Object.entries(all).filter(([, text]) => typeof text === "string"));
  }

  #write(key: ThreadKey, all: ByTab): void {
    const entries = Object.entries(all).slice(-MAX_KEPT);
    const value = entries.length === 0 ? undefined : Object.fromEntries(entries);
    this.kept.write("local", `draft ${key}`, value);
  }
}

import type { ThreadKey } from "../state/types.ts";
import type { BrowserStorage } from "./browser_storage.ts";
import { randomId } from "./tabs.ts";

/** Drafts of a thread that are kept for closed tabs. */
const MAX_KEPT = 8;

/** Drafts of a thread, by tab; the newest last. */
type ByTab = Readonly<Record<string, string>>;

/** Drafts. Each tab has its own; those of a closed tab go to the next one that opens. */
export class Drafts {
  readonly #own = new Map<string, string>();
  #tab: string | undefined;

  constructor(private readonly kept: BrowserStorage) {}

  /** The name under which the browser stores the drafts of this tab. */
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

  /** Whether a reload would restore `text`. */
  isKept(key: ThreadKey, text: string): boolean {
    return (this.#all(key)[this.tab] ?? "") === text;
  }

  /** A thread has a new key, because the other person has a new name. */
  move(from: ThreadKey, to: ThreadKey): void {
    const text = this.get(from);
    if (text === "") return;
    this.keep(to, text);
    this.keep(from, "");
  }

  /**
   * Takes the drafts of closed tabs for threads without one.
   *
   * @param open the other open tabs. A duplicated tab gets a new name.
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
    // Earlier versions stored one draft for all tabs.
    if (typeof all === "string") return { before: all };
    return Object.fromEntries(
      Object.entries(all ?? {}).filter(([, text]) => typeof text === "string"),
    );
  }

  #write(key: ThreadKey, all: ByTab): void {
    const entries = Object.entries(all).slice(-MAX_KEPT);
    const value = entries.length === 0 ? undefined : Object.fromEntries(entries);
    this.kept.write("local", `draft ${key}`, value);
  }
}

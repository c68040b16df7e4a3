import { findLinks, type FoundLink } from "./links.ts";
import type { Inline } from "./tree.ts";

/** How deep marks may stand within marks: text comes from strangers. */
const MAX_DEPTH = 4;

const WORD = /[\p{L}\p{N}_]/u;

/** What may mark text, the longer ones first. */
const MARKS: readonly {
  readonly mark: string;
  readonly type: "strong" | "emphasis" | "deleted";
}[] = [
  { mark: "**", type: "strong" },
  { mark: "__", type: "strong" },
  { mark: "~~", type: "deleted" },
  { mark: "*", type: "emphasis" },
  { mark: "_", type: "emphasis" },
];

/** Reads the pieces of a paragraph: marks, code, addresses and ends of lines. */
export function parseInline(text: string, depth = 0): readonly Inline[] {
  return new InlineReader(text, depth).read();
}

/** Takes time in proportion to the text, whatever that is: no search that failed is made again. */
class InlineReader {
  readonly #nodes: Inline[] = [];
  readonly #links: readonly FoundLink[];
  /** Marks that are known to close nowhere in the rest. */
  readonly #hopeless = new Set<string>();
  #link = 0;
  #from = 0;
  #at = 0;

  constructor(private readonly text: string, private readonly depth: number) {
    this.#links = findLinks(text);
  }

  read(): readonly Inline[] {
    while (this.#at < this.text.length) {
      if (!(this.#readBreak() || this.#readLink() || this.#readCode() || this.#readMark())) {
        this.#at++;
      }
    }
    this.#flush();
    return this.#nodes;
  }

  #readBreak(): boolean {
    if (this.text.charAt(this.#at) !== "\n") return false;
    this.#push({ type: "break" }, this.#at + 1);
    return true;
  }

  #readLink(): boolean {
    while ((this.#links[this.#link]?.index ?? Infinity) < this.#at) this.#link++;
    const link = this.#links[this.#link];
    if (link === undefined || link.index !== this.#at) return false;
    this.#push({ type: "link", href: link.href, text: link.text }, this.#at + link.text.length);
    return true;
  }

  #readCode(): boolean {
    if (this.text.charAt(this.#at) !== "`") return false;
    let start = this.#at;
    while (this.text.charAt(start) === "`") start++;
    const fence = this.text.slice(this.#at, start);
    const end = this.#find(fence, start);
    if (end === undefined || end === start) {
      this.#at = start;
      return true;
    }
    this.#push({ type: "code", text: this.text.slice(start, end) }, end + fence.length);
    return true;
  }

  #readMark(): boolean {
    const found = MARKS.find(({ mark }) => this.text.startsWith(mark, this.#at));
    if (found === undefined || this.depth >= MAX_DEPTH) return false;
    const { mark, type } = found;
    const start = this.#at + mark.length;
    const end = this.#opens(mark, start) ? this.#closing(mark, start) : undefined;
    if (end === undefined) {
      this.#at = start;
      return true;
    }
    const children = parseInline(this.text.slice(start, end), this.depth + 1);
    this.#push({ type, children }, end + mark.length);
    return true;
  }

  /** Whether a mark that ends at `start` stands before a word, and not within one. */
  #opens(mark: string, start: number): boolean {
    const next = this.text.charAt(start);
    if (next === "" || /\s/.test(next) || next === mark.charAt(0)) return false;
    const before = this.text.charAt(start - mark.length - 1);
    return !WORD.test(before) && before !== mark.charAt(0);
  }

  /** Where the mark closes: after a word, and not within one, in the same paragraph. */
  #closing(mark: string, start: number): number | undefined {
    if (this.#hopeless.has(mark)) return undefined;
    for (
      let at = this.text.indexOf(mark, start + 1);
      at >= 0;
      at = this.text.indexOf(mark, at + 1)
    ) {
      const after = this.text.charAt(at + mark.length);
      if (/\s/.test(this.text.charAt(at - 1)) || WORD.test(after)) continue;
      if (after === mark.charAt(0) || this.text.charAt(at - 1) === mark.charAt(0)) continue;
      return at;
    }
    this.#hopeless.add(mark);
    return undefined;
  }

  #find(fence: string, start: number): number | undefined {
    if (this.#hopeless.has(fence)) return undefined;
    for (let at = this.text.indexOf(fence, start); at >= 0;) {
      let end = at + fence.length;
      while (this.text.charAt(end) === "`") end++;
      if (end - at === fence.length) return at;
      at = this.text.indexOf(fence, end);
    }
    this.#hopeless.add(fence);
    return undefined;
  }

  #push(node: Inline, next: number): void {
    this.#flush();
    this.#nodes.push(node);
    this.#at = this.#from = next;
  }

  #flush(): void {
    if (this.#from < this.#at) {
      this.#nodes.push({ type: "text", text: this.text.slice(this.#from, this.#at) });
    }
    this.#from = this.#at;
  }
}

import { findLinks, type FoundLink } from "./links.ts";
import type { Inline } from "./tree.ts";

/** The maximum nesting of marks: text is hostile. */
const MAX_DEPTH = 4;

/** Characters of words; the joiners occur within words of Persian and others. */
const WORD = /^[\p{L}\p{N}\p{M}_\u200c\u200d]$/u;

/** Characters that join words to longer ones, to paths and to addresses; some of them are marks, too. */
const JOINING = /^[-./\\:=@#&+$%|*~]$/;

/** The number of characters that are searched for a word beyond them. */
const MAX_JOINING = 32;

/** Characters of paths: a mark beside one is part of the path. */
const SLASH = /^[/\\]$/;

/** The marks, longer ones first. */
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

/** Parses a paragraph into inline nodes: marks, code, addresses and line ends. */
export function parseInline(text: string, depth = 0): readonly Inline[] {
  return new InlineReader(text, depth).read();
}

/** Takes time linear in the text: a search that failed is never repeated. */
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

  /** Whether a mark that ends at `start` stands before a word, and not within one or a path. */
  #opens(mark: string, start: number): boolean {
    const next = this.text.charAt(start);
    if (next === "" || /\s/.test(next) || next === mark.charAt(0) || SLASH.test(next)) return false;
    // `*.txt` is a pattern of names.
    if (next === "." && WORD.test(characterAt(this.text, start + 1))) return false;
    const before = start - mark.length - 1;
    return this.text.charAt(before) !== mark.charAt(0) && !this.#isJoined(before, -1);
  }

  /** Where the mark closes: after a word, and not within one or a path, in the same paragraph. */
  #closing(mark: string, start: number): number | undefined {
    if (this.#hopeless.has(mark)) return undefined;
    for (
      let at = this.text.indexOf(mark, start + 1);
      at >= 0;
      at = this.text.indexOf(mark, at + 1)
    ) {
      const before = this.text.charAt(at - 1);
      const after = at + mark.length;
      if (/\s/.test(before) || before === mark.charAt(0) || SLASH.test(before)) continue;
      if (this.text.charAt(after) === mark.charAt(0) || this.#isJoined(after, 1)) continue;
      return at;
    }
    this.#hopeless.add(mark);
    return undefined;
  }

  /** Whether what stands from `at` on, in the direction `step`, makes one word with a mark there. */
  #isJoined(at: number, step: 1 | -1): boolean {
    let end = at;
    for (; JOINING.test(this.text.charAt(end)); end += step) {
      if (SLASH.test(this.text.charAt(end)) || Math.abs(end - at) > MAX_JOINING) return true;
    }
    return WORD.test(
      step === 1 ? characterAt(this.text, end) : characterBefore(this.text, end + 1),
    );
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

/** The whole character at `at`, of one or two UTF-16 units. */
function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? "" : String.fromCodePoint(code);
}

/** The whole character that ends before `end`. */
function characterBefore(text: string, end: number): string {
  const pair = characterAt(text, end - 2);
  return pair.length === 2 ? pair : text.charAt(end - 1);
}

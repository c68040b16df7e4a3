import { TextBuffer } from "./text_buffer.ts";

/** Steps that can be undone: more than anybody remembers. */
const MAX_UNDO = 200;

/** What only moves the cursor, or changes a character or two. */
export type Edit =
  | "left"
  | "right"
  | "wordLeft"
  | "wordRight"
  | "lineStart"
  | "lineEnd"
  | "backspace"
  | "delete"
  | "transpose";

/** What takes text out to be put back by `yank()`. */
export type Kill =
  | "deleteWordLeft"
  | "deleteWordRight"
  | "deleteBlankWordLeft"
  | "deleteToLineStart"
  | "deleteToLineEnd";

/** A draft with what it takes to go back: steps that can be undone, and what was killed last. */
export class EditBuffer {
  static readonly EMPTY: EditBuffer = new EditBuffer(TextBuffer.EMPTY, [], "", "other");

  private constructor(
    readonly buffer: TextBuffer,
    private readonly undone: readonly TextBuffer[],
    private readonly killed: string,
    /** Typing goes into one step with typing, killing with killing. */
    private readonly last: "typing" | "killing" | "other",
  ) {}

  /** Characters typed one after the other, which are undone word by word. */
  type(text: string): EditBuffer {
    const draft = this.buffer.insert(text);
    const joined = this.last === "typing" && !/\s$/u.test(this.buffer.before);
    return this.#step(draft, { joined, last: "typing" });
  }

  /** Text that comes at once. */
  insert(text: string): EditBuffer {
    return this.#step(this.buffer.insert(text));
  }

  edit(edit: Edit): EditBuffer {
    return this.#step(this.buffer[edit]());
  }

  kill(kill: Kill): EditBuffer {
    const draft = this.buffer[kill]();
    const length = this.buffer.text.length - draft.text.length;
    if (length === 0) return this;
    const text = this.buffer.text.slice(draft.cursor, draft.cursor + length);
    const before = this.last === "killing" ? this.killed : "";
    const killed = draft.cursor < this.buffer.cursor ? text + before : before + text;
    return this.#step(draft, { killed, last: "killing" });
  }

  /** What was killed last comes back, at the cursor. */
  yank(): EditBuffer {
    return this.#step(this.buffer.insert(this.killed));
  }

  undo(): EditBuffer {
    const draft = this.undone.at(-1);
    if (draft === undefined) return this;
    return new EditBuffer(draft, this.undone.slice(0, -1), this.killed, "other");
  }

  /** Another draft in the place of this one. */
  replace(draft: TextBuffer): EditBuffer {
    return this.#step(draft);
  }

  /** An empty one, with nothing to undo. */
  clear(): EditBuffer {
    return new EditBuffer(TextBuffer.EMPTY, [], this.killed, "other");
  }

  #step(
    draft: TextBuffer,
    { joined = false, last = "other" as EditBuffer["last"], killed = this.killed } = {},
  ): EditBuffer {
    const undone = draft.text === this.buffer.text || joined
      ? this.undone
      : [...this.undone.slice(1 - MAX_UNDO), this.buffer];
    return new EditBuffer(draft, undone, killed, last);
  }
}

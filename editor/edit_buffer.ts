import { TextBuffer } from "./text_buffer.ts";

/** Steps that can be undone: more than a user remembers. */
const MAX_UNDO = 200;

/** Moves the cursor, or changes a character or two. */
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

/** Removes text that `yank()` can insert again. */
export type Kill =
  | "deleteWordLeft"
  | "deleteWordRight"
  | "deleteBlankWordLeft"
  | "deleteToLineStart"
  | "deleteToLineEnd";

/** A text with its undo steps and the text killed last. A value: each change returns a new one. */
export class EditBuffer {
  static readonly EMPTY: EditBuffer = new EditBuffer(TextBuffer.EMPTY, [], "", "other");

  private constructor(
    readonly content: TextBuffer,
    private readonly undoStack: readonly TextBuffer[],
    private readonly killed: string,
    /** Consecutive typing is one step, and so is consecutive killing. */
    private readonly lastAction: "typing" | "killing" | "other",
  ) {}

  /** Inserts typed characters, which are undone word by word. */
  type(text: string): EditBuffer {
    const content = this.content.insert(text);
    const joined = this.lastAction === "typing" && !/\s$/u.test(this.content.before);
    return this.#step(content, { joined, lastAction: "typing" });
  }

  /** Inserts text as one step. */
  insert(text: string): EditBuffer {
    return this.#step(this.content.insert(text));
  }

  edit(edit: Edit): EditBuffer {
    return this.#step(this.content[edit]());
  }

  kill(kill: Kill): EditBuffer {
    const content = this.content[kill]();
    const length = this.content.text.length - content.text.length;
    if (length === 0) return this;
    const text = this.content.text.slice(content.cursor, content.cursor + length);
    const before = this.lastAction === "killing" ? this.killed : "";
    const killed = content.cursor < this.content.cursor ? text + before : before + text;
    return this.#step(content, { killed, lastAction: "killing" });
  }

  /** Inserts the text killed last. */
  yank(): EditBuffer {
    return this.#step(this.content.insert(this.killed));
  }

  undo(): EditBuffer {
    const content = this.undoStack.at(-1);
    if (content === undefined) return this;
    return new EditBuffer(content, this.undoStack.slice(0, -1), this.killed, "other");
  }

  /** Replaces the text. */
  replace(content: TextBuffer): EditBuffer {
    return this.#step(content);
  }

  /** An empty buffer, with nothing to undo. */
  clear(): EditBuffer {
    return new EditBuffer(TextBuffer.EMPTY, [], this.killed, "other");
  }

  #step(
    content: TextBuffer,
    { joined = false, lastAction = "other" as EditBuffer["lastAction"], killed = this.killed } = {},
  ): EditBuffer {
    const undoStack = content.text === this.content.text || joined
      ? this.undoStack
      : [...this.undoStack.slice(1 - MAX_UNDO), this.content];
    return new EditBuffer(content, undoStack, killed, lastAction);
  }
}

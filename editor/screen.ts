/**
 * A terminal with output above an input line.
 *
 * From top to bottom: the printed lines, which scroll; the status, whose rows change in place; the
 * prompt with the draft. Printing never disturbs the two below it.
 */
export interface Screen {
  /** Whether it can only print lines, so that a status cannot change in place. */
  readonly plain?: boolean;
  readonly columns: number;
  readonly rows: number;
  /** The text being typed; may have several lines. */
  readonly draft: string;
  /** Prints lines above the status and the draft. */
  print(text: string): void;
  /** Replaces the status; an empty one takes no room. */
  setStatus(rows: readonly string[]): void;
  setPrompt(prompt: string): void;
  /** Replaces the draft and puts the cursor at its end. */
  setDraft(text: string): void;
  bell(): void;
  /** Scrolls everything printed out of sight; status and draft stay. */
  clear(): void;
}

/** A screen with a user at it. */
export interface InteractiveScreen extends Screen, Disposable {
  /**
   * Asks for one line, before {@linkcode listen}. `undefined` after Ctrl-C, Ctrl-D or the loss of the
   * terminal.
   */
  ask(question: string): Promise<string | undefined>;
  /** Shows the prompt and reports input from now on. */
  listen(events: ScreenEvents): void;
}

/** Input by the user. */
export interface ScreenEvents {
  /** Enter: the draft, which may have several lines and is empty now. */
  line(line: string): void;
  /** A key changed the draft. Not called for `setDraft()` and Enter. */
  edited(draft: string): void;
  /** One of the shortcuts given to the editor was pressed. */
  shortcut(key: string): void;
  /** Ctrl-C on an empty draft. */
  interrupt(): void;
  /** Ctrl-C on a draft, which is empty now and in the history. */
  discarded(): void;
  /** Ctrl-D on an empty draft, or the terminal is gone. */
  end(): void;
  /** Tab: the candidates for the last `part` of the text before the cursor. */
  complete(before: string): readonly [candidates: readonly string[], part: string];
  /** The size changed, or the program was resumed after Ctrl-Z. */
  resized(): void;
}

/**
 * What a chat needs of a terminal.
 *
 * From top to bottom: what was said, which scrolls; the status, a few rows that come and go; the
 * prompt with the draft. Printing never disturbs the two below.
 */
export interface Screen {
  /** Whether it only takes and shows lines: there is no place for a status that changes. */
  readonly plain?: boolean;
  /** Width in columns, for wrapping. */
  readonly columns: number;
  /** Height in rows. */
  readonly rows: number;
  /** What is being typed; may have several lines. */
  readonly draft: string;
  /** Shows lines above status and draft, for good. */
  print(text: string): void;
  /** The rows between what was said and the prompt; no lines take no room. */
  setStatus(lines: readonly string[]): void;
  /** What stands before the draft. */
  setPrompt(prompt: string): void;
  /** Puts another text in the place of the draft, the cursor at its end. */
  setDraft(text: string): void;
  /** Rings. */
  bell(): void;
  /** Empties the screen, which can be scrolled back to; status and draft stay. */
  clear(): void;
}

/** A screen with somebody at it. */
export interface InteractiveScreen extends Screen, Disposable {
  /** Asks before the chat begins; `undefined` when the user would rather leave. */
  ask(question: string): Promise<string | undefined>;
  /** Tells `events` of what is typed from now on. */
  listen(events: ScreenEvents): void;
}

/** Keys that mean something to a chat, and nothing to a draft. */
export type Chord =
  | { readonly kind: "room"; readonly number: number }
  /** Alt-n, Alt-p: the next window, or the previous one. */
  | { readonly kind: "beside"; readonly step: 1 | -1 }
  /** Alt-a: on to where something happened. */
  | { readonly kind: "activity" };

/** What a terminal tells a chat. */
export interface ScreenEvents {
  /** Enter: the draft, which is empty now; may have several lines. */
  line(line: string): void;
  /** The draft changed, by whatever key. Not told of `setDraft()` and of Enter. */
  edited(draft: string): void;
  /** A {@linkcode Chord} was pressed. */
  chord(chord: Chord): void;
  /** Ctrl-C on an empty draft. */
  interrupt(): void;
  /** Ctrl-C on a draft, which is empty now and in the history. */
  discarded(): void;
  /** Ctrl-D on an empty draft, or the terminal is gone. */
  end(): void;
  /** Tab: what the part before the cursor may become. */
  complete(line: string): readonly [candidates: readonly string[], part: string];
  /** The size changed, or the program was continued after Ctrl-Z. */
  resized(): void;
}

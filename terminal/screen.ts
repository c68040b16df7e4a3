/** What a chat needs of a terminal. */
export interface Screen {
  /** Width, for wrapping. */
  readonly columns: number;
  /** Shows lines above the one being typed, which stays as it is. */
  print(text: string): void;
  /** What stands before the line being typed. */
  setPrompt(prompt: string): void;
}

/** What a terminal tells a chat. */
export interface ScreenEvents {
  /** A line was typed; it is no longer on the screen. */
  line(line: string): void;
  /** Ctrl-C. */
  interrupt(): void;
  /** Ctrl-D, or the terminal is gone. */
  end(): void;
  /** Tab: what the line may become. */
  complete(line: string): readonly [candidates: readonly string[], part: string];
}

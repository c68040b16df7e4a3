/** A stream for text: a terminal, a pipe or a file. */
export interface Output {
  readonly isTerminal: boolean;
  /** Whether to use escape sequences for colours. */
  readonly color: boolean;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Characters not written yet. */
  readonly waiting: number;
  /**
   * Writes in the order of the calls. Resolves once the text is written, with `false` when the
   * reader has closed its end, which is no error.
   */
  write(text: string): Promise<boolean>;
}

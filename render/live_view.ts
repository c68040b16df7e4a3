import type { Output } from "../lib/output.ts";
import { displayWidth } from "./wrap.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_TO_END_OF_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/**
 * Lines that are shown over and over in the same place: on the terminal's other screen, so that what
 * was there comes back when this is disposed of.
 */
export class LiveView implements AsyncDisposable {
  #open = false;

  constructor(
    private readonly output: Output,
    /** How many lines the terminal has. */
    private readonly rows: () => number,
  ) {}

  /** Shows `lines`, as much of them as fits. */
  show(lines: readonly string[]): Promise<boolean> {
    const enter = this.#open ? "" : ENTER;
    this.#open = true;
    // Nothing wraps and nothing scrolls: the next picture goes to the same place.
    const fitting = lines.slice(0, Math.max(1, this.rows()))
      .map((line) => clipColumns(line, this.output.columns) + ERASE_TO_END_OF_LINE);
    return this.output.write(enter + HOME + fitting.join("\r\n") + ERASE_BELOW);
  }

  /** Brings back what was there. The program may end only when this is through. */
  async [Symbol.asyncDispose](): Promise<void> {
    const leave = this.#open ? LEAVE : "";
    this.#open = false;
    // Also when it was said before: maybe it is still on its way.
    await this.output.write(leave);
  }
}

/** As much of the beginning of `text` as takes at most `columns`; no escape sequence may be in it. */
export function clipColumns(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let clipped = "";
  let left = columns - 1;
  for (const character of text) {
    left -= displayWidth(character);
    if (left < 0) break;
    clipped += character;
  }
  return `${clipped}…`;
}

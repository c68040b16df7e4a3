import type { Output } from "../lib/output.ts";
import { fit } from "./width.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_TO_END_OF_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/**
 * Lines that are redrawn in place, on the terminal's alternate screen: disposing brings back what
 * was shown before.
 */
export class LiveView implements AsyncDisposable {
  #open = false;

  /** @param rows the terminal's height. */
  constructor(private readonly output: Output, private readonly rows: () => number) {}

  /** Shows as many of `lines` as fit. Resolves with `false` when the output is closed. */
  show(lines: readonly string[]): Promise<boolean> {
    const enter = this.#open ? "" : ENTER;
    this.#open = true;
    // Nothing wraps or scrolls, so that the next lines go to the same place.
    const fitting = lines.slice(0, Math.max(1, this.rows()))
      .map((line) => fit(line, this.output.columns) + ERASE_TO_END_OF_LINE);
    return this.output.write(enter + HOME + fitting.join("\r\n") + ERASE_BELOW);
  }

  /** Leaves the alternate screen. Await it before the program exits. */
  async [Symbol.asyncDispose](): Promise<void> {
    const leave = this.#open ? LEAVE : "";
    this.#open = false;
    // Written even if a first call already has: its output may still be pending.
    await this.output.write(leave);
  }
}

import type { Screen } from "../../editor/screen.ts";
import { until } from "./wait.ts";

/** A {@linkcode Screen} that records its calls. */
export class FakeScreen implements Screen {
  /** The lines printed since it was cleared. */
  lines: string[] = [];
  /** All calls of `print()`. */
  readonly printed: string[] = [];
  status: readonly string[] = [];
  prompt = "";
  draft = "";
  rings = 0;
  clears = 0;
  columns: number;
  rows: number;
  readonly plain: boolean;

  constructor({ columns = 100, rows = 30, plain = false } = {}) {
    this.plain = plain;
    this.columns = columns;
    this.rows = rows;
  }

  print(text: string): void {
    this.printed.push(text);
    this.lines.push(...text.split("\n"));
  }

  setStatus(lines: readonly string[]): void {
    this.status = lines;
  }

  setPrompt(prompt: string): void {
    this.prompt = prompt;
  }

  setDraft(text: string): void {
    this.draft = text;
  }

  bell(): void {
    this.rings++;
  }

  clear(): void {
    this.clears++;
    this.lines = [];
  }

  get text(): string {
    return this.lines.join("\n");
  }

  /** Waits until a line contains `text`. */
  has(text: string): Promise<boolean> {
    return until(
      `"${text}" among ${JSON.stringify(this.lines)}`,
      () => this.lines.some((line) => line.includes(text)),
    );
  }

  /** Waits until a row of the status contains `text`. */
  tells(text: string): Promise<boolean> {
    return until(`"${text}" in the status`, () => this.status.some((row) => row.includes(text)));
  }
}

import { assertEquals } from "@std/assert";
import { completeLine } from "../../terminal/completion.ts";
import { Editor } from "../../editor/editor.ts";
import type { HistoryReader } from "../../editor/input_history.ts";
import type { ScreenEvents } from "../../editor/screen.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeTerminal } from "./fake_terminal.ts";
import type { TerminalHabits } from "./terminal_model.ts";

export const LEFT = "\x1b[D";
export const PROMPT = "[lobby] Alice> ";

interface DeskOptions {
  readonly habits?: TerminalHabits;
  readonly history?: HistoryReader;
}

/** What Tab knows. */
const KNOWN = { people: ["Bob", "Carol"], rooms: ["lobby"], windows: ["lobby"], ignored: [] };

/** An editor on a terminal that is a model of one, at a time that the test sets. */
export class Desk implements Disposable {
  readonly terminal: FakeTerminal;
  readonly clock = new FakeClock();
  readonly editor: Editor;
  /** Everything that the editor told. */
  readonly told: string[] = [];

  constructor(columns = 40, height = 12, { habits, history }: DeskOptions = {}) {
    this.terminal = new FakeTerminal(columns, height, habits);
    const options = history === undefined ? {} : { history };
    this.editor = new Editor(this.terminal, { clock: this.clock, ...options });
  }

  listen(over: Partial<ScreenEvents> = {}): void {
    this.editor.setPrompt(PROMPT);
    this.editor.listen({
      line: (line) => this.told.push(`line ${line}`),
      edited: (draft) => this.told.push(`edited ${draft}`),
      chord: (chord) =>
        this.told.push(
          `chord ${
            chord.kind === "room" ? chord.number : chord.kind === "beside" ? chord.step : "next"
          }`,
        ),
      interrupt: () => this.told.push("interrupt"),
      discarded: () => this.told.push("discarded"),
      end: () => this.told.push("end"),
      resized: () => this.told.push("resized"),
      complete: (line) => completeLine(line, KNOWN),
      ...over,
    });
  }

  type(...keys: readonly string[]): Promise<void> {
    return this.terminal.type(...keys);
  }

  /** Prints lines, and lets enough time pass to see them. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.editor.print(line);
    this.pass();
  }

  pass(milliseconds = 20): void {
    this.clock.advance(milliseconds);
  }

  /** Everything told but what was typed so far. */
  get events(): readonly string[] {
    return this.told.filter((each) => !each.startsWith("edited "));
  }

  shows(text: string): void {
    this.pass();
    assertEquals(this.terminal.screen.text, text);
  }

  [Symbol.dispose](): void {
    this.editor[Symbol.dispose]();
  }
}

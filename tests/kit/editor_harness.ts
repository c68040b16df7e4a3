import { assertEquals } from "@std/assert";
import { completeLine } from "../../terminal/completion.ts";
import { SHORTCUTS } from "../../terminal/shortcuts.ts";
import { Editor } from "../../editor/editor.ts";
import type { InputHistory } from "../../editor/input_history.ts";
import type { ScreenEvents } from "../../editor/screen.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeTerminal } from "./fake_terminal.ts";
import type { TerminalQuirks } from "./terminal_model.ts";

export const LEFT = "\x1b[D";
export const PROMPT = "[lobby] Alice> ";

interface HarnessOptions {
  readonly habits?: TerminalQuirks;
  readonly history?: InputHistory;
}

/** The words that Tab completes. */
const KNOWN = { people: ["Bob", "Carol"], rooms: ["lobby"], windows: ["lobby"], ignored: [] };

/** A line editor on a model of a terminal, with a fake clock. */
export class EditorHarness implements Disposable {
  readonly terminal: FakeTerminal;
  readonly clock = new FakeClock();
  readonly editor: Editor;
  readonly allEvents: string[] = [];

  constructor(columns = 40, height = 12, { habits, history }: HarnessOptions = {}) {
    this.terminal = new FakeTerminal(columns, height, habits);
    const shortcuts = new Set(SHORTCUTS.keys());
    this.editor = new Editor(this.terminal, { clock: this.clock, history, shortcuts });
  }

  listen(over: Partial<ScreenEvents> = {}): void {
    this.editor.setPrompt(PROMPT);
    this.editor.listen({
      line: (line) => this.allEvents.push(`line ${line}`),
      edited: (draft) => this.allEvents.push(`edited ${draft}`),
      shortcut: (key) => this.allEvents.push(`shortcut ${key}`),
      interrupt: () => this.allEvents.push("interrupt"),
      discarded: () => this.allEvents.push("discarded"),
      end: () => this.allEvents.push("end"),
      resized: () => this.allEvents.push("resized"),
      complete: (line) => completeLine(line, KNOWN),
      ...over,
    });
  }

  type(...keys: readonly string[]): Promise<void> {
    return this.terminal.type(...keys);
  }

  /** Prints lines and waits until they are drawn. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.editor.print(line);
    this.pass();
  }

  pass(milliseconds = 20): void {
    this.clock.advance(milliseconds);
  }

  /** All events except `edited`. */
  get events(): readonly string[] {
    return this.allEvents.filter((each) => !each.startsWith("edited "));
  }

  shows(text: string): void {
    this.pass();
    assertEquals(this.terminal.screen.text, text);
  }

  [Symbol.dispose](): void {
    this.editor[Symbol.dispose]();
  }
}

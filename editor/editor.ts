import { type Cancel, type Clock, wallClock } from "../lib/clock.ts";
import { backgroundOfColor } from "../render/background.ts";
import { formatCandidates } from "./completion.ts";
import { type InputHistory, MemoryHistory } from "./input_history.ts";
import { EditorInput } from "./editor_input.ts";
import { ESCAPE_MS, type Key, KeyDecoder, type TerminalInput } from "./keys.ts";
import { layOut } from "./layout.ts";
import { FrameRenderer, scrollAway } from "./frame_renderer.ts";
import type { Background } from "../render/palette.ts";
import type { InteractiveScreen, ScreenEvents } from "./screen.ts";
import { QUERY_BACKGROUND, type Terminal } from "./terminal.ts";

/** What an editor can be given beside its terminal. */
export interface EditorOptions {
  /** What was typed before; without it, the up-arrow knows this run alone. */
  readonly history?: InputHistory;
  /** For tests. */
  readonly clock?: Clock;
}

/** Milliseconds in which what arrives is shown at once: fewer than 60 redraws a second. */
const BATCH_MS = 17;
/**
 * Milliseconds without a change after which a size is believed: tmux tells of changes up to 250 ms
 * late, and who goes by a width that is no longer true wipes what somebody said.
 */
const SETTLE_MS = 300;
/** Milliseconds for a terminal to answer: over a slow line, and not so long that anybody waits. */
const ANSWER_MS = 200;
/** Keys that are kept for whoever asks for some: more than anybody types while a program starts. */
const MAX_EARLY = 500;
/** Milliseconds between two rings. */
const BELL_MS = 1000;

// Terminals that know these show what is between them at once; the others pass over them.
const HOLD = "\x1b[?2026h";
const RELEASE = "\x1b[?2026l";

interface TerminalQuestion {
  readonly text: string;
  readonly answer: (answer: string | undefined) => void;
}

/**
 * The line being typed, and everything else above it.
 *
 * What is printed never tears the line: it is wiped, the text takes its place, and the line is
 * drawn anew below, with the cursor where it was.
 */
export class Editor implements InteractiveScreen {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #decoder = new KeyDecoder();
  readonly #painter = new FrameRenderer();
  readonly #watch: Disposable;
  readonly #chatInput: EditorInput;
  #events: ScreenEvents | undefined;
  #question: TerminalQuestion | undefined;
  #questionInput: EditorInput | undefined;
  #prompt = "";
  #status: readonly string[] = [];
  #unprinted = "";
  #batch: Cancel | undefined;
  #escape: Cancel | undefined;
  /** Takes what the terminal answers to the question for its background. */
  #answered: ((background: Background | undefined) => void) | undefined;
  /** Keys pressed before anybody asked for any, while the program was starting. */
  #early: readonly Key[] = [];
  #rung = -Infinity;
  /** The size that was drawn for, and that the chat knows of. */
  #size: Terminal["size"];
  /** The size that was seen last. */
  #seen: Terminal["size"];
  /** Draws for a new size, soon. */
  #settling: Cancel | undefined;
  /** Nobody types any more. */
  #ended = false;
  #suspension: "none" | "asking" | "stopped" = "none";
  #closed = false;

  constructor(terminal: Terminal, { history, clock = wallClock }: EditorOptions = {}) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#size = this.#seen = terminal.size;
    this.#chatInput = this.#input(history ?? new MemoryHistory(), {
      line: (line) => this.#events?.line(line),
      interrupt: () => this.#interrupt(),
      end: () => this.#end(),
    });
    this.#watch = terminal.watch({
      resized: () => void this.#isSettling(),
      stopping: () => void this.#suspend(),
      continued: () => {
        if (this.#suspension !== "stopped") this.#resume();
      },
      failing: () => this[Symbol.dispose](),
    });
    terminal.enterRawMode();
    void this.#read();
  }

  get columns(): number {
    return this.#terminal.size.columns;
  }

  get rows(): number {
    return this.#terminal.size.rows;
  }

  get draft(): string {
    return this.#chatInput.draft;
  }

  /** Asks before the chat begins; `undefined` when that was answered with Ctrl-C or Ctrl-D. */
  ask(question: string): Promise<string | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const answered = (line: string, answer?: string): void => {
      this.#question = undefined;
      this.#questionInput = undefined;
      this.print(question + line);
      this.#draw();
      resolve(answer);
    };
    const input = this.#input(new MemoryHistory(), {
      // What was pasted may have several lines; an answer has one.
      line: (line) => answered(line, line.replaceAll("\n", " ")),
      interrupt: () => answered(input.draft),
      end: () => answered(input.draft),
    });
    this.#question = { text: question, answer: (answer) => answered(input.draft, answer) };
    this.#questionInput = input;
    this.#draw();
    this.#takeEarly();
    return promise;
  }

  /** Shows the prompt and tells `events` from now on. */
  listen(events: ScreenEvents): void {
    this.#events = events;
    if (this.#ended) return events.end();
    this.#draw();
    this.#takeEarly();
  }

  print(text: string): void {
    this.#unprinted += text + "\n";
    this.#later();
  }

  setStatus(lines: readonly string[]): void {
    this.#status = [...lines];
    this.#later();
  }

  setPrompt(prompt: string): void {
    if (prompt === this.#prompt) return;
    this.#prompt = prompt;
    this.#later();
  }

  setDraft(text: string): void {
    this.#chatInput.set(text);
    this.#later();
  }

  bell(): void {
    const now = this.#clock.now();
    // A clock that was set back does not silence the bell for as long.
    if (Math.abs(now - this.#rung) < BELL_MS || this.#closed) return;
    this.#rung = now;
    this.#terminal.write("\x07");
  }

  clear(): void {
    if (this.#suspension === "stopped" || this.#closed) return;
    this.#empty(this.#takePrinted());
  }

  /**
   * Whether the terminal is dark or light; `undefined` when it does not tell at once. May be asked
   * once, and answered while somebody types: the answer is no key.
   */
  background(): Promise<Background | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Background | undefined>();
    const late = this.#clock.after(ANSWER_MS, () => this.#answered?.(undefined));
    this.#answered = (background) => {
      this.#answered = undefined;
      late();
      resolve(background);
    };
    this.#terminal.write(QUERY_BACKGROUND);
    return promise;
  }

  /** Wipes the line being typed, and gives the terminal back as it was. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    const question = this.#question;
    this.#ended = true;
    this.#question = undefined;
    this.#settle();
    this.#draw();
    this.#closed = true;
    this.#answered?.(undefined);
    this.#escape?.();
    this.#watch[Symbol.dispose]();
    this.#terminal.restore();
    question?.answer(undefined);
  }

  /** What is typed, with what both chats and questions need done. */
  #input(
    history: InputHistory,
    events: Pick<ScreenEvents, "line" | "interrupt" | "end">,
  ): EditorInput {
    return new EditorInput({
      ...events,
      edited: (draft) => this.#events?.edited(draft),
      chord: (chord) => this.#events?.chord(chord),
      complete: (line) => this.#events?.complete(line) ?? [[], ""],
      bell: () => this.bell(),
      clear: () => this.#clearAway(),
      suspend: () => void this.#suspend(),
      list: (candidates) =>
        this.print(formatCandidates(candidates, this.columns, Math.floor(this.rows / 2))),
      problem: (text) => this.print(`! ${text}`),
    }, history);
  }

  async #read(): Promise<void> {
    for (;;) {
      const bytes = await this.#terminal.read();
      if (this.#closed) return;
      this.#escape?.();
      this.#escape = undefined;
      if (bytes === undefined) return this.#gone();
      this.#take(this.#decoder.push(bytes));
      if (this.#decoder.waiting) {
        // An answer may come in pieces.
        const wait = this.#answered === undefined ? ESCAPE_MS : ANSWER_MS;
        this.#escape = this.#clock.after(wait, () => this.#take(this.#decoder.timeout()));
      }
    }
  }

  #takeEarly(): void {
    const keys = this.#early;
    this.#early = [];
    this.#take(keys);
  }

  #take(keys: readonly TerminalInput[]): void {
    for (const key of keys) {
      if (key.kind === "background" || key.kind === "attributes") {
        this.#answered?.(key.kind === "background" ? backgroundOfColor(key.color) : undefined);
        continue;
      }
      const input = this.#questionInput ??
        (this.#events === undefined ? undefined : this.#chatInput);
      // Keys that nobody waits for: a chat that ends can still be ended at once.
      if (this.#ended && !(key.kind === "press" && key.key === "C-c")) continue;
      if (input !== undefined) input.take(key);
      else if (this.#early.length < MAX_EARLY) this.#early = [...this.#early, key];
    }
    if (keys.length > 0) this.#draw();
  }

  /** Ctrl-C: takes away what was typed, and leaves only when there is nothing. */
  #interrupt(): void {
    if (this.#chatInput.draft === "" || this.#ended) return this.#events?.interrupt();
    this.#chatInput.discard();
    this.#events?.discarded();
  }

  #gone(): void {
    if (this.#question !== undefined) {
      this.#ended = true;
      this.#question.answer(undefined);
    } else {
      this.#end();
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#draw();
    this.#events?.end();
  }

  async #suspend(): Promise<void> {
    if (this.#suspension !== "none" || this.#closed) return;
    this.#suspension = "asking";
    const possible = await this.#terminal.canSuspend();
    if (this.#closed) return;
    if (!possible) {
      this.#suspension = "none";
      return this.bell();
    }
    this.#terminal.write(this.#painter.wipe(this.columns));
    this.#suspension = "stopped";
    this.#terminal.restore();
    await this.#terminal.suspend();
    this.#suspension = "none";
    if (!this.#closed) this.#resume();
  }

  /** Takes the terminal again, whatever others did with it. */
  #resume(): void {
    this.#terminal.enterRawMode();
    this.#drawAnew("\r\x1b[J");
    this.#events?.resized();
  }

  /** Ctrl-L: an empty screen; what was on it can be scrolled back to, and what is new comes now. */
  #clearAway(): void {
    if (this.#suspension === "stopped" || this.#closed) return;
    this.#empty("");
  }

  /** Draws on an empty screen; what was on it, and `printed` before, can be scrolled back to. */
  #empty(printed: string): void {
    const resized = this.#settling !== undefined;
    this.#drawAnew(this.#painter.wipe(this.columns) + printed + scrollAway(this.rows));
    if (resized) this.#events?.resized();
  }

  /** Draws on a screen of which nothing is known. */
  #drawAnew(before: string): void {
    this.#painter.forget();
    this.#settle();
    this.#draw(before);
  }

  /** Goes by the size that the terminal has now. */
  #settle(): void {
    this.#settling?.();
    this.#settling = undefined;
    this.#size = this.#seen = this.#terminal.size;
  }

  /** Whether the size has changed only now: it may change again, so drawing waits. */
  #isSettling(): boolean {
    const size = this.#terminal.size;
    const old = this.#seen;
    if (size.columns !== old.columns || size.rows !== old.rows) {
      this.#seen = size;
      this.#settling?.();
      this.#settling = this.#clock.after(SETTLE_MS, () => this.#settled());
    }
    return this.#settling !== undefined;
  }

  #settled(): void {
    this.#settling = undefined;
    // Where nothing tells of changes, the next one may be seen only now.
    if (this.#isSettling()) return;
    this.#size = this.#seen;
    this.#draw();
    this.#events?.resized();
  }

  #later(): void {
    this.#batch ??= this.#clock.after(BATCH_MS, () => this.#draw());
  }

  /** Brings the screen up to date, in one go; `before` is written before everything else. */
  #draw(before = ""): void {
    this.#batch?.();
    this.#batch = undefined;
    if (this.#suspension === "stopped" || this.#isSettling()) return;
    const { columns, rows: height } = this.#size;
    const printed = this.#takePrinted();
    const shown = this.#shown();
    let text = printed === "" && shown !== undefined ? "" : this.#painter.wipe(columns);
    text += printed;
    if (shown !== undefined) {
      text += this.#painter.draw(layOut({ ...shown, columns, height }), columns);
    }
    if (before + text !== "") this.#terminal.write(HOLD + before + text + RELEASE);
  }

  #takePrinted(): string {
    const printed = this.#unprinted.replaceAll("\n", "\r\n");
    this.#unprinted = "";
    return printed;
  }

  /** What is to be seen below all that was said. */
  #shown(): Pick<Parameters<typeof layOut>[0], "status" | "prompt" | "draft"> | undefined {
    if (this.#closed || this.#ended) return undefined;
    if (this.#question !== undefined && this.#questionInput !== undefined) {
      const { prompt = this.#question.text, draft } = this.#questionInput.shown;
      return { status: [], prompt, draft };
    }
    if (this.#events === undefined) return undefined;
    const { prompt = this.#prompt, draft } = this.#chatInput.shown;
    return { status: this.#status, prompt, draft };
  }
}

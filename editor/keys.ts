/** Input from a terminal. */
export type TerminalInput = Key | TerminalReply;

/** A terminal's answer to a query. */
export type TerminalReply =
  /** To OSC 11: `rgb:1e1e/1e1e/1e1e`, `rgba:…`, `#1e1e1e`. */
  | { readonly kind: "background"; readonly color: string }
  /** To DA1, which all terminals answer. */
  | { readonly kind: "attributes" };

/** Input by the user. */
export type Key =
  /** Characters, none of them an ASCII control character. */
  | { readonly kind: "text"; readonly text: string }
  /**
   * Any other key, named as in Emacs: `C-a`, `M-b` (Alt), `S-tab`, `C-left`, `enter`. Modifiers are in
   * the order `C-M-S-`.
   */
  | { readonly kind: "press"; readonly key: string }
  /** Pasted text with `\n` for line ends. */
  | { readonly kind: "paste"; readonly text: string }
  /** A paste of more than {@linkcode MAX_PASTE} bytes, all of them discarded. */
  | { readonly kind: "pasteTooLarge" };

/** The most bytes of a paste: far above any limit for a message. */
export const MAX_PASTE = 256 * 1024;
/** Milliseconds after which a lone ESC is the key, not the start of a sequence. */
export const ESCAPE_MS = 50;

/** Bytes of a sequence to keep: no known one is longer. */
const MAX_SEQUENCE = 64;

const ESC = 0x1b;
const DEL = 0x7f;
const BEL = 0x07;
const PASTE_END = new TextEncoder().encode("\x1b[201~");

/** Final characters of `ESC [ … X` and `ESC O X` (xterm, VT220, Linux console). */
const BY_LETTER: Readonly<Record<string, string>> = {
  ...{ A: "up", B: "down", C: "right", D: "left", E: "begin", F: "end", H: "home" },
  ...{ P: "f1", Q: "f2", R: "f3", S: "f4", Z: "S-tab" },
};
/** rxvt: arrows with Shift after `ESC [`, with Ctrl after `ESC O`. */
const BY_SMALL_LETTER: Readonly<Record<string, string>> = {
  ...{ a: "up", b: "down", c: "right", d: "left" },
};
/** The keypad in its application mode, after `ESC O`. */
const KEYPAD: Readonly<Record<string, string>> = {
  ...{ j: "*", k: "+", l: ",", m: "-", n: ".", o: "/", X: "=" },
  ...{ p: "0", q: "1", r: "2", s: "3", t: "4", u: "5", v: "6", w: "7", x: "8", y: "9" },
};
/** First numbers of `ESC [ N ~`. */
const BY_NUMBER: Readonly<Record<number, string>> = {
  ...{ 1: "home", 2: "insert", 3: "delete", 4: "end", 5: "pageup", 6: "pagedown" },
  ...{ 7: "home", 8: "end", 11: "f1", 12: "f2", 13: "f3", 14: "f4", 15: "f5", 17: "f6" },
  ...{ 18: "f7", 19: "f8", 20: "f9", 21: "f10", 23: "f11", 24: "f12" },
};
/** The Linux console's `ESC [ [ X`. */
const CONSOLE: Readonly<Record<string, string>> = {
  ...{ A: "f1", B: "f2", C: "f3", D: "f4", E: "f5" },
};
/** Control characters with a key of their own. */
const CONTROLS: Readonly<Record<number, string>> = {
  ...{ 0x00: "C-space", 0x08: "backspace", 0x09: "tab", 0x0d: "enter" },
  ...{ 0x1c: "C-\\", 0x1d: "C-]", 0x1e: "C-^", 0x1f: "C-_", [DEL]: "backspace" },
};

interface Modifiers {
  readonly ctrl?: boolean;
  readonly alt?: boolean;
  readonly shift?: boolean;
}

/** The decoder's place in a sequence. */
type DecoderState =
  | { readonly at: "ground" }
  /** After ESC; `twice` after a second one, which some terminals send for Alt. */
  | { readonly at: "escape"; readonly twice: boolean }
  /** After `ESC [` or `ESC O`. */
  | { readonly at: "sequence"; readonly opener: "[" | "O"; readonly alt: boolean; text: string }
  /** After `ESC [ [`. */
  | { readonly at: "console"; readonly alt: boolean }
  /** After `ESC [ M`: the three bytes of a mouse report. */
  | { readonly at: "mouse"; left: number }
  /** In a control string (OSC, DCS, APC, PM, SOS), until BEL or `ESC \`. */
  | { readonly at: "string"; readonly opener: string; text: string; escaped: boolean }
  | { readonly at: "paste"; readonly bytes: number[]; matched: number; tooLarge: boolean };

const GROUND: DecoderState = { at: "ground" };

/** An answer to OSC 11, or its beginning. */
const BACKGROUND = /^11;([#\w:/]*)$/;

/**
 * Decodes the bytes of a terminal into keys, however they are split. Unknown sequences are dropped as
 * a whole, so that no part of them is typed.
 */
export class KeyDecoder {
  #state: DecoderState = GROUND;
  #keys: TerminalInput[] = [];
  #text = "";
  /** Alt belongs to the next character. */
  #alt = false;
  // A byte order mark is an ordinary character here.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /**
   * Whether the last bytes may be a key or the start of a sequence: unless more bytes come within
   * {@linkcode ESCAPE_MS}, call {@linkcode timeout}.
   */
  get pending(): boolean {
    const state = this.#state;
    // No user types the beginning of an answer: the rest will come, however slowly.
    return state.at === "escape" || (state.at === "string" && !isAnswer(state)) ||
      (state.at === "sequence" && state.text === "");
  }

  /** Decodes bytes. An incomplete key is returned once it is complete. */
  push(bytes: Uint8Array): readonly TerminalInput[] {
    let start: number | undefined;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#state.at === "ground" && byte >= 0x20 && byte !== DEL) {
        start ??= at;
        continue;
      }
      if (start !== undefined) this.#type(bytes.subarray(start, at));
      start = undefined;
      this.#byte(byte);
    }
    if (start !== undefined) this.#type(bytes.subarray(start));
    return this.#flush();
  }

  /** Decides about {@linkcode pending} bytes after no more came. */
  timeout(): readonly TerminalInput[] {
    const state = this.#state;
    if (!this.pending) return [];
    this.#state = GROUND;
    if (state.at === "escape") this.#press("escape");
    else if (state.at === "sequence") this.#press(state.opener, { alt: true });
    else if (state.at === "string" && state.text === "") this.#press(state.opener, { alt: true });
    return this.#flush();
  }

  #flush(): readonly TerminalInput[] {
    this.#endText();
    const keys = this.#keys;
    this.#keys = [];
    return keys;
  }

  /** Decodes text, whose last character may be incomplete. */
  #type(bytes: Uint8Array): void {
    this.#characters(this.#decoder.decode(bytes, { stream: true }));
  }

  #characters(text: string): void {
    if (this.#alt && text !== "") {
      const [first = ""] = text;
      this.#alt = false;
      this.#press(first, { alt: true });
      this.#text += text.slice(first.length);
    } else {
      this.#text += text;
    }
  }

  /** Ends a run of text; an incomplete character becomes a replacement character. */
  #endCharacter(): void {
    this.#characters(this.#decoder.decode());
    this.#alt = false;
  }

  #endText(): void {
    if (this.#text !== "") this.#keys.push({ kind: "text", text: this.#text });
    this.#text = "";
  }

  #emit(input: TerminalInput): void {
    this.#endText();
    this.#keys.push(input);
  }

  #press(key: string, { ctrl, alt, shift }: Modifiers = {}): void {
    const name = `${ctrl ? "C-" : ""}${alt ? "M-" : ""}${shift ? "S-" : ""}${key}`;
    this.#emit({ kind: "press", key: name });
  }

  /** Decodes one byte that is not ordinary text. */
  #byte(byte: number): void {
    const state = this.#state;
    switch (state.at) {
      case "ground":
        this.#endCharacter();
        if (byte === ESC) this.#state = { at: "escape", twice: false };
        else this.#control(byte, false);
        return;
      case "escape":
        return this.#afterEscape(byte, state.twice);
      case "sequence":
        return this.#inSequence(byte, state);
      case "console": {
        this.#state = GROUND;
        const key = CONSOLE[String.fromCharCode(byte)];
        if (key !== undefined) this.#press(key, { alt: state.alt });
        return;
      }
      case "mouse":
        if (--state.left === 0) this.#state = GROUND;
        return;
      case "string":
        return this.#inString(byte, state);
      case "paste":
        return this.#inPaste(byte, state);
    }
  }

  #control(byte: number, alt: boolean): void {
    const key = CONTROLS[byte];
    if (key === undefined) this.#press(String.fromCharCode(byte + 0x60), { ctrl: true, alt });
    else if (key.startsWith("C-")) this.#press(key.slice(2), { ctrl: true, alt });
    else this.#press(key, { alt });
  }

  #afterEscape(byte: number, twice: boolean): void {
    this.#state = GROUND;
    const character = String.fromCharCode(byte);
    if (byte === ESC) {
      this.#state = { at: "escape", twice: true };
    } else if (byte < 0x20 || byte === DEL) {
      this.#control(byte, true);
    } else if (character === "[" || character === "O") {
      this.#state = { at: "sequence", opener: character, alt: twice, text: "" };
    } else if ("]PX^_".includes(character)) {
      this.#state = { at: "string", opener: character, text: "", escaped: false };
    } else if (byte < 0x80) {
      this.#press(character, { alt: true });
    } else {
      this.#alt = true;
      this.#type(Uint8Array.of(byte));
    }
  }

  #inSequence(byte: number, state: DecoderState & { readonly at: "sequence" }): void {
    const { opener, alt } = state;
    const character = String.fromCharCode(byte);
    if (byte === ESC) {
      this.#state = { at: "escape", twice: false };
    } else if (byte < 0x20 || byte >= DEL) {
      // No sequence contains such a byte: this one was cut off.
      this.#state = GROUND;
      if (byte >= 0x80) this.#type(Uint8Array.of(byte));
      else this.#control(byte, false);
    } else if (byte < 0x40 && !(character === "$" && /^\d+$/.test(state.text))) {
      if (state.text.length < MAX_SEQUENCE) state.text += character;
    } else if (opener === "[" && state.text === "" && character === "[") {
      this.#state = { at: "console", alt };
    } else if (opener === "[" && state.text === "" && character === "M") {
      this.#state = { at: "mouse", left: 3 };
    } else {
      this.#state = GROUND;
      if (opener === "[") this.#controlSequence(state.text, character, alt);
      else this.#singleShift(state.text, character, alt);
    }
  }

  #inString(byte: number, state: DecoderState & { readonly at: "string" }): void {
    if (byte === BEL || (state.escaped && byte === 0x5c)) {
      this.#state = GROUND;
      if (isAnswer(state)) {
        this.#emit({ kind: "background", color: BACKGROUND.exec(state.text)?.[1] ?? "" });
      }
      return;
    }
    state.escaped = byte === ESC;
    if (byte !== ESC && state.text.length < MAX_SEQUENCE) state.text += String.fromCharCode(byte);
  }

  /** `ESC O`, a modifier from some terminals, and a letter. */
  #singleShift(text: string, final: string, alt: boolean): void {
    if (!/^\d*$/.test(text)) return;
    const held = modifiers(Number(text || "1"), alt);
    const key = BY_LETTER[final];
    const arrow = BY_SMALL_LETTER[final];
    const character = KEYPAD[final];
    if (key !== undefined) this.#press(key, held);
    else if (final === "M") this.#press("enter", held);
    else if (arrow !== undefined) this.#press(arrow, { ctrl: true, alt });
    else if (character !== undefined && !alt) this.#text += character;
  }

  /** `ESC [`, numbers and a letter. */
  #controlSequence(text: string, final: string, alt: boolean): void {
    if (final === "c" && text.startsWith("?")) return this.#emit({ kind: "attributes" });
    // Anything else is a report, such as of the mouse or the focus.
    if (!/^[\d;:]*$/.test(text) || text.length >= MAX_SEQUENCE) return;
    const [first = 1, second = 1, third = 0] = text.split(";").map((part) => parseInt(part) || 1);
    const letter = BY_LETTER[final];
    const small = BY_SMALL_LETTER[final];
    if (letter === "S-tab") return this.#press(letter);
    if (letter !== undefined) return this.#press(letter, modifiers(second, alt));
    if (small !== undefined) return this.#press(small, { shift: true, alt });
    if (final === "u") return this.#coded(first, modifiers(second, alt));
    if (final === "~" && first === 27) return this.#coded(third, modifiers(second, alt));
    if (final === "~" && text === "200") {
      this.#state = { at: "paste", bytes: [], matched: 0, tooLarge: false };
      return;
    }
    const key = BY_NUMBER[first];
    if (key === undefined) return;
    if (final === "~") this.#press(key, modifiers(second, alt));
    else if (final === "^") this.#press(key, { ctrl: true, alt });
    else if (final === "$") this.#press(key, { shift: true, alt });
    else if (final === "@") this.#press(key, { ctrl: true, alt, shift: true });
  }

  /** A key given by its character code, as with xterm's modifyOtherKeys. */
  #coded(code: number, held: Modifiers): void {
    const named = code === ESC ? "escape" : CONTROLS[code];
    if (named !== undefined) return this.#press(named, held);
    // Surrogates and private use: some terminals use these codes for keys that are no characters.
    if (code < 0x20 || code > 0x10ffff || (code >= 0xd800 && code <= 0xf8ff)) return;
    const character = String.fromCodePoint(code);
    if (held.ctrl || held.alt) {
      this.#press(character.toLowerCase(), { ctrl: held.ctrl ?? false, alt: held.alt ?? false });
    } else {
      this.#text += character;
    }
  }

  #inPaste(byte: number, state: DecoderState & { readonly at: "paste" }): void {
    if (byte === PASTE_END[state.matched]) {
      if (++state.matched < PASTE_END.length) return;
      this.#state = GROUND;
      this.#emit(
        state.tooLarge ? { kind: "pasteTooLarge" } : { kind: "paste", text: pasted(state.bytes) },
      );
      return;
    }
    this.#keep(state, PASTE_END.subarray(0, state.matched));
    state.matched = byte === ESC ? 1 : 0;
    if (byte !== ESC) this.#keep(state, [byte]);
  }

  #keep(state: DecoderState & { readonly at: "paste" }, bytes: Iterable<number>): void {
    if (state.tooLarge) return;
    state.bytes.push(...bytes);
    state.tooLarge = state.bytes.length > MAX_PASTE;
    if (state.tooLarge) state.bytes.length = 0;
  }
}

function isAnswer({ opener, text }: DecoderState & { readonly at: "string" }): boolean {
  return opener === "]" && text.length < MAX_SEQUENCE && BACKGROUND.test(text);
}

/** xterm's modifiers: one more than the sum of Shift 1, Alt 2, Ctrl 4, Meta 8. */
function modifiers(number: number, alt: boolean): Modifiers {
  const bits = number - 1;
  return {
    shift: (bits & 1) !== 0,
    alt: alt || (bits & 10) !== 0,
    ctrl: (bits & 4) !== 0,
  };
}

function pasted(bytes: readonly number[]): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes))
    .replaceAll(/\r\n?/g, "\n");
}

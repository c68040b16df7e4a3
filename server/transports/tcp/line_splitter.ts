/** The bytes of telnet that this port handles (RFC 854, RFC 860). */
const TELNET = {
  /** The lowest byte that is a command after `iac`. */
  lowest: 236,
  endOfSubnegotiation: 240,
  interrupt: 244,
  areYouThere: 246,
  eraseLine: 248,
  subnegotiation: 250,
  will: 251,
  wont: 252,
  do: 253,
  dont: 254,
  /** "Interpret as command": starts everything that is not text. */
  iac: 255,
  /** The option that asks whether all earlier input is processed. */
  timingMark: 6,
} as const;

/** A part of the input. */
export type LineEvent =
  /** One line, without its end. `crlf`: the client ends lines as telnet does. */
  | { readonly kind: "line"; readonly text: string; readonly crlf: boolean }
  /** A line that is not UTF-8. Replacement characters would change it silently. */
  | { readonly kind: "garbled" }
  /** Bytes to send back as they are: telnet expects them. */
  | { readonly kind: "answer"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Ctrl-C in telnet. */
  | { readonly kind: "interrupt" }
  /** The user asks, in telnet, whether the server still answers. */
  | { readonly kind: "areYouThere" };

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

/** Longer input is not a subnegotiation. In bytes. */
const MAX_SUBNEGOTIATION = 512;

/** Timing marks answered again. A few come with each Ctrl-C, and the first ends the connection. */
const MAX_MARKS = 100;

/** Initial buffer size in bytes; most lines are shorter. */
const FIRST_BUFFER = 256;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** State of the parser for telnet commands. */
type SplitterState = "text" | "command" | "option" | "subnegotiation" | "subnegotiationCommand";

/**
 * Splits a stream of bytes into lines and removes telnet commands (RFC 854). Packets may end
 * anywhere.
 *
 * A line over the limit is emitted at once, cut off and ending in `…`, which makes it longer than
 * any message may be; the rest of it is ignored. Memory never exceeds the limit.
 */
export class LineSplitter {
  #line = new Uint8Array(FIRST_BUFFER);
  #length = 0;
  /** Whether the current line exceeded the limit and was emitted. */
  #tooLong = false;
  #afterCr = false;
  #endedLines = false;
  #spokeTelnet = false;
  #state: SplitterState = "text";
  #verb = 0;
  #subnegotiation = 0;
  /** Options refused so far. Refusing an option again could loop forever. */
  readonly #refusedOptions = new Set<number>();
  #timingMarks = 0;

  /** @param maxBytes limit of one line, without its end. */
  constructor(private readonly maxBytes: number) {}

  /** Emits what `bytes` complete. */
  *push(bytes: Uint8Array): Generator<LineEvent, void, undefined> {
    for (const byte of bytes) {
      const event = this.#state === "text" ? this.#text(byte) : this.#telnet(byte);
      if (event !== undefined) yield event;
    }
  }

  /**
   * Whether the current line may never end: the client has not ended any line yet, and is not
   * telnet, which may send key by key.
   */
  get mayNeverEnd(): boolean {
    return this.#length > 0 && !this.#tooLong && !this.#endedLines && !this.#spokeTelnet;
  }

  /** Ends the current line. */
  end(): LineEvent | undefined {
    return this.#length > 0 || this.#afterCr ? this.#endLine(false) : undefined;
  }

  #text(byte: number): LineEvent | undefined {
    if (byte === TELNET.iac) {
      this.#spokeTelnet = true;
      this.#state = "command";
      return undefined;
    }
    if (this.#afterCr) {
      this.#afterCr = false;
      // Enter sends CR LF, or CR NUL when telnet sends each key.
      if (byte === LF || byte === NUL) {
        this.#endedLines = true;
        return this.#endLine(true);
      }
      const event = this.#add(CR);
      if (event === undefined) return this.#text(byte);
      // The line was too long and is emitted; the rest is ignored.
      this.#afterCr = byte === CR;
      return event;
    }
    if (byte === LF) {
      this.#endedLines = true;
      return this.#endLine(false);
    }
    if (byte === CR) {
      this.#afterCr = true;
      return undefined;
    }
    return this.#add(byte);
  }

  #add(byte: number): LineEvent | undefined {
    if (this.#tooLong) return undefined;
    if (this.#length >= this.maxBytes) {
      const text = decoder.decode(this.#line.subarray(0, this.#length)) + "…";
      this.#reset();
      this.#tooLong = true;
      return { kind: "line", text, crlf: false };
    }
    if (this.#length === this.#line.length) this.#grow();
    this.#line[this.#length++] = byte;
    return undefined;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.min(2 * this.#line.length, this.maxBytes));
    larger.set(this.#line);
    this.#line = larger;
  }

  #endLine(crlf: boolean): LineEvent | undefined {
    this.#afterCr = false;
    const tooLong = this.#tooLong;
    this.#tooLong = false;
    if (tooLong) return undefined;
    const bytes = this.#line.subarray(0, this.#length);
    this.#reset();
    try {
      return { kind: "line", text: strictDecoder.decode(bytes), crlf };
    } catch (error) {
      if (error instanceof TypeError) return { kind: "garbled" };
      throw error;
    }
  }

  #reset(): void {
    this.#length = 0;
    // Frees the buffer of a long line.
    if (this.#line.length > FIRST_BUFFER) this.#line = new Uint8Array(FIRST_BUFFER);
  }

  #telnet(byte: number): LineEvent | undefined {
    switch (this.#state) {
      case "command":
        return this.#command(byte);
      case "option":
        this.#state = "text";
        return this.#refuse(byte);
      case "subnegotiation":
        if (byte === TELNET.iac) this.#state = "subnegotiationCommand";
        else if (++this.#subnegotiation > MAX_SUBNEGOTIATION) this.#state = "text";
        return undefined;
      default:
        this.#state = byte === TELNET.endOfSubnegotiation ? "text" : "subnegotiation";
        return undefined;
    }
  }

  #command(byte: number): LineEvent | undefined {
    this.#state = "text";
    switch (byte) {
      case TELNET.will:
      case TELNET.wont:
      case TELNET.do:
      case TELNET.dont:
        this.#verb = byte;
        this.#state = "option";
        return undefined;
      case TELNET.subnegotiation:
        this.#subnegotiation = 0;
        this.#state = "subnegotiation";
        return undefined;
      case TELNET.interrupt:
        return { kind: "interrupt" };
      case TELNET.areYouThere:
        return { kind: "areYouThere" };
      case TELNET.eraseLine:
        this.#reset();
        return undefined;
    }
    // The other telnet commands need no answer.
    if (byte >= TELNET.lowest && byte < TELNET.iac) return undefined;
    // Not telnet: 0xff is input, and never UTF-8. The byte after it counts as well.
    const event = this.#afterCr ? this.#addAfterCr() : this.#add(TELNET.iac);
    // Doubled, it stands for one such byte.
    if (byte === TELNET.iac || event !== undefined) return event;
    return this.#text(byte);
  }

  #addAfterCr(): LineEvent | undefined {
    this.#afterCr = false;
    return this.#add(CR) ?? this.#add(TELNET.iac);
  }

  /** Refuses every option. */
  #refuse(option: number): LineEvent | undefined {
    const verb = this.#verb;
    if (verb !== TELNET.do && verb !== TELNET.will) return undefined;
    const key = verb << 8 | option;
    // After Ctrl-C, telnet discards output until its timing mark is answered (RFC 860).
    if (this.#refusedOptions.has(key)) {
      if (option !== TELNET.timingMark || this.#timingMarks === MAX_MARKS) return undefined;
      this.#timingMarks++;
    }
    this.#refusedOptions.add(key);
    const no = verb === TELNET.do ? TELNET.wont : TELNET.dont;
    return { kind: "answer", bytes: new Uint8Array([TELNET.iac, no, option]) };
  }
}

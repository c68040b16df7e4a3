import { TELNET } from "./telnet.ts";

/** What came in over a connection of lines. */
export type LineEvent =
  /** One line, without its end; `crlf`: the client ends lines as telnet does. */
  | { readonly kind: "line"; readonly text: string; readonly crlf: boolean }
  /** A line that is not UTF-8: replacement characters would change it without a word. */
  | { readonly kind: "garbled" }
  /** What telnet must be answered, as it is. */
  | { readonly kind: "answer"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Ctrl-C in telnet. */
  | { readonly kind: "interrupt" }
  /** Somebody asks in telnet whether the other side is still there. */
  | { readonly kind: "areYouThere" };

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

/** Bytes of a subnegotiation at most: what is longer was never one. */
const MAX_SUBNEGOTIATION = 512;

/** Timing marks answered again: a few come with each Ctrl-C, and the first one ends the connection. */
const MAX_MARKS = 100;

/** Bytes that a line gets to begin with; most are shorter. */
const FIRST_BUFFER = 256;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Where the reading of telnet's own bytes stands. */
type SplitterState = "text" | "command" | "option" | "subnegotiation" | "subnegotiationCommand";

/**
 * Cuts a stream of bytes into lines, wherever it was split on its way, and takes telnet's own bytes
 * (RFC 854) out of it.
 *
 * A line longer than the limit comes out as soon as it is, cut and ending in `…`, which makes it
 * longer than any message may be; the rest of it is passed over. It never takes more memory than
 * the limit.
 */
export class LineSplitter {
  #line = new Uint8Array(FIRST_BUFFER);
  #length = 0;
  /** Whether the line under way was longer than the limit and has come out already. */
  #over = false;
  #afterCr = false;
  #endedLines = false;
  #spokeTelnet = false;
  #state: SplitterState = "text";
  #verb = 0;
  #subnegotiation = 0;
  /** What was refused already: a client that offers it again would go on for ever. */
  readonly #refused = new Set<number>();
  /** Timing marks that were answered again. */
  #marks = 0;

  /** @param maxBytes of one line, without its end. */
  constructor(private readonly maxBytes: number) {}

  /** Takes bytes in and gives out what they complete. */
  *push(bytes: Uint8Array): Generator<LineEvent, void, undefined> {
    for (const byte of bytes) {
      const heard = this.#state === "text" ? this.#text(byte) : this.#telnet(byte);
      if (heard !== undefined) yield heard;
    }
  }

  /**
   * Whether something waits for the end of its line that may never come: the client has not ended
   * any line so far, and is no telnet, which may send key by key.
   */
  get mayNeverEnd(): boolean {
    return this.#length > 0 && !this.#over && !this.#endedLines && !this.#spokeTelnet;
  }

  /** The last line, which nobody ended, when the input is over. */
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
      // Enter is CR LF, or CR NUL where telnet sends each key.
      if (byte === LF || byte === NUL) {
        this.#endedLines = true;
        return this.#endLine(true);
      }
      const heard = this.#add(CR);
      if (heard === undefined) return this.#text(byte);
      // What made the line too long came out; of the rest nothing is kept.
      this.#afterCr = byte === CR;
      return heard;
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
    if (this.#over) return undefined;
    if (this.#length >= this.maxBytes) {
      const text = decoder.decode(this.#line.subarray(0, this.#length)) + "…";
      this.#reset();
      this.#over = true;
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
    const over = this.#over;
    this.#over = false;
    if (over) return undefined;
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
    // A long line does not keep its room for the rest of the connection.
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
    // Other commands of telnet ask for nothing.
    if (byte >= TELNET.lowest && byte < TELNET.iac) return undefined;
    // No telnet: 0xff is a byte like others, and never UTF-8. What follows it still counts.
    const heard = this.#afterCr ? this.#addAfterCr() : this.#add(TELNET.iac);
    // Escaped, it stands for one such byte.
    if (byte === TELNET.iac || heard !== undefined) return heard;
    return this.#text(byte);
  }

  #addAfterCr(): LineEvent | undefined {
    this.#afterCr = false;
    return this.#add(CR) ?? this.#add(TELNET.iac);
  }

  /** Says no to every option: lines are all there is. */
  #refuse(option: number): LineEvent | undefined {
    const asked = this.#verb;
    if (asked !== TELNET.do && asked !== TELNET.will) return undefined;
    const key = asked << 8 | option;
    // After each Ctrl-C, telnet shows nothing until its timing mark is answered (RFC 860).
    if (this.#refused.has(key)) {
      if (option !== TELNET.timingMark || this.#marks === MAX_MARKS) return undefined;
      this.#marks++;
    }
    this.#refused.add(key);
    const no = asked === TELNET.do ? TELNET.wont : TELNET.dont;
    return { kind: "answer", bytes: new Uint8Array([TELNET.iac, no, option]) };
  }
}

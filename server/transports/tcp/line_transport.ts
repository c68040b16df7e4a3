import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import type { Transport } from "../../transport.ts";
import { CLOSE } from "../../../protocol.ts";

/** UTF-16 units handed to the system at once: what cannot be taken back when a reader falls behind. */
const WRITE_LENGTH = 64 * 1024;

/** Bytes of answers to telnet that may wait: whoever asks that much is not waiting for them. */
const MAX_ANSWERS = 1024;

/** Milliseconds that the other side has to take the last lines, or to agree to the end. */
const LINGER = 2000;

const encoder = new TextEncoder();

/**
 * A TCP connection as a {@linkcode Transport}: each frame is a line (or a few).
 *
 * Writing never waits: what the system does not take is kept here, and the hub looks at
 * `bufferedAmount` before it sends more. There is no close frame, so the reason of an end is the
 * last line.
 */
export class LineTransport implements Transport {
  readonly kind = "tcp";
  /** Whether lines end in CR LF, as telnet's do: the hub does as the client does. */
  crlf = false;
  #waiting: string[] = [];
  #waitingLength = 0;
  readonly #answers: number[] = [];
  #writing = 0;
  #pumping = false;
  #last = "";
  #ending = false;
  #closed = false;
  #cancelLinger: Cancel | undefined;
  #whenDrained: (() => void) | undefined;
  /** When the system last took something, or had nothing to take, by the monotonic clock. */
  #progressAt: number;

  /** @param onBroken told once, when writing failed. */
  constructor(
    private readonly conn: Deno.TcpConn,
    readonly address: string,
    private readonly clock: ServerClock,
    private readonly onBroken: () => void,
  ) {
    this.#progressAt = clock.monotonic();
  }

  get port(): number {
    return this.conn.remoteAddr.port;
  }

  get bufferedAmount(): number {
    return this.#waitingLength + this.#writing;
  }

  /** Whether nothing of what still comes in is wanted. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Milliseconds for which the other side has taken nothing of what waits for it. */
  stalledFor(now: number): number {
    return this.bufferedAmount === 0 ? 0 : now - this.#progressAt;
  }

  send(text: string): void {
    if (!this.#ending) this.#queue(text + "\n");
  }

  /** Sends telnet's own bytes; they go before the lines that wait, which they have no order with. */
  answer(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#ending || this.#answers.length >= MAX_ANSWERS) return;
    this.#answers.push(...bytes);
    this.#wake();
  }

  close(code: number, reason: string): void {
    if (this.#ending) return;
    if (code === CLOSE.fellBehind) {
      // It would have to read all of that first, to find out that it must come back for it.
      this.#waiting = [];
      this.#waitingLength = 0;
    }
    const line = `* ${reason}\n`;
    if (reason !== "" && line !== this.#last) this.#queue(line);
    this.#ending = true;
    this.#lingerOn();
    if (!this.#pumping) this.#finish();
  }

  /** Resolves when a connection that is ending has sent everything, or has been ended before. */
  async drained(): Promise<void> {
    if (this.#closed || !this.#pumping) return;
    await new Promise<void>((resolve) => this.#whenDrained = resolve);
  }

  /** Ends the connection as it is. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending = true;
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#writing = 0;
    this.#cancelLinger?.();
    this.#whenDrained?.();
    this.conn.close();
  }

  #queue(line: string): void {
    if (this.bufferedAmount === 0) this.#progressAt = this.clock.monotonic();
    this.#last = line;
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#wake();
  }

  /** Gives the other side its time; more of it, as long as it takes what was sent. */
  #lingerOn(): void {
    this.#cancelLinger = this.clock.after(LINGER, () => {
      const taking = this.bufferedAmount > 0 && this.stalledFor(this.clock.monotonic()) < LINGER;
      if (taking) this.#lingerOn();
      else this.destroy();
    });
  }

  #wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // What else this turn brings goes into the same write.
    queueMicrotask(() => this.#pump().catch(() => this.#broke()));
  }

  async #pump(): Promise<void> {
    while (this.#waiting.length > 0 || this.#answers.length > 0) {
      const answers = new Uint8Array(this.#answers.splice(0));
      if (answers.length > 0) {
        await this.#write(answers);
      }
      const lines = this.#take();
      this.#writing = lines.length;
      const text = this.crlf ? lines.replaceAll("\n", "\r\n") : lines;
      await this.#write(encoder.encode(text));
      this.#writing = 0;
    }
    this.#pumping = false;
    if (this.#ending && !this.#closed) this.#finish();
  }

  #take(): string {
    let count = 0;
    let length = 0;
    for (const line of this.#waiting) {
      if (count > 0 && length + line.length > WRITE_LENGTH) break;
      length += line.length;
      count++;
    }
    this.#waitingLength -= length;
    return this.#waiting.splice(0, count).join("");
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.conn.write(bytes.subarray(done));
      this.#progressAt = this.clock.monotonic();
    }
  }

  /** Says that nothing more will come. What the client still sends is read, or it would lose the last lines. */
  #finish(): void {
    this.#whenDrained?.();
    // The client may be gone, and that is as well.
    this.conn.closeWrite().catch(() => this.destroy());
  }

  #broke(): void {
    if (this.#closed) return;
    this.destroy();
    this.onBroken();
  }
}

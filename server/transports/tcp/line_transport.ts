import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import type { Transport } from "../../transport.ts";
import { CLOSE } from "../../../protocol.ts";

/** UTF-16 units per write: these cannot be taken back when a reader falls behind. */
const WRITE_LENGTH = 64 * 1024;

/** Buffered bytes of answers to telnet, at most: a client with more does not read them. */
const MAX_ANSWERS = 1024;

/** Milliseconds that the client has to read the last lines, or to close its side. */
const LINGER = 2000;

const encoder = new TextEncoder();

/**
 * A TCP connection as a {@linkcode Transport}: each frame is a line (or a few).
 *
 * There is no close frame, so the reason for the end is the last line.
 */
export class LineTransport implements Transport {
  readonly kind = "tcp";
  /** Whether lines end in CR LF: the hub follows the client. */
  crlf = false;
  #pending: string[] = [];
  #pendingLength = 0;
  readonly #answers: number[] = [];
  #writing = 0;
  #pumping = false;
  #lastLine = "";
  #ending = false;
  #closed = false;
  #cancelLinger: Cancel | undefined;
  #onDrained: (() => void) | undefined;
  /** When the system last accepted bytes, or had none to accept, by the monotonic clock. */
  #progressAt: number;

  /** @param onBroken called once, when a write failed. */
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
    return this.#pendingLength + this.#writing;
  }

  /** Whether the connection is closed or closing: input is ignored. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Milliseconds since the client last read, while something is buffered. */
  stalledFor(now: number): number {
    return this.bufferedAmount === 0 ? 0 : now - this.#progressAt;
  }

  send(text: string): void {
    if (!this.#ending) this.#queue(text + "\n");
  }

  /** Sends telnet commands, ahead of the lines that are buffered. */
  answer(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#ending || this.#answers.length >= MAX_ANSWERS) return;
    this.#answers.push(...bytes);
    this.#wake();
  }

  close(code: number, reason: string): void {
    if (this.#ending) return;
    if (code === CLOSE.fellBehind) {
      // The client will resume from the log; it need not read all of this first.
      this.#pending = [];
      this.#pendingLength = 0;
    }
    const line = `* ${reason}\n`;
    if (reason !== "" && line !== this.#lastLine) this.#queue(line);
    this.#ending = true;
    this.#startLinger();
    if (!this.#pumping) this.#finish();
  }

  /** Resolves when everything is sent, or the connection is destroyed. */
  async drained(): Promise<void> {
    if (this.#closed || !this.#pumping) return;
    await new Promise<void>((resolve) => this.#onDrained = resolve);
  }

  /** Ends the connection at once, without a reason. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending = true;
    this.#pending = [];
    this.#pendingLength = 0;
    this.#writing = 0;
    this.#cancelLinger?.();
    this.#onDrained?.();
    this.conn.close();
  }

  #queue(line: string): void {
    if (this.bufferedAmount === 0) this.#progressAt = this.clock.monotonic();
    this.#lastLine = line;
    this.#pending.push(line);
    this.#pendingLength += line.length;
    this.#wake();
  }

  /** Destroys the connection after a while; later if the client is still reading. */
  #startLinger(): void {
    this.#cancelLinger = this.clock.after(LINGER, () => {
      const reading = this.bufferedAmount > 0 && this.stalledFor(this.clock.monotonic()) < LINGER;
      if (reading) this.#startLinger();
      else this.destroy();
    });
  }

  #wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // Whatever else this turn sends goes into the same write.
    queueMicrotask(() => this.#pump().catch(() => this.#onWriteError()));
  }

  async #pump(): Promise<void> {
    while (this.#pending.length > 0 || this.#answers.length > 0) {
      const answers = new Uint8Array(this.#answers.splice(0));
      if (answers.length > 0) {
        await this.#write(answers);
      }
      const lines = this.#nextBatch();
      this.#writing = lines.length;
      const text = this.crlf ? lines.replaceAll("\n", "\r\n") : lines;
      await this.#write(encoder.encode(text));
      this.#writing = 0;
    }
    this.#pumping = false;
    if (this.#ending && !this.#closed) this.#finish();
  }

  #nextBatch(): string {
    let count = 0;
    let length = 0;
    for (const line of this.#pending) {
      if (count > 0 && length + line.length > WRITE_LENGTH) break;
      length += line.length;
      count++;
    }
    this.#pendingLength -= length;
    return this.#pending.splice(0, count).join("");
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.conn.write(bytes.subarray(done));
      this.#progressAt = this.clock.monotonic();
    }
  }

  /** Closes the writing side only: without reading on, the client could lose the last lines. */
  #finish(): void {
    this.#onDrained?.();
    // The client may be gone already.
    this.conn.closeWrite().catch(() => this.destroy());
  }

  #onWriteError(): void {
    if (this.#closed) return;
    this.destroy();
    this.onBroken();
  }
}

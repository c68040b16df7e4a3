import { until } from "./wait.ts";

const encoder = new TextEncoder();

/** Number of raw bytes kept: enough for telnet negotiation. */
const RAW_BYTES = 4096;

/** A TCP connection that keeps the lines it receives until a test reads them. */
export class LineClient implements AsyncDisposable {
  /** All complete lines so far. */
  readonly lines: string[] = [];
  /** The first bytes received, one character per byte. */
  raw = "";
  /** All text received. */
  text = "";
  /** Resolves when the hub has ended the connection; `false` if it was reset. */
  readonly ended: Promise<boolean>;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #read = 0;
  #over = false;

  private constructor(readonly conn: Deno.TcpConn) {
    this.ended = this.#receive();
  }

  /** Connects; with `greeted`, waits for the greeting with the name. */
  static async open(port: number, greeted = true): Promise<LineClient> {
    const client = new LineClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    if (greeted) await client.line(/^\* You are /);
    return client;
  }

  /** Sends text or bytes as they are. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let done = 0; done < bytes.length;) {
      done += await this.conn.write(bytes.subarray(done));
    }
  }

  /** The next line that matches; skips the lines before it. */
  async line(pattern: RegExp): Promise<string> {
    return await until(`a line like ${pattern}`, () => {
      while (this.#read < this.lines.length) {
        const line = this.lines[this.#read++] ?? "";
        if (pattern.test(line)) return line;
      }
      if (this.#over) throw new Error(`Ended before ${pattern} came:\n${this.text}`);
      return undefined;
    });
  }

  async #receive(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await this.conn.read(buffer);
        if (count === null) {
          await this.conn.closeWrite();
          return true;
        }
        const bytes = buffer.subarray(0, count);
        if (this.raw.length < RAW_BYTES) {
          this.raw += String.fromCharCode(...bytes.subarray(0, RAW_BYTES));
        }
        const text = this.#decoder.decode(bytes, { stream: true });
        this.text += text;
        const lines = (this.#rest + text).split("\n");
        this.#rest = lines.pop() ?? "";
        this.lines.push(...lines);
      }
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return false;
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        return false;
      }
      throw error;
    } finally {
      this.#over = true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.conn.close();
    } catch (error) {
      // The test has closed it.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.ended;
  }
}

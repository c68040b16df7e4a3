/** A TCP proxy that the test can cut: both ends see their connection break. */
export class Relay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  /** Whether new connections are closed at once. */
  refuse = false;
  /** Whether what the server sends is lost. */
  withholdAnswers = false;

  constructor(private readonly port: number) {
    this.#running = this.#run();
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Breaks all current connections. */
  cut(): void {
    for (const end of this.#ends) {
      try {
        end.close();
      } catch (error) {
        // It has already closed.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    this.#ends.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#running;
  }

  async #run(): Promise<void> {
    const pairs: Promise<unknown>[] = [];
    for await (const near of this.#listener) {
      if (this.refuse) {
        near.close();
        continue;
      }
      this.#ends.add(near);
      pairs.push(this.#join(near));
    }
    await Promise.all(pairs);
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    const far = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    this.#ends.add(far);
    const answers = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        if (!this.withholdAnswers) controller.enqueue(chunk);
      },
    });
    await Promise.all([
      this.#copy(near.readable, far),
      this.#copy(far.readable.pipeThrough(answers), near),
    ]);
  }

  async #copy(from: ReadableStream<Uint8Array<ArrayBuffer>>, to: Deno.TcpConn): Promise<void> {
    try {
      await from.pipeTo(to.writable);
    } catch {
      // Cut by the test, or closed by one end.
    } finally {
      this.#ends.delete(to);
    }
  }
}

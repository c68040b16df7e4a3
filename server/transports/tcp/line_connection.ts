import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import { CLOSE } from "../../../protocol.ts";
import type { Connection } from "../../connection.ts";
import { TEXT_ENCODER } from "../../encoders/text.ts";
import type { Hub } from "../../hub.ts";
import { Rejection } from "../../limits/rejection.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import { type LineEvent, LineSplitter } from "./line_splitter.ts";
import { LineTransport } from "./line_transport.ts";

/** Close code of a connection that broke (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/** Size of the read buffer that each connection has. */
const READ_BYTES = 4096;

/** Milliseconds of silence after which input without a line end counts as a line. */
export const LINE_PAUSE = 500;

const NO_TOKEN = "A token must come first: /token SECRET";
const PRESENT = "* Yes, the hub is here";

export interface LineConnectionOptions {
  readonly hub: Hub;
  readonly clock: ServerClock;
  readonly address: string;
  readonly limits: ServerLimits;
}

/** Serves one TCP client: reads its token if the hub requires one, then its lines. */
export class LineConnection {
  readonly transport: LineTransport;
  readonly #splitter: LineSplitter;
  /** `undefined` until the client may connect to the hub. */
  #connection: Connection | undefined;
  #firstLine = true;
  #cancelPause: Cancel | undefined;
  /** Resolves when the line that a pause has ended is handled. */
  #pausedLine: Promise<void> = Promise.resolve();
  #explainedPause = false;

  constructor(
    private readonly conn: Deno.TcpConn,
    private readonly options: LineConnectionOptions,
  ) {
    this.#splitter = new LineSplitter(options.limits.maxMessageBytes);
    this.transport = new LineTransport(conn, options.address, options.clock, () => this.#gone());
    // Eventually detects a machine that is gone and never sent anything.
    conn.setKeepAlive(true);
    // The hub batches lines already; waiting for more would only delay them.
    conn.setNoDelay(true);
  }

  /** Serves the client; resolves when the connection is closed. */
  async serve(): Promise<void> {
    const { clock, hub, limits: { helloTimeout } } = this.options;
    const cancelDeadline = clock.after(helloTimeout * 1000, () => {
      if (this.#connection !== undefined) return;
      this.#reject(new Rejection(401, `No token within ${helloTimeout} seconds`));
    });
    try {
      if (hub.authentication.required) {
        this.transport.send("* This hub wants a token. Give it as your first line: /token SECRET");
      } else {
        await this.#authenticate(undefined);
      }
      await this.#read();
      await this.#finish();
    } catch (error) {
      // Any other error is the hub's.
      if (isBroken(error)) this.#gone();
      else if (this.#connection === undefined) throw error;
      else this.#connection.fail(error);
    } finally {
      cancelDeadline();
      this.#cancelPause?.();
      await this.transport.drained();
      this.transport.destroy();
    }
  }

  /** Ends the connection if the client has read nothing of what is buffered for `milliseconds`. */
  closeIfStalled(now: number, milliseconds: number): void {
    if (this.transport.ending || this.transport.stalledFor(now) <= milliseconds) return;
    const seconds = Math.round(milliseconds / 1000);
    this.#close(CLOSE.noPong, `You took nothing of what was sent for ${seconds} seconds`);
  }

  /** Ends a connection that waits for a token; the hub ends those it knows. */
  closeUnauthenticated(reason: string): void {
    if (this.#connection === undefined) this.#close(CLOSE.normal, reason);
  }

  /** Ends the connection at once, without a reason. */
  destroy(): void {
    this.transport.destroy();
    this.#gone();
  }

  #close(code: number, reason: string): void {
    (this.#connection ?? this.transport).close(code, reason);
  }

  #reject(rejection: Rejection): void {
    if (this.transport.ending) return;
    this.options.hub.limiter.recordRejection(this.options.address, rejection);
    this.#close(CLOSE.normal, rejection.reason);
  }

  async #authenticate(token: string | undefined): Promise<void> {
    const { address, hub } = this.options;
    const access = await hub.limiter.authenticate(token, address);
    // The client may have left, or run out of time, during the check.
    if (this.transport.ending) return;
    if (!access.ok) return this.#reject(access);
    const params = { encoder: TEXT_ENCODER, rooms: [], grant: access.grant };
    this.#connection = hub.connect(this.transport, params);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    let started = false;
    for (;;) {
      const count = await this.conn.read(buffer);
      this.#cancelPause?.();
      await this.#pausedLine;
      if (count === null) break;
      // Read on, to notice the end of the connection.
      if (this.#ignoresInput) continue;
      const bytes = buffer.subarray(0, count);
      if (!started && isTls(bytes)) {
        this.#close(CLOSE.normal, "This port speaks plain lines, not TLS");
      }
      started = true;
      for (const event of this.#splitter.push(bytes)) {
        if (this.#ignoresInput) break;
        await this.#onEvent(event);
      }
      if (this.#splitter.mayNeverEnd) this.#awaitPause();
    }
    const last = this.#splitter.end();
    if (last !== undefined) await this.#onEvent(last);
  }

  /** Some clients send whole messages without line ends: for these, a pause ends the line. */
  #awaitPause(): void {
    this.#cancelPause = this.options.clock.after(LINE_PAUSE, () => {
      const line = this.#splitter.end();
      if (line === undefined) return;
      this.#pausedLine = this.#onEvent(line).then(() => {
        if (this.#explainedPause || this.transport.ending) return;
        this.#explainedPause = true;
        this.transport.send(
          `* That had no newline: after ${LINE_PAUSE} ms it counts as a line. End each with \\n`,
        );
      }).catch((error) => {
        if (this.#connection === undefined) this.destroy();
        else this.#connection.fail(error);
      });
    });
  }

  get #ignoresInput(): boolean {
    return this.transport.ending || this.#connection?.inputClosed === true;
  }

  async #onEvent(event: LineEvent): Promise<void> {
    if (this.#ignoresInput) return;
    switch (event.kind) {
      case "line":
        return await this.#onLine(event.text, event.crlf);
      case "answer":
        return this.transport.answer(event.bytes);
      case "garbled":
        this.#firstLine = false;
        // A token is always UTF-8.
        if (this.#connection === undefined) return this.#reject(new Rejection(401, NO_TOKEN));
        return await this.#reply(this.#connection, "* Not sent: the line is not UTF-8. Send UTF-8");
      case "areYouThere":
        if (this.#connection !== undefined) return await this.#reply(this.#connection, PRESENT);
        // One at a time, so that a client that does not read cannot fill the buffer.
        if (this.transport.bufferedAmount === 0) this.transport.send(PRESENT);
        return;
      case "interrupt":
        return this.#close(CLOSE.normal, "You left");
    }
  }

  async #onLine(text: string, crlf: boolean): Promise<void> {
    if (crlf) this.transport.crlf = true;
    const first = this.#firstLine;
    this.#firstLine = false;
    if (first && isHttp(text)) {
      return this.#close(CLOSE.normal, "This port speaks lines, not HTTP");
    }
    const connection = this.#connection;
    if (connection !== undefined) {
      // Further input waits at the client until the hub has handled earlier lines.
      await connection.idle();
      connection.receive(text);
      return;
    }
    const token = tokenOf(text);
    if (token === undefined) this.#reject(new Rejection(401, NO_TOKEN));
    else await this.#authenticate(token);
  }

  /** Answers input that is not a line, in its turn. It counts against the rate limit. */
  async #reply(connection: Connection, line: string): Promise<void> {
    await connection.idle();
    connection.reply(line);
  }

  /** After the end of input: delivers what the client is still to receive, then closes. */
  async #finish(): Promise<void> {
    if (this.#connection !== undefined) {
      await this.#connection.idle();
      await this.options.hub.flush();
    }
    this.#close(CLOSE.normal, "");
  }

  #gone(): void {
    this.#connection?.ended(ABNORMAL);
  }
}

/** The token of `/token SECRET` or `/login SECRET`. */
function tokenOf(line: string): string | undefined {
  return /^\/(?:token|login)\s+(\S+)\s*$/i.exec(line)?.[1];
}

/** Whether a client starts a TLS handshake: a record of type 22, version 3 (RFC 8446 section 5.1). */
function isTls(firstBytes: Uint8Array): boolean {
  return firstBytes[0] === 22 && (firstBytes.length < 2 || firstBytes[1] === 3);
}

/**
 * Whether a client takes the port for a web server. A page can make its browser send such a request
 * to any port, and the body would become messages.
 */
function isHttp(firstLine: string): boolean {
  return /^[A-Z]+ \S+ HTTP\/[0-9.]+$/.test(firstLine);
}

/** Whether an error only means that either side has ended the connection. */
function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    // The runtime has no class for an unreachable machine.
    (error instanceof Error && "code" in error && error.code === "EHOSTUNREACH");
}

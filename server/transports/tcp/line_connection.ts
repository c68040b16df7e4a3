import type { Cancel, ServerClock } from "../../../lib/clock.ts";
import { TEXT_ENCODER } from "../../encoders/encoder.ts";
import type { Hub } from "../../hub.ts";
import type { ServerLimits } from "../../limits/server_limits.ts";
import type { Connection } from "../../connection.ts";
import { recordRejection } from "../../rejections.ts";
import { CLOSE } from "../../../protocol.ts";
import { isHttp, isTls, tokenOf } from "./first_line.ts";
import { LineTransport } from "./line_transport.ts";
import { type LineEvent, LineSplitter } from "./line_splitter.ts";

/** Close code of a connection that broke (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/** Bytes read at once: every connection has a buffer of its own. */
const READ_BYTES = 4096;

/** Milliseconds after which what came without the end of a line counts as one. */
export const LINE_PAUSE = 500;

const NO_TOKEN = "A token must come first: /token SECRET";
const PRESENT = "* Yes, the hub is here";

/** What serving a client takes. */
export interface LineConnectionOptions {
  readonly hub: Hub;
  readonly clock: ServerClock;
  readonly address: string;
  readonly limits: ServerLimits;
}

/** One client of the line door, from its connection to its end. */
export class LineConnection {
  readonly #conn: Deno.TcpConn;
  readonly transport: LineTransport;
  readonly #lines: LineSplitter;
  #peer: Connection | undefined;
  #first = true;
  #cancelPause: Cancel | undefined;
  /** The line that a pause has ended, until it is answered. */
  #paused: Promise<void> = Promise.resolve();
  #toldOfPause = false;

  constructor(conn: Deno.TcpConn, private readonly options: LineConnectionOptions) {
    this.#conn = conn;
    this.#lines = new LineSplitter(options.limits.maxMessageBytes);
    this.transport = new LineTransport(conn, options.address, options.clock, () => this.#gone());
    // The system notices in the end that a machine is gone which never says anything.
    conn.setKeepAlive(true);
    // Lines are gathered by the turn already; waiting for more would only make them late.
    conn.setNoDelay(true);
  }

  /** Serves the client; resolves when the connection is closed. Never rejects. */
  async serve(): Promise<void> {
    const { clock, hub, limits: { helloTimeout } } = this.options;
    const cancelDeadline = clock.after(helloTimeout * 1000, () => {
      if (this.#peer === undefined) {
        this.#turnAway(401, `No token within ${helloTimeout} seconds`);
      }
    });
    try {
      if (hub.authentication.required) {
        this.transport.send("* This hub wants a token. Give it as your first line: /token SECRET");
      } else {
        await this.#enter(undefined);
      }
      await this.#read();
      await this.#finish();
    } catch (error) {
      // A connection that broke; everything else is a fault of the hub.
      if (isBroken(error)) this.#gone();
      else if (this.#peer === undefined) throw error;
      else this.#peer.fail(error);
    } finally {
      cancelDeadline();
      this.#cancelPause?.();
      await this.transport.drained();
      this.transport.destroy();
    }
  }

  /** Ends the connection if the client has taken nothing of what waits for it for `milliseconds`. */
  cutIfStalled(now: number, milliseconds: number): void {
    if (this.transport.ending || this.transport.stalledFor(now) <= milliseconds) return;
    const seconds = Math.round(milliseconds / 1000);
    const reason = `You took nothing of what was sent for ${seconds} seconds`;
    if (this.#peer === undefined) this.#say(reason);
    else this.#peer.close(CLOSE.noPong, reason);
  }

  /** Says why and ends a connection that is not part of the hub. */
  #say(reason: string): void {
    this.transport.close(CLOSE.normal, reason);
  }

  /** The same of one who may not come in, and counts it. */
  #turnAway(status: number, reason: string): void {
    if (this.transport.ending) return;
    recordRejection(this.options.hub, this.options.address, { status, reason });
    this.#say(reason);
  }

  /** Ends the connection as it is. */
  destroy(): void {
    this.transport.destroy();
    this.#gone();
  }

  /** Ends a connection that the hub does not know of; those it knows, it ends itself. */
  goodbye(reason: string): void {
    if (this.#peer === undefined) this.#say(reason);
  }

  async #enter(token: string | undefined): Promise<void> {
    const { address, hub } = this.options;
    const answer = await hub.authentication.check(token, { address });
    // It may have gone, or its time have run out, while its token was checked.
    if (this.transport.ending) return;
    if (answer.ok) {
      const introduction = { encoder: TEXT_ENCODER, rooms: [], grant: answer.grant };
      this.#peer = hub.connect(this.transport, introduction);
    } else {
      this.#turnAway(answer.failure === "throttled" ? 429 : 401, answer.reason);
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    let started = false;
    for (;;) {
      const count = await this.#conn.read(buffer);
      this.#cancelPause?.();
      await this.#paused;
      if (count === null) break;
      // Of a connection that is ending nothing counts but that it ends.
      if (this.#deaf) continue;
      const bytes = buffer.subarray(0, count);
      if (!started && isTls(bytes)) this.#turnOut("This port speaks plain lines, not TLS");
      started = true;
      for (const heard of this.#lines.push(bytes)) {
        if (this.#deaf) break;
        await this.#hear(heard);
      }
      if (this.#lines.mayNeverEnd) this.#awaitPause();
    }
    const last = this.#lines.end();
    if (last !== undefined) await this.#hear(last);
  }

  /** Some clients end no lines, and send each message at once: for them, a pause is an end. */
  #awaitPause(): void {
    this.#cancelPause = this.options.clock.after(LINE_PAUSE, () => {
      const line = this.#lines.end();
      if (line === undefined) return;
      this.#paused = this.#hear(line).then(() => {
        if (this.#toldOfPause || this.transport.ending) return;
        this.#toldOfPause = true;
        this.transport.send(
          `* That had no newline: after ${LINE_PAUSE} ms it counts as a line. End each with \\n`,
        );
      }).catch((error) => {
        if (this.#peer === undefined) this.destroy();
        else this.#peer.fail(error);
      });
    });
  }

  /** Whether nothing that comes in is looked at any more: the connection is ending, or about to. */
  get #deaf(): boolean {
    return this.transport.ending || this.#peer?.inputClosed === true;
  }

  async #hear(heard: LineEvent): Promise<void> {
    if (this.#deaf) return;
    switch (heard.kind) {
      case "line":
        return await this.#hearLine(heard.text, heard.crlf);
      case "answer":
        return this.transport.answer(heard.bytes);
      case "garbled":
        this.#first = false;
        // No token is like that.
        if (this.#peer === undefined) return this.#turnAway(401, NO_TOKEN);
        return await this.#reply(this.#peer, "* Not sent: the line is not UTF-8. Send UTF-8");
      case "areYouThere":
        if (this.#peer !== undefined) return await this.#reply(this.#peer, PRESENT);
        // One at a time: whoever asks faster than it reads is not waiting for the answers.
        if (this.transport.bufferedAmount === 0) this.transport.send(PRESENT);
        return;
      case "interrupt":
        return this.#turnOut("Goodbye");
    }
  }

  async #hearLine(text: string, crlf: boolean): Promise<void> {
    if (crlf) this.transport.crlf = true;
    const first = this.#first;
    this.#first = false;
    if (first && isHttp(text)) return this.#turnOut("This port speaks lines, not HTTP");
    const peer = this.#peer;
    if (peer !== undefined) {
      await this.#answered(peer);
      this.options.hub.receive(peer, text);
      return;
    }
    const token = tokenOf(text);
    if (token === undefined) this.#turnAway(401, NO_TOKEN);
    else await this.#enter(token);
  }

  /** Answers what is no line, in its turn; the hub holds it to the rate. */
  async #reply(peer: Connection, line: string): Promise<void> {
    await this.#answered(peer);
    this.options.hub.reply(peer, line);
  }

  /** Waits until the hub has answered what came before: what waits, waits with the client. */
  async #answered(peer: Connection): Promise<void> {
    if (peer.backlog === undefined || !peer.open) return;
    await new Promise<void>((resolve) => peer.onBacklogDrained = resolve);
    peer.onBacklogDrained = undefined;
  }

  /** The client says nothing more: it gets what it is still to get. */
  async #finish(): Promise<void> {
    const peer = this.#peer;
    if (peer === undefined) return this.#say("");
    await this.#answered(peer);
    await this.options.hub.flush();
    peer.close(CLOSE.normal, "");
  }

  #turnOut(reason: string): void {
    if (this.#peer === undefined) this.#say(reason);
    else this.#peer.close(CLOSE.normal, reason);
  }

  #gone(): void {
    if (this.#peer !== undefined) this.options.hub.gone(this.#peer, ABNORMAL);
  }
}

/** Whether an error only says that the other side, or this one, has ended the connection. */
function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    // A machine that cannot be reached any more has no class of its own.
    (error instanceof Error && "code" in error && error.code === "EHOSTUNREACH");
}

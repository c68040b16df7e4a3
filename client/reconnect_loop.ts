import type { ErrorFrame, Welcome } from "../protocol.ts";
import { settledWithin } from "../lib/async.ts";
import type { Cancel } from "../lib/clock.ts";
import { HEALTHY_AFTER, reconnectDelay } from "./backoff.ts";
import { type AttemptEnd, ConnectionAttempt } from "./connection_attempt.ts";
import type { ConnectionState } from "./connection_state.ts";
import type { Environment } from "./environment.ts";
import { classifyClose, classifyProbe, type ConnectionFailure } from "./failure.ts";
import { FrameHandler } from "./frame_handler.ts";
import { probe } from "./probe.ts";
import { SendLoop } from "./send_loop.ts";
import { type DialTarget, MAX_REDIRECTS, redirectTarget } from "./redirect.ts";
import { BROKEN } from "./socket.ts";
import { type ClientConnection, ConnectError, type ConnectOptions } from "./types.ts";

/** Milliseconds that `close()` waits for the hub, which may never answer. */
const CLOSE_TIMEOUT = 2000;

/** Connects, and reconnects after each failure, until closed or until a failure is final. */
export class ReconnectLoop {
  readonly sendLoop: SendLoop;
  readonly #frames: FrameHandler;
  #status: ClientConnection["state"] = "connecting";
  #current: ConnectionAttempt | undefined;
  /** Where the hub sent the client, for the next attempt. */
  #redirect: DialTarget | undefined;
  /** Redirects in a row, without staying online for long. */
  #redirects = 0;
  /** The close code with which requests came to be in doubt. */
  #lostCode: number | undefined;
  /** Sockets that are not closed yet. */
  readonly #openSockets = new Set<Promise<void>>();
  /** Attempts since the start or since the client was last online. */
  #attempts = 0;
  /** Attempts in a row that did not stay online for long. */
  #failures = 0;
  #cancelTimer: Cancel | undefined;
  #ended: ConnectError | undefined;
  #closing: Promise<void> | undefined;
  readonly #over = new AbortController();

  constructor(
    private readonly url: URL,
    private readonly options: ConnectOptions,
    private readonly state: ConnectionState,
    private readonly environment: Environment,
  ) {
    const { clock } = environment;
    this.sendLoop = new SendLoop(state.outbox, clock);
    this.#frames = new FrameHandler(
      state,
      this.sendLoop,
      clock,
      (room) => this.#current?.socket.drop(`A message of #${room} is missing; requesting it`),
    );
  }

  get status(): ClientConnection["state"] {
    return this.#status;
  }

  /** Why the connection is closed; `undefined` while it is not. */
  get ended(): ConnectError | undefined {
    return this.#ended;
  }

  /** Aborted when the connection is closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  dial(): void {
    this.#status = "connecting";
    this.state.events.push({ type: "connecting", attempt: ++this.#attempts });
    const target = this.#redirect ?? { url: this.url, trusted: true };
    this.#redirect = undefined;
    const attempt = new ConnectionAttempt(target, this.options, this.state, this.environment, {
      online: (welcome, errors) => this.#onOnline(attempt, welcome, errors),
      frame: (frame) => this.#frames.handle(frame),
      ended: (end) => this.#onEnded(target.url, end),
    });
    this.#current = attempt;
    const closed = attempt.socket.closed.then(() => {
      this.#openSockets.delete(closed);
    });
    this.#openSockets.add(closed);
  }

  /** Retries now if it is waiting, or checks the connection if it is online. */
  wake(): void {
    if (this.#status === "online") this.#current?.probe();
    if (this.#status !== "offline") return;
    this.#cancelTimer?.();
    this.dial();
  }

  /** Resolves when all sockets are closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#finish(new ConnectError("closed", "The connection was closed"), false);
    }
    await settledWithin(Promise.all(this.#openSockets), CLOSE_TIMEOUT, this.environment.clock);
  }

  #onOnline(
    attempt: ConnectionAttempt,
    welcome: Welcome,
    errors: readonly ErrorFrame[],
  ): void {
    const { state } = this;
    const reconnected = state.everOnline;
    this.#status = "online";
    this.#attempts = 0;
    state.everOnline = true;
    if (reconnected) state.reconnectedAt = this.environment.clock.now();
    state.sender = welcome.sender;
    state.session = welcome.session;
    state.limits = welcome.limits;
    if (!welcome.resumed) {
      for (const request of state.outbox.takeInDoubt()) request.fail(this.#lostError());
    }
    this.sendLoop.start(attempt.socket, welcome.limits);
    this.#frames.welcome(welcome, reconnected, errors);
  }

  #onEnded(url: URL, end: AttemptEnd): void {
    const { onlineSince, bye } = end;
    this.#current = undefined;
    this.sendLoop.stop();
    if (onlineSince !== undefined && this.environment.clock.now() - onlineSince >= HEALTHY_AFTER) {
      this.#failures = this.#redirects = 0;
    }
    if (onlineSince !== undefined) this.#lostCode = end.code;
    this.state.outbox.rewind();
    if (end.paused) {
      this.#status = "offline";
      void this.state.events.emptied().then(() => {
        if (this.#ended === undefined) this.dial();
      });
    } else if (end.reached === "nothing" && end.reason === "") {
      void this.#probe(end.cause, url);
    } else {
      const welcomed = onlineSince !== undefined;
      const failure = classifyClose(end, { ...end, url, welcomed });
      if (!failure.final && this.#redirects < MAX_REDIRECTS) {
        this.#redirect = redirectTarget(url, bye?.url);
        if (this.#redirect !== undefined) this.#redirects++;
      }
      this.#onFailure(failure, url !== this.url && !welcomed);
    }
  }

  async #probe(cause: string, url: URL): Promise<void> {
    const result = await probe(cause, url, this.environment, this.over);
    if (this.#ended === undefined) this.#onFailure(classifyProbe(result), url !== this.url);
  }

  /** @param astray whether the hub had sent the client elsewhere, in vain. */
  #onFailure(failure: ConnectionFailure, astray: boolean): void {
    if (this.#mayRetry(failure, astray)) return this.#retryLater(failure);
    const { message, code, status } = failure;
    const isLost = this.options.reconnect === false && this.state.everOnline &&
      failure.failure !== "rejected";
    this.#finish(
      new ConnectError(isLost ? "lost" : failure.failure, message, {
        code: status ?? (code === BROKEN ? undefined : code),
      }),
      true,
    );
  }

  #mayRetry({ final, failure }: ConnectionFailure, astray: boolean): boolean {
    if (this.state.everOnline && this.options.reconnect === false) return false;
    if (astray || this.#redirect !== undefined) return true;
    if (final) return false;
    // An address that had a hub will have one again, whatever answers there now.
    if (this.state.everOnline) return true;
    return this.options.retryFirst === true && failure !== "not-a-hub";
  }

  #retryLater({ code, reason, retryAfter }: ConnectionFailure): void {
    const { clock, random } = this.environment;
    const retryIn = reconnectDelay({ code, failures: this.#failures++, retryAfter }, random);
    this.#status = "offline";
    this.state.events.push({ type: "offline", code, reason, retryIn });
    this.#cancelTimer = clock.after(retryIn, () => this.dial());
  }

  #finish(error: ConnectError, isThrown: boolean): void {
    this.#ended = error;
    this.#status = "closed";
    this.#cancelTimer?.();
    this.sendLoop.stop();
    this.#over.abort();
    this.#current?.close();
    this.#current = undefined;
    this.state.events.end(isThrown ? error : undefined);
    const { outbox } = this.state;
    for (const request of outbox.takeInDoubt()) request.fail(this.#lostError());
    for (const request of outbox.clear()) request.fail(error);
  }

  #lostError(): ConnectError {
    return new ConnectError(
      "lost",
      "The connection broke before the hub answered: " +
        "the private message may or may not have been delivered",
      { code: this.#lostCode },
    );
  }
}

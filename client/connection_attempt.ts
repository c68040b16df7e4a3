import {
  type Bye,
  encode,
  type ErrorFrame,
  type HubFrame,
  parseHubFrame,
  type SkippedEntry,
  splitBatch,
  visible,
  type Welcome,
} from "../protocol.ts";
import type { Cancel } from "../lib/clock.ts";
import type { ConnectionState } from "./connection_state.ts";
import type { Environment } from "./environment.ts";
import type { DialTarget } from "./redirect.ts";
import { Socket, type SocketClose } from "./socket.ts";
import type { ConnectOptions } from "./types.ts";
import { Watchdog } from "./watchdog.ts";

/** The version of the protocol that this client speaks. */
const PROTOCOL = 1;

/** Milliseconds for a hub to close after an error in reply to `hello`: `welcome` may still follow. */
const REFUSAL_GRACE = 1000;

/** Milliseconds before a token source is asked again for a fresh token; a hub waits for 30 s. */
const RENEWAL_PERIOD = 5000;

/** How an attempt ended. */
export interface AttemptEnd extends SocketClose {
  /** When the hub sent `welcome`; `undefined` if it never did. */
  readonly onlineSince: number | undefined;
  /** The error with which the hub replied to `hello`. */
  readonly refusal: ErrorFrame | undefined;
  /** The latest `retryAfter` in seconds. */
  readonly retryAfter: number | undefined;
  /** What the hub said before it closed. */
  readonly bye: Bye | undefined;
  /** Too much was unread: reconnect when everything was read. */
  readonly paused: boolean;
}

/** Called until the attempt has ended. */
export interface AttemptListener {
  /** @param errors errors that the hub sent before `welcome`. */
  online(welcome: Welcome, errors: readonly ErrorFrame[]): void;
  frame(frame: HubFrame | SkippedEntry): void;
  ended(end: AttemptEnd): void;
}

/** One connection to the hub: from dialling and `hello` until it ends. */
export class ConnectionAttempt {
  readonly socket: Socket;
  readonly #watchdog: Watchdog;
  #onlineSince: number | undefined;
  /** Errors that came instead of `welcome`. */
  readonly #errors: ErrorFrame[] = [];
  #retryAfter: number | undefined;
  #bye: Bye | undefined;
  /** The token that the hub has. */
  #token: string | undefined;
  /** The `ref` of the request to replace it. */
  #tokenRef: number | undefined;
  /** Whether the hub rejected `hello`. */
  #refused = false;
  #paused = false;
  #over = false;
  #cancelTimer: Cancel | undefined;

  constructor(
    private readonly target: DialTarget,
    private readonly options: ConnectOptions,
    private readonly state: ConnectionState,
    private readonly environment: Environment,
    private readonly listener: AttemptListener,
  ) {
    this.#watchdog = new Watchdog(environment.clock, {
      ping: () => this.socket.send(encode({ type: "ping" })),
      giveUp: (reason) => this.socket.drop(reason),
    });
    this.socket = new Socket(target.url, {
      opened: () => this.#sendHello(),
      received: (data) => this.#receive(data),
      ended: (close) => this.#end(close),
    }, environment);
  }

  /** Disconnects; the listener is not called any more. */
  close(): void {
    this.#release();
    this.socket.close();
  }

  /** Checks within seconds that the hub still answers. */
  probe(): void {
    this.#watchdog.probe();
  }

  #release(): void {
    this.#over = true;
    this.#watchdog.stop();
    this.#cancelTimer?.();
  }

  #end(close: SocketClose): void {
    this.#release();
    const isOnline = this.#onlineSince !== undefined;
    // One room that is refused says nothing about the client.
    const refusals = isOnline ? [] : this.#errors.filter(({ re }) => re !== "join");
    this.listener.ended({
      ...close,
      onlineSince: this.#onlineSince,
      refusal: refusals.find(({ final }) => final) ?? refusals[0],
      retryAfter: this.#retryAfter,
      bye: this.#bye,
      paused: this.#paused,
    });
  }

  /** Sends `hello`, after fetching a token if needed. */
  #sendHello(): void {
    const token = this.target.trusted ? this.options.token : undefined;
    if (typeof token === "function") {
      void this.#fetchToken(token, () => this.socket.send(this.#hello()));
      return;
    }
    this.#token = token;
    this.socket.send(this.#hello());
  }

  #hello(): string {
    const { state, options } = this;
    const { outbox, rooms } = state;
    // On a reconnect, `hello` names the rooms of all open joins.
    for (const request of state.everOnline ? [...outbox.open] : []) {
      const { kind, room = "" } = request;
      if (kind === "join" && rooms.has(room)) outbox.remove(request);
    }
    return encode({
      type: "hello",
      protocol: PROTOCOL,
      client: options.client,
      sender: state.sender ?? options.sender,
      token: this.#token,
      session: this.target.trusted ? state.session : undefined,
      rooms: state.everOnline ? rooms.positions : options.rooms,
      echo: state.echo ? undefined : false,
    });
  }

  /** Fetches a token; drops the connection if there is none. */
  async #fetchToken(
    source: () => string | Promise<string>,
    use: (changed: boolean) => void,
  ): Promise<void> {
    try {
      const token = await source();
      if (this.#over) return;
      const changed = token !== this.#token;
      this.#token = token;
      use(changed);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!this.#over) this.socket.drop(`Cannot get a token: ${why}`);
    }
  }

  /** Replaces an expired token, as soon as the source has a fresh one. */
  #renewToken(source: () => string | Promise<string>): void {
    this.#cancelTimer?.();
    void this.#fetchToken(source, (changed) => {
      if (!changed) return this.#renewLater(source);
      const ref = this.#tokenRef = this.state.nextRef();
      this.socket.send(encode({ type: "token", token: this.#token, ref }));
    });
  }

  #renewLater(source: () => string | Promise<string>): void {
    this.#after(RENEWAL_PERIOD, () => this.#renewToken(source));
  }

  #receive(data: string): void {
    const { events } = this.state;
    this.#watchdog.onReceived();
    for (const line of splitBatch(data)) {
      // A frame can end the attempt in the middle of a batch.
      if (this.#over) return;
      if (events.size === 0) this.state.unreadLength = 0;
      this.state.unreadLength += line.length;
      const parsed = parseHubFrame(line);
      if (parsed.ok) {
        this.#handle(parsed.frame);
        if (parsed.entry !== undefined) this.#handle(parsed.entry);
      } // A newer hub may send frames that this client does not know.
      else if (parsed.error.code !== "unknown_type") this.#onProtocolError(parsed.error.message);
      if (this.state.unreadLength > (this.options.maxUnread ?? Infinity)) this.#pause();
    }
  }

  #pause(): void {
    if (this.#over || this.state.events.size === 0) return;
    this.#paused = true;
    this.socket.drop("Paused until the received messages are read");
  }

  #handle(frame: HubFrame | SkippedEntry): void {
    const isOnline = this.#onlineSince !== undefined;
    if (frame.type === "bye") {
      this.#bye = frame;
      return;
    }
    if (frame.type === "error") {
      this.#retryAfter = frame.retryAfter ?? this.#retryAfter;
      if (!isOnline) return this.#onRefusal(frame);
      if (this.#onTokenError(frame)) return;
    }
    // The new token is valid, whatever was asked for meanwhile.
    if (frame.type === "ok" && frame.re === "token") this.#cancelTimer?.();
    if (isOnline) this.listener.frame(frame);
    else if (frame.type === "welcome") this.#onWelcome(frame);
  }

  /** Reports a frame that no hub should send: ignoring it could hide a message. */
  #onProtocolError(problem: string): void {
    this.state.events.push({
      type: "error",
      code: "bad_frame",
      message: visible(`The hub sent an invalid frame: ${problem}`),
      final: true,
    });
  }

  #onWelcome(welcome: Welcome): void {
    this.socket.established();
    this.#cancelTimer?.();
    this.#onlineSince = this.environment.clock.now();
    this.#watchdog.start(welcome.limits.heartbeat);
    this.listener.online(welcome, this.#errors);
  }

  #onRefusal(frame: ErrorFrame): void {
    this.#errors.push(frame);
    if (!frame.final || frame.re === "join" || this.#refused) return;
    this.#refused = true;
    this.#after(REFUSAL_GRACE, () => this.socket.drop(frame.message));
  }

  /** Returns whether a newer token is or will be requested, so that the user need not know. */
  #onTokenError(frame: ErrorFrame): boolean {
    const { token } = this.options;
    if (typeof token !== "function" || !this.target.trusted) return false;
    if (frame.ref !== undefined && frame.ref === this.#tokenRef) {
      // The user may have to do something about it, or the same token may be valid later.
      if (frame.final) this.state.events.push(frame);
      else this.#token = undefined;
      this.#renewLater(token);
      return true;
    }
    if (!isTokenExpiry(frame)) return false;
    this.#renewToken(token);
    return true;
  }

  #after(delay: number, task: () => void): void {
    this.#cancelTimer = this.environment.clock.after(delay, task);
  }
}

/** Whether an error reports an expired token: it belongs to no request. */
function isTokenExpiry({ code, re, ref }: ErrorFrame): boolean {
  return code === "unauthorized" && re === undefined && ref === undefined;
}

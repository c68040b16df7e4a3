import {
  encode,
  type ErrorFrame,
  type HubFrame,
  parseHubFrame,
  splitBatch,
  visible,
  type Welcome,
} from "../protocol.ts";
import type { Cancel } from "../lib/clock.ts";
import type { ConnectionState } from "./connection_state.ts";
import type { Environment } from "./environment.ts";
import { isRejection } from "./failure.ts";
import { Socket, type SocketClose } from "./socket.ts";
import type { ConnectOptions } from "./types.ts";
import { Watchdog } from "./watchdog.ts";

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
  /** Too much was unread: reconnect when everything was read. */
  readonly paused: boolean;
}

/** Called until the attempt has ended. */
export interface AttemptListener {
  /** @param errors errors that the hub sent before `welcome`. */
  online(welcome: Welcome, errors: readonly ErrorFrame[]): void;
  frame(frame: HubFrame): void;
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
  /** The token that the hub has. */
  #token: string | undefined;
  #paused = false;
  #over = false;
  #cancelTimer: Cancel | undefined;

  constructor(
    url: URL,
    private readonly options: ConnectOptions,
    private readonly state: ConnectionState,
    private readonly environment: Environment,
    private readonly listener: AttemptListener,
  ) {
    this.#watchdog = new Watchdog(environment.clock, {
      ping: () => this.socket.send(encode({ type: "ping" })),
      giveUp: (reason) => this.socket.drop(reason),
    });
    this.socket = new Socket(url, {
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
    this.listener.ended({
      ...close,
      onlineSince: this.#onlineSince,
      refusal: this.#errors.find(isRejection) ?? this.#errors[0],
      retryAfter: this.#retryAfter,
      paused: this.#paused,
    });
  }

  /** Sends `hello`, after fetching a token if needed. */
  #sendHello(): void {
    const { token } = this.options;
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
    for (const { key, kind, room } of state.everOnline ? [...outbox.open] : []) {
      if (kind === "join" && room !== undefined && rooms.has(room)) outbox.remove(key);
    }
    return encode({
      type: "hello",
      sender: state.sender ?? options.sender,
      token: this.#token,
      session: state.session,
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
      if (changed) this.socket.send(encode({ type: "hello", token: this.#token }));
      else this.#after(RENEWAL_PERIOD, () => this.#renewToken(source));
    });
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
      if (parsed.ok) this.#handle(parsed.frame);
      // A newer hub may send frames that this client does not know.
      else if (parsed.error.code !== "unknown_type") this.#onProtocolError(parsed.error.message);
      if (this.state.unreadLength > (this.options.maxUnread ?? Infinity)) this.#pause();
    }
  }

  #pause(): void {
    if (this.#over || this.state.events.size === 0) return;
    this.#paused = true;
    this.socket.drop("Paused until the received messages are read");
  }

  #handle(frame: HubFrame): void {
    const isOnline = this.#onlineSince !== undefined;
    if (frame.type === "error") {
      this.#retryAfter = frame.retryAfter ?? this.#retryAfter;
      const { token } = this.options;
      if (isOnline && isTokenExpiry(frame) && typeof token === "function") {
        this.#renewToken(token);
        return;
      }
      if (!isOnline) return this.#onRefusal(frame);
    }
    if (isOnline) this.listener.frame(frame);
    else if (frame.type === "welcome") this.#onWelcome(frame);
  }

  /** Reports a frame that no hub should send: ignoring it could hide a message. */
  #onProtocolError(problem: string): void {
    this.state.events.push({
      type: "error",
      code: "bad_frame",
      message: visible(`The hub sent an invalid frame: ${problem}`),
    });
  }

  #onWelcome(welcome: Welcome): void {
    this.socket.established();
    this.#cancelTimer?.();
    this.#onlineSince = this.environment.clock.now();
    this.#watchdog.start();
    this.listener.online(welcome, this.#errors);
  }

  #onRefusal(frame: ErrorFrame): void {
    this.#errors.push(frame);
    if (!isRejection(frame) || this.#errors.length > 1) return;
    this.#after(REFUSAL_GRACE, () => this.socket.drop(frame.message));
  }

  #after(delay: number, task: () => void): void {
    this.#cancelTimer = this.environment.clock.after(delay, task);
  }
}

/** Whether an error reports an expired token: it belongs to no request. */
function isTokenExpiry({ code, ref }: ErrorFrame): boolean {
  return code === "unauthorized" && ref === undefined;
}

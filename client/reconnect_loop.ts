import {
  encode,
  type ErrorFrame,
  type Hello,
  type HubFrame,
  parseHubFrame,
  splitBatch,
  visible,
  type Welcome,
} from "../protocol.ts";
import { HEALTHY_AFTER, reconnectDelay } from "./backoff.ts";
import type { Cancel } from "../lib/clock.ts";
import { probe } from "./probe.ts";
import { FrameHandler } from "./frame_handler.ts";
import { BROKEN, Socket, type SocketClose } from "./socket.ts";
import type { ConnectionState } from "./connection_state.ts";
import { SendLoop } from "./send_loop.ts";
import type { Environment } from "./environment.ts";
import { classifyClose, classifyProbe, type ConnectionFailure, isRejection } from "./failure.ts";
import { type ClientConnection, ConnectError, type ConnectOptions } from "./types.ts";
import { shownUrl } from "./url.ts";
import { Watchdog } from "./watchdog.ts";

/** Milliseconds that a hub has to close after it answered `hello` with an error: it may yet say `welcome`. */
const REFUSAL_GRACE = 1000;

/** Milliseconds until a source of tokens that had no fresh one yet is asked again; a hub waits for 30 s. */
const RENEWAL_PERIOD = 5000;

/** Milliseconds that closing waits for the other side; a dead one would never answer. */
const CLOSE_GRACE = 2000;

/** Dials, says hello, notices the end, and dials again: one conversation over many connections. */
export class ReconnectLoop {
  #state: ClientConnection["state"] = "connecting";
  #link: Socket | undefined;
  /** Sockets that are not gone yet. */
  readonly #lingering = new Set<Promise<void>>();
  /** Tries since the conversation began or was last online. */
  #attempt = 0;
  /** Connections in a row that were not healthy. */
  #failures = 0;
  #everOnline = false;
  /** When the hub said `welcome` on this connection. */
  #onlineSince: number | undefined;
  /** Errors that came in place of a `welcome`. */
  #refusals: ErrorFrame[] = [];
  /** The latest word of the hub on when to try again, in seconds. */
  #retryAfter: number | undefined;
  #cancelTimer: Cancel | undefined;
  /** UTF-16 units of frames that came since everything was read. */
  #unread = 0;
  /** Whether the connection was given up until everything is read. */
  #paused = false;
  /** The token that the hub had last. */
  #token: string | undefined;
  #cancelRenewal: Cancel | undefined;
  #ended: ConnectError | undefined;
  #closing: Promise<void> | undefined;
  readonly #over = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #intake: FrameHandler;
  readonly pump: SendLoop;

  constructor(
    private readonly url: URL,
    private readonly options: ConnectOptions,
    private readonly memory: ConnectionState,
    private readonly seams: Environment,
  ) {
    this.pump = new SendLoop(memory.outbox, seams.clock);
    this.#watchdog = new Watchdog(seams.clock, {
      ask: () => this.#link?.send(encode({ type: "ping" })),
      giveUp: (reason) => this.#link?.drop(reason),
    });
    this.#intake = new FrameHandler(
      memory,
      this.pump,
      seams.clock,
      (room) => this.#link?.drop(`A message of #${room} went missing; asking for it`),
    );
  }

  get state(): ClientConnection["state"] {
    return this.#state;
  }

  /** Whether the hub ever said `welcome`. */
  get everOnline(): boolean {
    return this.#everOnline;
  }

  /** Why the conversation is over; `undefined` while it is not. */
  get ended(): ConnectError | undefined {
    return this.#ended;
  }

  /** Aborted when the conversation is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Makes the next connection. */
  dial(): void {
    this.#state = "connecting";
    this.#paused = false;
    this.#attempt++;
    this.#refusals = [];
    this.#retryAfter = undefined;
    this.memory.events.push({ type: "connecting", attempt: this.#attempt });
    const link = new Socket(this.url, {
      opened: () => this.#introduce(link),
      received: (frame) => this.#received(link, frame),
      ended: (end) => this.#lost(end),
    }, this.seams);
    this.#link = link;
    const gone = link.gone.then(() => {
      this.#lingering.delete(gone);
    });
    this.#lingering.add(gone);
  }

  /** Tries again now, if it waits to; asks the hub whether it is there, if it seems so. */
  wake(): void {
    if (this.#state === "online") this.#watchdog.doubt();
    if (this.#state !== "offline") return;
    this.#cancelTimer?.();
    this.dial();
  }

  /** Ends the conversation at the user's wish. Resolves when its sockets are gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#finish(new ConnectError("closed", "The conversation was closed"), false);
    }
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const cancel = this.seams.clock.after(CLOSE_GRACE, resolve);
    await Promise.race([Promise.all(this.#lingering), enough]);
    cancel();
  }

  /** Says hello, with a token that may have to be fetched first. */
  #introduce(link: Socket): void {
    const { token } = this.options;
    if (typeof token === "function") {
      void this.#fetchToken(link, token, () => link.send(this.#hello()));
      return;
    }
    this.#token = token;
    link.send(this.#hello());
  }

  /** Asks for a token; without one, the connection is of no use. */
  async #fetchToken(
    link: Socket,
    source: () => string | Promise<string>,
    then: (changed: boolean) => void,
  ): Promise<void> {
    try {
      const token = await source();
      if (this.#link !== link) return;
      const changed = token !== this.#token;
      this.#token = token;
      then(changed);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.#link === link) link.drop(`There is no token: ${why}`);
    }
  }

  /** Brings the hub a fresh token, as soon as there is one. */
  #renew(link: Socket, source: () => string | Promise<string>): void {
    this.#cancelRenewal?.();
    void this.#fetchToken(link, source, (changed) => {
      if (changed) {
        link.send(encode({ type: "hello", token: this.#token }));
        return;
      }
      const { clock } = this.seams;
      this.#cancelRenewal = clock.after(RENEWAL_PERIOD, () => this.#renew(link, source));
    });
  }

  #hello(): string {
    const { memory, options } = this;
    const { outbox, rooms } = memory;
    const named = this.#everOnline ? rooms.positions : options.rooms;
    // From now on the hello says it.
    for (const { key, kind, room } of this.#everOnline ? [...outbox.open] : []) {
      if (kind === "join" && room !== undefined && rooms.has(room)) outbox.remove(key);
    }
    const sender = memory.sender ?? options.sender;
    const hello: Hello = {
      type: "hello",
      ...(sender === undefined ? {} : { sender }),
      ...(this.#token === undefined ? {} : { token: this.#token }),
      ...(memory.session === undefined ? {} : { session: memory.session }),
      ...(named === undefined ? {} : { rooms: named }),
      ...(memory.echo ? {} : { echo: false }),
    };
    return encode(hello);
  }

  #received(link: Socket, data: string): void {
    this.#watchdog.heard();
    for (const line of splitBatch(data)) {
      // A frame may end the connection, or the conversation, in the middle of a batch.
      if (this.#link !== link) return;
      if (this.memory.events.size === 0) this.#unread = 0;
      this.#unread += line.length;
      const parsed = parseHubFrame(line);
      if (parsed.ok) this.#take(link, parsed.frame);
      // A newer hub may say more than this client knows.
      else if (parsed.error.code !== "unknown_type") this.#garbled(parsed.error.message);
      if (this.#unread > (this.options.maxUnread ?? Infinity)) this.#pause(link);
    }
  }

  /** The hub would send on, and this side can only keep it: it comes back when there is room. */
  #pause(link: Socket): void {
    if (this.#link !== link || this.memory.events.size === 0) return;
    this.#paused = true;
    link.drop("What came is being read first");
  }

  #take(link: Socket, frame: HubFrame): void {
    if (frame.type === "error") this.#retryAfter = frame.retryAfter ?? this.#retryAfter;
    const { token } = this.options;
    if (isExpiry(frame) && this.#onlineSince !== undefined && typeof token === "function") {
      this.#renew(link, token);
      return;
    }
    if (this.#onlineSince !== undefined) this.#intake.take(frame);
    else if (frame.type === "welcome") this.#welcomed(link, frame);
    else if (frame.type === "error") this.#refused(link, frame);
  }

  /** What no hub would send: passing over it in silence could hide a message. */
  #garbled(what: string): void {
    this.memory.events.push({
      type: "error",
      code: "bad_frame",
      message: visible(`The hub sent something that cannot be read: ${what}`),
    });
  }

  #welcomed(link: Socket, welcome: Welcome): void {
    const { memory } = this;
    const again = this.#everOnline;
    link.established();
    this.#cancelTimer?.();
    this.#state = "online";
    this.#everOnline = true;
    this.#attempt = 0;
    this.#onlineSince = this.seams.clock.now();
    if (again) memory.returnedAt = this.#onlineSince;
    memory.sender = welcome.sender;
    memory.session = welcome.session;
    memory.limits = welcome.limits;
    this.#watchdog.start();
    this.#intake.welcome(welcome, again);
    for (const error of this.#refusals) memory.events.push(error);
    this.pump.start(link, welcome.limits);
  }

  #refused(link: Socket, frame: ErrorFrame): void {
    this.#refusals.push(frame);
    if (!isRejection(frame) || this.#refusals.length > 1) return;
    this.#cancelTimer = this.seams.clock.after(REFUSAL_GRACE, () => link.drop(frame.message));
  }

  #lost(end: SocketClose): void {
    this.#link = undefined;
    this.#watchdog.stop();
    this.pump.stop();
    this.#cancelTimer?.();
    this.#cancelRenewal?.();
    const { clock } = this.seams;
    const since = this.#onlineSince;
    this.#onlineSince = undefined;
    if (since !== undefined && clock.now() - since >= HEALTHY_AFTER) this.#failures = 0;
    for (const entry of this.memory.outbox.rewind()) {
      entry.fail(
        new ConnectError(
          "lost",
          "The connection broke before the hub answered: " +
            "the private message may or may not have been delivered",
          { code: end.code },
        ),
      );
    }
    if (this.#paused) {
      this.#state = "offline";
      void this.memory.events.emptied().then(() => {
        if (this.#ended === undefined) this.dial();
      });
      return;
    }
    if (end.reached === "nothing" && end.reason === "") {
      void this.#explain(end.cause);
      return;
    }
    const refusal = this.#refusals.find(isRejection) ?? this.#refusals[0];
    this.#settle(classifyClose(end, {
      url: this.url,
      welcomed: since !== undefined,
      ...(refusal === undefined ? {} : { refusal }),
      ...(this.#retryAfter === undefined ? {} : { retryAfter: this.#retryAfter }),
    }));
  }

  async #explain(cause: string): Promise<void> {
    const diagnosis = await probe(cause, this.url, this.seams, this.#over.signal);
    if (this.#ended === undefined) this.#settle(classifyProbe(diagnosis));
  }

  #settle(setback: ConnectionFailure): void {
    const { failure, message, code, status } = setback;
    if (this.#mayGoOn(setback)) return this.#wait(setback);
    const kind = this.options.reconnect === false && this.#everOnline && failure !== "refused"
      ? "lost"
      : failure;
    const known = status ?? (code === BROKEN ? undefined : code);
    this.#finish(new ConnectError(kind, message, known === undefined ? {} : { code: known }), true);
  }

  #mayGoOn({ final, failure }: ConnectionFailure): boolean {
    if (final) return false;
    // What was a hub before is one again when whatever stands in for it has gone.
    if (this.#everOnline) return this.options.reconnect !== false;
    return this.options.retryFirst === true && failure !== "not-a-hub";
  }

  #wait({ code, reason, retryAfter }: ConnectionFailure): void {
    const { clock, random } = this.seams;
    const retryIn = reconnectDelay({
      code,
      failures: this.#failures++,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }, random);
    this.#state = "offline";
    this.memory.events.push({ type: "offline", code, reason, retryIn });
    this.#cancelTimer = clock.after(retryIn, () => this.dial());
  }

  /** The conversation is over: nothing is open any more. */
  #finish(error: ConnectError, thrown: boolean): void {
    this.#ended = error;
    this.#state = "closed";
    this.#cancelTimer?.();
    this.#cancelRenewal?.();
    this.#watchdog.stop();
    this.pump.stop();
    this.#over.abort();
    this.#link?.close();
    this.#link = undefined;
    this.memory.events.end(thrown ? error : undefined);
    for (const entry of this.memory.outbox.clear()) entry.fail(error);
  }
}

/** Whether the hub says, of no request in particular, that the token is no longer good. */
function isExpiry(frame: HubFrame): boolean {
  return frame.type === "error" && frame.code === "unauthorized" && frame.ref === undefined;
}

/** The error for whoever asks something of a conversation that is over. */
export function overError(url: URL, ended: ConnectError): ConnectError {
  return new ConnectError("closed", `The conversation with ${shownUrl(url)} is over`, {
    cause: ended,
    ...(ended.code === undefined ? {} : { code: ended.code }),
  });
}

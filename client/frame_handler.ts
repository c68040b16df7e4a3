import {
  type Entry,
  type ErrorFrame,
  type HubFrame,
  type Joined,
  type Live,
  type Ref,
  RETURN_SECONDS,
  type SkippedEntry,
  type Welcome,
} from "../protocol.ts";
import type { Clock } from "../lib/clock.ts";
import { retryDelay } from "./backoff.ts";
import type { ConnectionState } from "./connection_state.ts";
import { GapBudget } from "./gap_budget.ts";
import { type ClientRequest, joinRequest, RETRY_POLICY } from "./request.ts";
import type { Gap } from "./room_subscriptions.ts";
import type { SendLoop } from "./send_loop.ts";
import { RequestError } from "./types.ts";

/** Milliseconds to pause after a `rate_limited` without `retryAfter`. */
const DEFAULT_PAUSE = 1000;

/** Milliseconds between tries of a private message whose receiver may reconnect. */
const RECEIVER_RETRY_PERIOD = 1000;

/** Retries of a request after an error that the hub calls temporary. */
const MAX_RETRIES = 5;

/** Handles frames after `welcome`: settles requests, updates the state and emits events. */
export class FrameHandler {
  readonly #gaps: GapBudget;

  /** @param onGap called when messages of a room are missing, to request them by a reconnect. */
  constructor(
    private readonly state: ConnectionState,
    private readonly sendLoop: SendLoop,
    private readonly clock: Clock,
    private readonly onGap: (room: string) => void,
  ) {
    this.#gaps = new GapBudget(clock);
  }

  /** @param errors errors that the hub sent before `welcome`. */
  welcome(welcome: Welcome, reconnected: boolean, errors: readonly ErrorFrame[]): void {
    const { rooms, events, outbox } = this.state;
    const wanted = rooms.positions;
    rooms.welcomed(welcome.rooms);
    events.push({ type: "online", welcome, reconnected });
    const retried = new Set<ErrorFrame>();
    for (const position of wanted) {
      const { room } = position;
      if (rooms.isConfirmed(room) || outbox.find("join", room) !== undefined) continue;
      const error = errors.find((each) =>
        each.re === "join" && each.room === room && isTemporary(each)
      );
      if (error === undefined) {
        // The hub no longer allows the client there.
        rooms.unsubscribe(room);
        outbox.remove(outbox.find("leave", room));
        if (reconnected) events.push({ type: "left", room });
      } else {
        retried.add(error);
        outbox.add(joinRequest(this.state.nextRef(), position));
        this.#pause(error);
      }
    }
    for (const error of errors) if (!retried.has(error)) events.push(error);
  }

  handle(frame: HubFrame | SkippedEntry): void {
    const { events } = this.state;
    switch (frame.type) {
      case "message":
      case "skipped":
        return this.#onEntry(frame);
      case "live":
        return this.#onLive(frame);
      case "ack":
        this.state.rooms.acked(frame);
        return this.#settle(frame.ref, frame);
      case "joined":
        this.#settle(frame.ref, frame);
        return this.#onJoined(frame);
      case "left":
        this.#settle(frame.ref, frame);
        return this.#onLeft(frame.room);
      case "renamed":
        this.state.sender = frame.name;
        events.push(frame);
        return;
      case "error":
        return this.#onError(frame);
      case "direct":
        // With `ref`, it is the answer to the client's own private message.
        if (frame.ref === undefined) events.push(frame);
        else this.#settle(frame.ref, frame);
        return;
      case "history":
      case "members":
      case "pong":
      case "ok":
        return this.#settle(frame.ref, frame);
      case "presence":
      case "typing":
      case "system":
        events.push(frame);
        return;
      case "welcome":
      case "bye":
        // A second `welcome` has no meaning, and `bye` concerns the connection.
        return;
    }
  }

  #onEntry(entry: Entry): void {
    const { events, rooms } = this.state;
    const gap = rooms.gapBefore(entry);
    if (gap !== undefined) {
      if (!gap.repeated && this.#gaps.take()) return this.onGap(entry.room);
      this.#reportGap(entry.room, gap);
    }
    if (rooms.accept(entry) && entry.type === "message") events.push(entry);
  }

  #reportGap(room: string, { from, to }: Gap): void {
    const what = from === to
      ? `message ${from} of #${room}: look for it`
      : `messages ${from} to ${to} of #${room}: look for them`;
    this.state.events.push({
      type: "error",
      code: "internal",
      message: `The hub did not send ${what} in the history`,
      room,
      final: true,
    });
  }

  /** All entries up to `id` were sent, so none are missing. */
  #onLive(live: Live): void {
    const { events, rooms } = this.state;
    if (!rooms.isJoined(live.room)) return;
    rooms.accept(live);
    events.push(live);
  }

  #settle(ref: Ref | undefined, frame: HubFrame): void {
    const request = ref === undefined ? undefined : this.state.outbox.get(ref);
    // Unknown: the second answer to a request that was sent twice.
    if (request?.answer(frame) === true) this.#remove(request);
  }

  #onJoined(frame: Joined): void {
    const { events, rooms } = this.state;
    const joined = rooms.joined(frame);
    events.push(joined);
    for (const message of joined.messages) events.push(message);
  }

  #onLeft(room: string): void {
    const { events, outbox, rooms } = this.state;
    this.#remove(outbox.find("leave", room));
    rooms.unsubscribe(room);
    // A join was requested meanwhile.
    const join = outbox.find("join", room);
    if (join !== undefined) rooms.subscribe(join.position ?? { room });
    events.push({ type: "left", room });
  }

  #onError(frame: ErrorFrame): void {
    if (frame.ref === undefined) {
      if (frame.code === "rate_limited") this.#pause(frame);
      this.state.events.push(frame);
      return;
    }
    const request = this.state.outbox.get(frame.ref);
    // Unknown: the answer to a repeat of an answered request.
    if (request !== undefined) this.#onRefused(request, frame);
  }

  #onRefused(request: ClientRequest, frame: ErrorFrame): void {
    const { outbox } = this.state;
    const { receiver, kind } = request;
    if (receiver !== undefined && this.#mayReturn(request, frame)) {
      this.sendLoop.answered(request);
      this.sendLoop.holdDirect(request, receiver, RECEIVER_RETRY_PERIOD);
      return;
    }
    const mayRetry = this.#mayRetry(request, frame);
    if (mayRetry) {
      this.#pause(frame);
      this.sendLoop.answered(request);
    }
    if (mayRetry && RETRY_POLICY[kind].onDisconnect !== "drop") return outbox.retry(request);
    this.#remove(request);
    request.fail(new RequestError(frame));
    if (kind === "join" || kind === "leave") this.#onRoomRefused(request, frame);
    if (kind === "join" || kind === "leave" || kind === "nick") this.state.events.push(frame);
  }

  #mayRetry(request: ClientRequest, frame: ErrorFrame): boolean {
    if (frame.code === "rate_limited") return true;
    // Whether a user returns is not for the hub to know.
    if (frame.code === "no_such_user" || !isTemporary(frame)) return false;
    return request.retries++ < MAX_RETRIES;
  }

  /** Whether the receiver of a private message may still reconnect after an outage. */
  #mayReturn({ sentOffline }: ClientRequest, { code, retryAfter }: ErrorFrame): boolean {
    const { reconnectedAt } = this.state;
    // A hub that has just started sends `retryAfter`.
    return code === "no_such_user" && (sentOffline === true || retryAfter !== undefined) &&
      reconnectedAt !== undefined && this.clock.now() - reconnectedAt < RETURN_SECONDS * 1000;
  }

  #pause({ retryAfter }: ErrorFrame): void {
    this.sendLoop.pause(retryAfter === undefined ? DEFAULT_PAUSE : retryDelay(retryAfter));
  }

  /** The hub refused to let the client join or leave a room. */
  #onRoomRefused({ kind, room = "" }: ClientRequest, { code }: ErrorFrame): void {
    const { events, rooms } = this.state;
    const isOut = kind === "join" ? !rooms.isConfirmed(room) : code === "not_in_room";
    if (!isOut) return;
    const wasIn = rooms.has(room) && rooms.wasJoined(room);
    rooms.unsubscribe(room);
    if (wasIn) events.push({ type: "left", room });
  }

  /** Removes a request that is answered, one way or another. */
  #remove(request: ClientRequest | undefined): void {
    if (request === undefined) return;
    this.state.outbox.remove(request);
    this.sendLoop.answered(request);
  }
}

/** Whether the same request may succeed later. */
function isTemporary({ final, code, retryAfter }: ErrorFrame): boolean {
  return !final && (code === "rate_limited" || retryAfter !== undefined);
}

import {
  type ErrorCode,
  type ErrorFrame,
  type HubFrame,
  type Joined,
  type Message,
  type Presence,
  type Ref,
  RETURN_SECONDS,
  type Welcome,
} from "../protocol.ts";
import type { Clock } from "../lib/clock.ts";
import { retryDelay } from "./backoff.ts";
import type { ConnectionState } from "./connection_state.ts";
import { type ClientRequest, joinKey, leaveKey } from "./request.ts";
import type { JoinedRoom } from "./room_subscriptions.ts";
import type { SendLoop } from "./send_loop.ts";
import { RequestError } from "./types.ts";

/** Milliseconds to pause after a `rate_limited` without `retryAfter`. */
const DEFAULT_PAUSE = 1000;

/** Milliseconds between tries of a private message whose receiver may reconnect. */
const RECEIVER_RETRY_PERIOD = 1000;

/** Retries of a message after an internal error that the hub calls temporary. */
const MAX_INTERNAL_RETRIES = 5;

// Errors have no `ref` if the request had none; the code shows which kind of request failed.
const NAME_ERRORS: readonly ErrorCode[] = ["bad_name", "name_taken"];
const ROOM_ERRORS: readonly ErrorCode[] = [
  "bad_room",
  "forbidden",
  "not_in_room",
  "too_many_rooms",
];

/** Handles frames after `welcome`: settles requests, updates the state and emits events. */
export class FrameHandler {
  /** @param onGap called when a message of a room is missing. */
  constructor(
    private readonly state: ConnectionState,
    private readonly sendLoop: SendLoop,
    private readonly clock: Clock,
    private readonly onGap: (room: string) => void,
  ) {}

  welcome(welcome: Welcome, reconnected: boolean): void {
    const { rooms, events, outbox } = this.state;
    const wanted = rooms.positions.map(({ room }) => room);
    const joined = welcome.rooms.map((room) => this.#join(room));
    const missed = joined.reduce((sum, { missed }) => sum + missed, 0);
    events.push({ type: "online", welcome, reconnected, missed });
    for (const room of wanted) {
      const isRequested = outbox.get(joinKey(room)) !== undefined;
      if (isRequested || welcome.rooms.some((joined) => joined.room === room)) continue;
      // The hub no longer allows the client there.
      rooms.unsubscribe(room);
      outbox.remove(leaveKey(room));
      if (reconnected) events.push({ type: "left", room });
    }
    for (const room of joined) this.#emitJoined(room);
  }

  handle(frame: HubFrame): void {
    const { events, outbox } = this.state;
    switch (frame.type) {
      case "message":
        return this.#onMessage(frame);
      case "ack":
        this.state.rooms.acked(frame.room, frame.id);
        return this.#settle(frame.ref, frame);
      case "joined": {
        const { type: _type, ...joined } = frame;
        return this.#emitJoined(this.#join(joined));
      }
      case "left":
        return this.#onLeft(frame.room);
      case "presence":
        return this.#onPresence(frame);
      case "error":
        return this.#onError(frame);
      case "direct":
        // A copy with `ref` answers the client's own private message.
        if (frame.ref !== undefined && outbox.get(frame.ref) !== undefined) {
          return this.#settle(frame.ref, frame);
        }
        events.push(frame);
        return;
      case "history":
      case "who":
      case "pong":
        if (frame.ref !== undefined) this.#settle(frame.ref, frame);
        return;
      case "typing":
      case "system":
        events.push(frame);
        return;
      case "welcome":
        // A second one has no meaning.
        return;
    }
  }

  #onMessage(message: Message): void {
    const { events, outbox, rooms } = this.state;
    const result = rooms.accept(message, () => outbox.messagesTo(message.room, "sent"));
    if (result === "new") events.push(message);
    else if (result === "gap") this.onGap(message.room);
  }

  #settle(ref: Ref, frame: HubFrame): void {
    const { outbox } = this.state;
    const request = outbox.get(ref);
    // Unknown: the second answer to a request that was sent twice. A nick that waits to be resent was
    // refused: this pong only answers the ping sent with it.
    if (request === undefined || (request.kind === "nick" && !outbox.isSent(request))) return;
    if (request.answer(frame)) this.#remove(request);
  }

  #join(joined: Joined): JoinedRoom {
    this.#remove(this.state.outbox.get(joinKey(joined.room)));
    return this.state.rooms.joined(joined);
  }

  #emitJoined({ joined, rejoined }: JoinedRoom): void {
    const { events } = this.state;
    events.push({ ...joined, type: "joined", rejoined });
    for (const message of joined.history) events.push(message);
  }

  #onLeft(room: string): void {
    const { events, outbox, rooms } = this.state;
    this.#remove(outbox.get(leaveKey(room)));
    rooms.unsubscribe(room);
    // A join was requested meanwhile: it starts without a position.
    if (outbox.get(joinKey(room)) !== undefined) rooms.subscribe({ room });
    events.push({ type: "left", room });
  }

  #onPresence(presence: Presence): void {
    const own = presence.renamed?.find(({ from }) => from === this.state.sender);
    if (own !== undefined) this.state.sender = own.to;
    this.state.events.push(presence);
  }

  #onError(frame: ErrorFrame): void {
    const { events, outbox } = this.state;
    if (frame.ref !== undefined) {
      const request = outbox.get(frame.ref);
      // Unknown: the answer to a repeat of an answered request.
      if (request !== undefined) this.#onRefused(request, frame);
      return;
    }
    if (frame.code === "rate_limited") {
      this.#pause(frame);
      const request = outbox.firstSent("nick", "join", "leave");
      if (request !== undefined) outbox.retry(request);
      // Nothing to retry, so the user should know.
      else events.push(frame);
      return;
    }
    if (NAME_ERRORS.includes(frame.code)) this.#remove(outbox.firstSent("nick"));
    else if (ROOM_ERRORS.includes(frame.code)) this.#onRoomRefused();
    events.push(frame);
  }

  #onRefused(request: ClientRequest, frame: ErrorFrame): void {
    const { receiver } = request;
    if (receiver !== undefined && this.#mayReturn(request, frame)) {
      this.sendLoop.answered(request);
      this.sendLoop.holdDirect(request, receiver, RECEIVER_RETRY_PERIOD);
      return;
    }
    const isTemporary = frame.code === "rate_limited" ||
      frame.code === "internal" && frame.retryAfter !== undefined &&
        request.retries < MAX_INTERNAL_RETRIES;
    if (!isTemporary) {
      this.#remove(request);
      request.fail(new RequestError(frame));
      return;
    }
    if (frame.code === "internal") request.retries++;
    this.#pause(frame);
    this.sendLoop.answered(request);
    this.state.outbox.retry(request);
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

  /** The hub refused the oldest join or leave. */
  #onRoomRefused(): void {
    const { outbox, rooms } = this.state;
    const request = outbox.firstSent("join", "leave");
    this.#remove(request);
    const room = request?.room;
    if (room !== undefined && (request?.kind === "leave" || !rooms.isJoined(room))) {
      rooms.unsubscribe(room);
    }
  }

  /** Removes a request that is answered, one way or another. */
  #remove(request: ClientRequest | undefined): void {
    if (request === undefined) return;
    this.state.outbox.remove(request.key);
    this.sendLoop.answered(request);
  }
}

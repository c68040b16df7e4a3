import {
  type ErrorCode,
  type ErrorFrame,
  type HubFrame,
  type Joined,
  type JoinedFrame,
  type Message,
  type Presence,
  type Ref,
  RETURN_SECONDS,
  type Welcome,
} from "../protocol.ts";
import { retryDelay } from "./backoff.ts";
import type { ClientRequest } from "./request.ts";
import type { Clock } from "../lib/clock.ts";
import type { ConnectionState } from "./connection_state.ts";
import type { SendLoop } from "./send_loop.ts";
import type { SubscribedRoom } from "./room_subscriptions.ts";
import { RequestError } from "./types.ts";

/** Milliseconds to hold back when the hub says `rate_limited` but not for how long. */
const DEFAULT_HOLD = 1000;

/** Milliseconds until a private message is tried again whose receiver may come back. */
const PROBE_PERIOD = 1000;

/** How often a message is tried again after a fault of the hub that it says may pass. */
const MAX_FAULTS = 5;

// Errors carry no `ref` where the request had none; its code tells what kind of request it was.
const NAME_ERRORS: readonly ErrorCode[] = ["bad_name", "name_taken"];
const ROOM_ERRORS: readonly ErrorCode[] = [
  "bad_room",
  "forbidden",
  "not_in_room",
  "too_many_rooms",
];

/** Takes in what the hub says once it said `welcome`: answers go to who asked, the rest are events. */
export class FrameHandler {
  /** @param onGap is told when a message of a room is missing, which must not be. */
  constructor(
    private readonly memory: ConnectionState,
    private readonly pump: SendLoop,
    private readonly clock: Clock,
    private readonly onGap: (room: string) => void,
  ) {}

  /** The hub let the client in. `again`: it had been in before. */
  welcome(welcome: Welcome, again: boolean): void {
    const { rooms, events, outbox } = this.memory;
    const named = rooms.positions.map(({ room }) => room);
    const entered = welcome.rooms.map((joined) => this.#enter(joined));
    const missed = entered.reduce((sum, { missed }) => sum + missed, 0);
    events.push({ type: "online", welcome, reconnected: again, missed });
    for (const room of named) {
      const waits = outbox.get(joinKey(room)) !== undefined;
      if (waits || welcome.rooms.some((joined) => joined.room === room)) continue;
      // The hub would not have the client there any more.
      rooms.forget(room);
      outbox.remove(leaveKey(room));
      if (again) events.push({ type: "left", room });
    }
    for (const room of entered) this.#announce(room);
  }

  take(frame: HubFrame): void {
    const { events, outbox } = this.memory;
    switch (frame.type) {
      case "message":
        return this.#message(frame);
      case "ack":
        this.memory.rooms.acked(frame.room, frame.id);
        return this.#answer(frame.ref, frame);
      case "joined":
        return this.#joined(frame);
      case "left":
        return this.#left(frame.room);
      case "presence":
        return this.#presence(frame);
      case "error":
        return this.#error(frame);
      case "direct":
        // With a `ref` it is the copy for who sent it.
        if (frame.ref !== undefined && outbox.get(frame.ref) !== undefined) {
          return this.#answer(frame.ref, frame);
        }
        events.push(frame);
        return;
      case "history":
      case "who":
      case "pong":
        if (frame.ref !== undefined) this.#answer(frame.ref, frame);
        return;
      case "typing":
      case "system":
        events.push(frame);
        return;
      case "welcome":
        // One is enough.
        return;
    }
  }

  #message(message: Message): void {
    const { events, outbox, rooms } = this.memory;
    const verdict = rooms.accept(message, () => outbox.messagesTo(message.room, "sent"));
    if (verdict === "new") events.push(message);
    else if (verdict === "gap") this.onGap(message.room);
  }

  #answer(ref: Ref, frame: HubFrame): void {
    const { outbox } = this.memory;
    const entry = outbox.get(ref);
    // Gone: a second answer, to what was sent twice. A nick that waits again was not the one that
    // was granted: the ping that went with it was.
    if (entry === undefined || (entry.kind === "nick" && !outbox.isSent(entry))) return;
    if (entry.answer(frame)) this.#done(entry);
  }

  #enter(joined: Joined): SubscribedRoom {
    this.#done(this.memory.outbox.get(joinKey(joined.room)));
    return this.memory.rooms.enter(joined);
  }

  #announce({ joined, again }: SubscribedRoom): void {
    const { events } = this.memory;
    events.push({ ...joined, type: "joined", rejoined: again });
    for (const message of joined.history) events.push(message);
  }

  #joined({ type: _, ...joined }: JoinedFrame): void {
    this.#announce(this.#enter(joined));
  }

  #left(room: string): void {
    const { events, outbox, rooms } = this.memory;
    this.#done(outbox.get(leaveKey(room)));
    rooms.forget(room);
    // Asked for again meanwhile: from now on it is a room like one never entered.
    if (outbox.get(joinKey(room)) !== undefined) rooms.want({ room });
    events.push({ type: "left", room });
  }

  #presence(presence: Presence): void {
    const mine = presence.renamed?.find(({ from }) => from === this.memory.sender);
    if (mine !== undefined) this.memory.sender = mine.to;
    this.memory.events.push(presence);
  }

  #error(frame: ErrorFrame): void {
    const { events, outbox } = this.memory;
    if (frame.ref !== undefined) {
      const entry = outbox.get(frame.ref);
      // None: the answer to a repeat of what was answered already.
      if (entry !== undefined) this.#refused(entry, frame);
      return;
    }
    if (frame.code === "rate_limited") {
      this.#hold(frame);
      const entry = outbox.firstSent("nick", "join", "leave");
      if (entry !== undefined) outbox.again(entry);
      // Nothing to try again, so somebody should hear of it.
      else events.push(frame);
      return;
    }
    if (NAME_ERRORS.includes(frame.code)) this.#done(outbox.firstSent("nick"));
    else if (ROOM_ERRORS.includes(frame.code)) this.#dropRoom();
    events.push(frame);
  }

  #refused(entry: ClientRequest, frame: ErrorFrame): void {
    const { receiver } = entry;
    if (receiver !== undefined && this.#mayComeBack(entry, frame)) {
      this.pump.answered(entry);
      this.pump.awaitReceiver(entry, receiver, PROBE_PERIOD);
      return;
    }
    const mayPass = frame.code === "rate_limited" ||
      frame.code === "internal" && frame.retryAfter !== undefined && entry.retries < MAX_FAULTS;
    if (!mayPass) {
      this.#done(entry);
      entry.fail(new RequestError(frame));
      return;
    }
    if (frame.code === "internal") entry.retries++;
    this.#hold(frame);
    this.pump.answered(entry);
    this.memory.outbox.again(entry);
  }

  /**
   * Whether the receiver of a private message may only be later than this client: after an outage,
   * everybody comes back at another moment.
   */
  #mayComeBack({ isEarly }: ClientRequest, { code, retryAfter }: ErrorFrame): boolean {
    const { returnedAt } = this.memory;
    // A hub that started only now says that asking again makes sense.
    return code === "no_such_user" && (isEarly === true || retryAfter !== undefined) &&
      returnedAt !== undefined && this.clock.now() - returnedAt < RETURN_SECONDS * 1000;
  }

  #hold({ retryAfter }: ErrorFrame): void {
    this.pump.hold(retryAfter === undefined ? DEFAULT_HOLD : retryDelay(retryAfter));
  }

  /** The hub refused the oldest join or leave. */
  #dropRoom(): void {
    const { outbox, rooms } = this.memory;
    const entry = outbox.firstSent("join", "leave");
    this.#done(entry);
    const room = entry?.room;
    if (room !== undefined && (entry?.kind === "leave" || !rooms.isIn(room))) rooms.forget(room);
  }

  /** What became of `entry` is known. */
  #done(entry: ClientRequest | undefined): void {
    if (entry === undefined) return;
    this.memory.outbox.remove(entry.key);
    this.pump.answered(entry);
  }
}

/** What the wish to enter `room` is called in the outbox. */
export function joinKey(room: string): string {
  return `join ${room}`;
}

/** What the wish to leave `room` is called in the outbox. */
export function leaveKey(room: string): string {
  return `leave ${room}`;
}

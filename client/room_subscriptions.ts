import type { Entry, EntryPosition, Joined, Message, RoomPosition } from "../protocol.ts";
import type { RoomJoined } from "./types.ts";

/** Ids of own messages above the position that are remembered, without echo: the hub acks in order. */
const MAX_OWN = 1024;

/** A room that the client has joined or wants to join. */
interface RoomSubscription {
  /** The request; its position is outdated once `epoch` is set. */
  wanted: RoomPosition;
  /** Whether the client is in the room on this connection. */
  confirmed: boolean;
  /** Whether the hub has sent the state of the room on this connection; nothing counts before it. */
  joined: boolean;
  /** The epoch that `after` belongs to; absent until joined. */
  epoch?: string;
  /** The last id received. */
  after: number;
  /** Ids above `after` of the client's own messages, if they are not echoed. */
  readonly own: Set<number>;
  /** The position at which messages were missing. */
  gapAt?: number;
}

/** Messages that the hub did not send. */
export interface Gap {
  /** The first and the last id. */
  readonly from: number;
  readonly to: number;
  /** Whether they were missing before, and the hub was asked for them. */
  readonly repeated: boolean;
}

/** The client's rooms and its position in each, which rule out gaps and duplicates. */
export class RoomSubscriptions {
  readonly #subscriptions = new Map<string, RoomSubscription>();
  readonly #everJoined = new Set<string>();

  /** @param echo whether the client's own messages come back. */
  constructor(wanted: readonly RoomPosition[], private readonly echo: boolean) {
    for (const position of wanted) this.subscribe(position);
  }

  /** The position to resume from, for each room. */
  get positions(): readonly RoomPosition[] {
    return [...this.#subscriptions.values()].map(positionOf);
  }

  /** The first room that the client entered and did not leave. */
  get first(): string | undefined {
    for (const [room, { confirmed }] of this.#subscriptions) {
      if (confirmed) return room;
    }
    return undefined;
  }

  /** Whether the client has joined `room` or wants to. */
  has(room: string): boolean {
    return this.#subscriptions.has(room);
  }

  /** Whether the client is in `room` on this connection. */
  isConfirmed(room: string): boolean {
    return this.#subscriptions.get(room)?.confirmed === true;
  }

  /** Whether the hub has sent the state of `room` on this connection. */
  isJoined(room: string): boolean {
    return this.#subscriptions.get(room)?.joined === true;
  }

  /** Whether the hub has sent the state of `room` on any connection since the client entered it. */
  wasJoined(room: string): boolean {
    return this.#subscriptions.get(room)?.epoch !== undefined;
  }

  /** The position to resume from in `room`. */
  position(room: string): RoomPosition | undefined {
    const subscription = this.#subscriptions.get(room);
    return subscription === undefined ? undefined : positionOf(subscription);
  }

  /** Adds a room; one that was joined before keeps its position. */
  subscribe(position: RoomPosition): void {
    const known = this.#subscriptions.get(position.room);
    if (known?.epoch !== undefined) known.wanted = position;
    else this.#subscriptions.set(position.room, newSubscription(position, known?.confirmed));
  }

  unsubscribe(room: string): void {
    this.#subscriptions.delete(room);
  }

  /** Records the rooms of a new connection; their state follows. */
  welcomed(names: readonly string[]): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.confirmed = subscription.joined = false;
    }
    for (const name of names) this.#enter(name).confirmed = true;
  }

  /**
   * Updates a room whose state the hub has sent. Returns it without messages that were received
   * before, or that cannot or must not be shown.
   */
  joined(state: Joined): RoomJoined {
    const { room, epoch, last } = state;
    const subscription = this.#enter(room);
    const from = resumedFrom(subscription, state);
    const entries = increasing(state, from ?? 0);
    const next = entries[0];
    const recovered = state.recovered && (
      from === undefined
        ? !hasPosition(subscription)
        // The client asked for a part only, if there are more.
        : state.more || next === undefined || before(next) <= from
    );
    const first = recovered && from !== undefined ? from + 1 : next?.id ?? last + 1;
    const missed = hasPosition(subscription) ? Math.max(0, last + 1 - first) : 0;
    const rejoined = this.#everJoined.has(room);
    if (from === undefined) {
      subscription.own.clear();
      delete subscription.gapAt;
    }
    const messages = entries.filter((entry): entry is Message =>
      entry.type === "message" && !subscription.own.has(entry.id)
    );
    subscription.epoch = epoch;
    subscription.confirmed = subscription.joined = true;
    // Not simply `last`: entries that are not in this page may still follow.
    advance(subscription, entries.at(-1)?.id ?? (recovered && from !== undefined ? from : last));
    this.#everJoined.add(room);
    return { ...stateOf(state), type: "joined", recovered, messages, rejoined, missed };
  }

  /** The messages that are missing before an entry; `undefined` if there are none. */
  gapBefore({ room, id, prev = id - 1 }: EntryPosition): Gap | undefined {
    const subscription = this.#subscriptions.get(room);
    const to = Math.min(prev, id - 1);
    if (subscription?.joined !== true || to <= subscription.after) return undefined;
    const { after, gapAt } = subscription;
    subscription.gapAt = after;
    return { from: after + 1, to, repeated: gapAt === after };
  }

  /** Advances to an entry. Returns whether it is new, and not an own message that is not wanted. */
  accept({ room, id }: EntryPosition): boolean {
    const subscription = this.#subscriptions.get(room);
    if (subscription?.joined !== true || id <= subscription.after) return false;
    const isOwn = subscription.own.has(id);
    advance(subscription, id);
    return !isOwn;
  }

  /** Records the id of an own message, which must not be shown without echo. */
  acked({ room, id, epoch }: { room: string; id: number; epoch: string }): void {
    const subscription = this.#subscriptions.get(room);
    if (this.echo || subscription === undefined || subscription.epoch !== epoch) return;
    const { own, after, joined } = subscription;
    if (id <= after) return;
    own.add(id);
    for (const oldest of own) {
      if (own.size <= MAX_OWN) break;
      own.delete(oldest);
    }
    if (joined) advance(subscription, after);
  }

  /** The subscription of a room that the client is in, in the order of joining. */
  #enter(room: string): RoomSubscription {
    const subscription = this.#subscriptions.get(room) ?? newSubscription({ room });
    // The first room is the default for messages.
    if (subscription.epoch === undefined && !subscription.confirmed) {
      this.#subscriptions.delete(room);
    }
    this.#subscriptions.set(room, subscription);
    return subscription;
  }
}

function newSubscription(wanted: RoomPosition, confirmed = false): RoomSubscription {
  return { wanted, confirmed, joined: false, after: wanted.after ?? 0, own: new Set() };
}

function positionOf({ wanted, epoch, after }: RoomSubscription): RoomPosition {
  return epoch === undefined ? wanted : { ...wanted, epoch, after };
}

/** Whether there is a position to resume from. */
function hasPosition({ wanted, epoch }: RoomSubscription): boolean {
  return epoch !== undefined || wanted.after !== undefined;
}

/** The id after which the room continues; `undefined` if earlier ids are meaningless. */
function resumedFrom(
  subscription: RoomSubscription,
  { epoch, recovered, reset, last }: Joined,
): number | undefined {
  if (!hasPosition(subscription) || reset === "epoch" || reset === "ahead") return undefined;
  const known = subscription.epoch ?? subscription.wanted.epoch;
  // Without an epoch, only the hub can tell whether the position is valid.
  if (known === undefined ? !recovered : known !== epoch) return undefined;
  // A log that lost its end reuses the lost ids.
  return last >= subscription.after ? subscription.after : undefined;
}

/** The entries of the room above `after`, each above the one before it. */
function increasing({ room, messages }: Joined, after: number): readonly Entry[] {
  let last = after;
  return messages.filter((entry) => {
    if (entry.id <= last || entry.room !== room) return false;
    last = entry.id;
    return true;
  });
}

function before({ id, prev = id - 1 }: EntryPosition): number {
  return prev;
}

/** Moves the position to `id`, and over the own messages that follow, which do not come back. */
function advance(subscription: RoomSubscription, id: number): void {
  const { own } = subscription;
  let after = id;
  while (own.delete(after + 1)) after++;
  for (const each of own) {
    if (each <= after) own.delete(each);
  }
  subscription.after = after;
}

/** The state of a room, without what else the frame may hold. */
function stateOf(
  { room, epoch, first, last, recovered, reset, online, members, accounts, more }: Joined,
): Omit<Joined, "messages"> {
  return {
    ...{ room, epoch, first, last, recovered, online, more },
    ...(reset === undefined ? {} : { reset }),
    ...(members === undefined ? {} : { members }),
    ...(accounts === undefined ? {} : { accounts }),
  };
}

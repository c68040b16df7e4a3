import type { Joined, Message, RoomPosition } from "../protocol.ts";

/** A room that the client has joined or wants to join. */
interface RoomSubscription {
  /** The requested position; outdated once `epoch` is set. */
  readonly wanted: RoomPosition;
  /** The epoch that `after` belongs to; absent until joined. */
  epoch?: string;
  /** The last id received. */
  after: number;
  /** Ids above `after` of the client's own messages, if they are not echoed. */
  readonly own: Set<number>;
}

/** The result of joining a room. */
export interface JoinedRoom {
  /** The hub's answer, without messages that were received before. */
  readonly joined: Joined;
  readonly rejoined: boolean;
  /** The number of messages missed since the last one received. */
  readonly missed: number;
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

  /** The first room that was joined and not left. */
  get first(): string | undefined {
    for (const [room, { epoch }] of this.#subscriptions) {
      if (epoch !== undefined) return room;
    }
    return undefined;
  }

  /** Whether the client has joined `room` or wants to. */
  has(room: string): boolean {
    return this.#subscriptions.has(room);
  }

  /** Whether the hub has confirmed the join. */
  isJoined(room: string): boolean {
    return this.#subscriptions.get(room)?.epoch !== undefined;
  }

  /** The position to resume from in `room`. */
  position(room: string): RoomPosition | undefined {
    const subscription = this.#subscriptions.get(room);
    return subscription === undefined ? undefined : positionOf(subscription);
  }

  /** Adds a room; a joined room keeps its position. */
  subscribe(position: RoomPosition): void {
    if (this.isJoined(position.room)) return;
    this.#subscriptions.set(position.room, {
      wanted: position,
      after: position.after ?? 0,
      own: new Set(),
    });
  }

  unsubscribe(room: string): void {
    this.#subscriptions.delete(room);
  }

  /** Updates a room that the hub has confirmed, for the first time or again. */
  joined(joined: Joined): JoinedRoom {
    const { room, epoch, last } = joined;
    const subscription: RoomSubscription = this.#subscriptions.get(room) ??
      { wanted: { room }, after: 0, own: new Set() };
    const from = resumedFrom(subscription, joined);
    const history = from === undefined
      ? joined.history
      : joined.history.filter(({ id }) => id > from);
    const recovered = joined.recovered && (
      from === undefined ? !hasPosition(subscription) : !this.echo || isContiguous(from, history)
    );
    const rejoined = this.#everJoined.has(room);
    const missed = !hasPosition(subscription)
      ? 0
      : recovered && from !== undefined
      ? last - from
      : history.length;
    // Keeps the order of joining, since the first room is the default for messages.
    if (subscription.epoch === undefined) this.#subscriptions.delete(room);
    subscription.epoch = epoch;
    // Not simply `last`: messages that are not in `history` may still follow.
    subscription.after = history.at(-1)?.id ?? (recovered && from !== undefined ? from : last);
    subscription.own.clear();
    this.#subscriptions.set(room, subscription);
    this.#everJoined.add(room);
    return { joined: { ...joined, recovered, history }, rejoined, missed };
  }

  /**
   * Checks a live message: it is new, a duplicate, or follows a gap, which should not happen.
   *
   * @param ownInFlight the number of unacknowledged own messages to the room: without echo, as many
   * ids may be missing.
   */
  accept({ room, id }: Message, ownInFlight: () => number): "new" | "duplicate" | "gap" {
    const subscription = this.#subscriptions.get(room);
    if (subscription?.epoch === undefined) return "new";
    if (id <= subscription.after) return "duplicate";
    const missing = id - subscription.after - 1;
    if (missing > 0 && (this.echo || missing > ownInFlight())) return "gap";
    subscription.after = id;
    advance(subscription);
    return "new";
  }

  /** Records the id of an own message, which does not come back without echo. */
  acked(room: string, id: number): void {
    const subscription = this.#subscriptions.get(room);
    if (this.echo || subscription === undefined || id <= subscription.after) return;
    subscription.own.add(id);
    advance(subscription);
  }
}

function positionOf({ wanted, epoch, after }: RoomSubscription): RoomPosition {
  return epoch === undefined ? wanted : { room: wanted.room, epoch, after };
}

/** Whether there is a position to resume from. */
function hasPosition({ wanted, epoch }: RoomSubscription): boolean {
  return epoch !== undefined || wanted.after !== undefined;
}

/** The id after which `joined` continues; `undefined` if earlier ids are meaningless. */
function resumedFrom(
  subscription: RoomSubscription,
  { epoch, recovered, last }: Joined,
): number | undefined {
  if (!hasPosition(subscription)) return undefined;
  const known = subscription.epoch ?? subscription.wanted.epoch;
  // Without an epoch, only the hub can tell whether the position is valid.
  if (known === undefined ? !recovered : known !== epoch) return undefined;
  // A log that lost its end reuses the lost ids.
  return last >= subscription.after ? subscription.after : undefined;
}

function isContiguous(after: number, messages: readonly Message[]): boolean {
  return messages.every(({ id }, index) => id === after + 1 + index);
}

function advance(subscription: RoomSubscription): void {
  while (subscription.own.delete(subscription.after + 1)) subscription.after++;
  // Acked after a newer message arrived.
  for (const id of subscription.own) {
    if (id <= subscription.after) subscription.own.delete(id);
  }
}

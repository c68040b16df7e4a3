import type { Joined, Message, RoomPosition } from "../protocol.ts";

/** A room the conversation is in, or wants to be in. */
interface Seat {
  /** As it was asked for; outdated once `epoch` is there. */
  readonly wanted: RoomPosition;
  /** The life of the room in which `after` counts; absent until the hub let the client in. */
  epoch?: string;
  /** The last id seen. */
  after: number;
  /** Ids above `after` of own messages that do not come back. */
  readonly own: Set<number>;
}

/** What entering a room brought. */
export interface SubscribedRoom {
  /** As the hub said it, without what was seen before. */
  readonly joined: Joined;
  readonly again: boolean;
  /** Messages that were missed since the room was last heard. */
  readonly missed: number;
}

/** The rooms of a conversation and where it stopped reading in each: what makes gaps and repeats impossible. */
export class RoomSubscriptions {
  readonly #seats = new Map<string, Seat>();
  readonly #everIn = new Set<string>();

  /** @param echo whether own messages come back. */
  constructor(wanted: readonly RoomPosition[], private readonly echo: boolean) {
    for (const position of wanted) this.want(position);
  }

  /** Where reading stopped, room by room. */
  get positions(): readonly RoomPosition[] {
    return [...this.#seats.values()].map(positionOf);
  }

  /** The first room entered that was not left. */
  get first(): string | undefined {
    for (const [room, { epoch }] of this.#seats) {
      if (epoch !== undefined) return room;
    }
    return undefined;
  }

  /** Whether `room` is to be listened to, now or on the next connection. */
  has(room: string): boolean {
    return this.#seats.has(room);
  }

  /** Whether the hub has let the conversation into `room`. */
  isIn(room: string): boolean {
    return this.#seats.get(room)?.epoch !== undefined;
  }

  /** Where to go on in `room`, as a join says it. */
  position(room: string): RoomPosition | undefined {
    const seat = this.#seats.get(room);
    return seat === undefined ? undefined : positionOf(seat);
  }

  /** Listens to a room; where it is already listened to, reading goes on where it stopped. */
  want(position: RoomPosition): void {
    if (this.isIn(position.room)) return;
    this.#seats.set(position.room, {
      wanted: position,
      after: position.after ?? 0,
      own: new Set(),
    });
  }

  /** Stops listening to `room`. */
  forget(room: string): void {
    this.#seats.delete(room);
  }

  /** The hub let the conversation in (again). */
  enter(joined: Joined): SubscribedRoom {
    const { room, epoch, last } = joined;
    const seat: Seat = this.#seats.get(room) ?? { wanted: { room }, after: 0, own: new Set() };
    const from = goingOnFrom(seat, joined);
    const history = from === undefined
      ? joined.history
      : joined.history.filter(({ id }) => id > from);
    const recovered = joined.recovered && (
      from === undefined ? !hasPosition(seat) : !this.echo || isContiguous(from, history)
    );
    const again = this.#everIn.has(room);
    const missed = !hasPosition(seat)
      ? 0
      : recovered && from !== undefined
      ? last - from
      : history.length;
    // In the order of entering, which is what "the first room joined" means to the hub as well.
    if (seat.epoch === undefined) this.#seats.delete(room);
    seat.epoch = epoch;
    // Not simply `last`: what is not in the history may still follow.
    seat.after = history.at(-1)?.id ?? (recovered && from !== undefined ? from : last);
    seat.own.clear();
    this.#seats.set(room, seat);
    this.#everIn.add(room);
    return { joined: { ...joined, recovered, history }, again, missed };
  }

  /**
   * Takes a live message: `new`, `seen` before, or after a `gap` that must not be.
   *
   * @param ownOnTheWay own messages to that room that are not acked: without echo, as many ids may
   * be missing.
   */
  accept({ room, id }: Message, ownOnTheWay: () => number): "new" | "seen" | "gap" {
    const seat = this.#seats.get(room);
    if (seat?.epoch === undefined) return "new";
    if (id <= seat.after) return "seen";
    const missing = id - seat.after - 1;
    if (missing > 0 && (this.echo || missing > ownOnTheWay())) return "gap";
    seat.after = id;
    advance(seat);
    return "new";
  }

  /** An own message got this id; without echo, that is all one hears of it. */
  acked(room: string, id: number): void {
    const seat = this.#seats.get(room);
    if (this.echo || seat === undefined || id <= seat.after) return;
    seat.own.add(id);
    advance(seat);
  }
}

function positionOf({ wanted, epoch, after }: Seat): RoomPosition {
  return epoch === undefined ? wanted : { room: wanted.room, epoch, after };
}

/** Whether the hub was told where reading stopped. */
function hasPosition({ wanted, epoch }: Seat): boolean {
  return epoch !== undefined || wanted.after !== undefined;
}

/** The id after which `joined` goes on; `undefined` when earlier ids mean nothing. */
function goingOnFrom(seat: Seat, { epoch, recovered, last }: Joined): number | undefined {
  if (!hasPosition(seat)) return undefined;
  const known = seat.epoch ?? seat.wanted.epoch;
  // A position without an epoch means what the hub takes it for.
  if (known === undefined ? !recovered : known !== epoch) return undefined;
  // A log that lost its end gives the lost ids to other messages.
  return last >= seat.after ? seat.after : undefined;
}

function isContiguous(after: number, messages: readonly Message[]): boolean {
  return messages.every(({ id }, index) => id === after + 1 + index);
}

function advance(seat: Seat): void {
  while (seat.own.delete(seat.after + 1)) seat.after++;
  // Acked after something newer came by.
  for (const id of seat.own) {
    if (id <= seat.after) seat.own.delete(id);
  }
}

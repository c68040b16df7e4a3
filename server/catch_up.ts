import type { Clock } from "../lib/clock.ts";
import { CLOSE, type Ref, type RoomPosition } from "../protocol.ts";
import type { Connection, Session } from "./connection.ts";
import type { Replay } from "./replay.ts";
import type { Room } from "./room.ts";

/** Milliseconds between two looks at the output of a client that reads slowly. */
const DRAIN_POLL = 20;

/** A room that a client has entered, and its position there. */
export interface Entrance {
  readonly room: Room;
  readonly position: RoomPosition;
  /** Of the request that is answered. */
  readonly ref?: Ref | undefined;
}

/** An entrance whose `joined` was not sent yet. */
interface Waiting extends Entrance {
  readonly onJoined: () => void;
}

/** The rooms in which one client catches up, in order. */
class Work {
  /** Rooms whose `joined` was not sent yet. They come first. */
  readonly waiting: Waiting[] = [];
  /** Rooms whose first page was sent. */
  readonly reading: Room[] = [];
}

/**
 * Sends the history of rooms to clients: `joined` with the first page for each room, then the other
 * pages, then `live`. A client gets one page at a time, no faster than it reads, in however many
 * rooms: reading its own history never counts as falling behind.
 */
export class CatchUp {
  readonly #work = new Map<Connection, Work>();
  /** Ends the waits for slow readers. */
  readonly #over = new AbortController();

  constructor(private readonly replay: Replay, private readonly clock: Clock) {}

  /** Starts with a room; resolves when `joined` was sent, or the client has left meanwhile. */
  join(connection: Connection, session: Session, entrance: Entrance): Promise<void> {
    return new Promise((onJoined) => {
      const work = this.#work.get(connection);
      const waiting = { ...entrance, onJoined };
      if (work !== undefined) {
        work.waiting.push(waiting);
        return;
      }
      const started = new Work();
      started.waiting.push(waiting);
      this.#work.set(connection, started);
      this.#run(connection, session, started)
        .catch((error) => connection.fail(error))
        .finally(() => {
          this.#work.delete(connection);
          for (const { onJoined } of started.waiting) onJoined();
        });
    });
  }

  /** Sends the rest of a room whose first page was sent up to `cursor`. */
  resume(connection: Connection, session: Session, room: Room, cursor: number): void {
    if (!room.has(session) || !connection.open) return;
    room.connect(connection, cursor, "names");
    if (this.#finish(connection, room, cursor)) return;
    const work = this.#work.get(connection) ?? new Work();
    work.reading.push(room);
    if (this.#work.has(connection)) return;
    this.#work.set(connection, work);
    this.#run(connection, session, work)
      .catch((error) => connection.fail(error))
      .finally(() => this.#work.delete(connection));
  }

  async #run(connection: Connection, session: Session, work: Work): Promise<void> {
    for (;;) {
      if (connection.congested) await this.#drained(connection);
      const isOver = !connection.open || connection.session !== session;
      if (isOver || this.#over.signal.aborted) return;
      const waiting = work.waiting.shift();
      const [room] = work.reading;
      if (waiting !== undefined) await this.#sendJoined(connection, session, waiting, work);
      else if (room !== undefined) await this.#sendPage(connection, room, work);
      else return;
    }
  }

  async #sendJoined(
    connection: Connection,
    session: Session,
    { room, position, ref, onJoined }: Waiting,
    work: Work,
  ): Promise<void> {
    try {
      if (!room.has(session)) return;
      const { json, messages, cursor, ...state } = await this.replay.start(room, position);
      // The client may have left, or disconnected.
      if (!room.has(session) || connection.session !== session || !connection.open) return;
      const fields = room.joinFields(session.name, state, position.presence);
      connection.enqueue(connection.encoder.joined({ fields, messages, messagesJson: json, ref }));
      room.connect(connection, cursor, position.presence ?? "names");
      if (!this.#finish(connection, room, cursor)) work.reading.push(room);
    } finally {
      onJoined();
    }
  }

  async #sendPage(connection: Connection, room: Room, work: Work): Promise<void> {
    const cursor = room.replayCursors.get(connection);
    if (cursor === undefined || this.#finish(connection, room, cursor)) {
      work.reading.shift();
      return;
    }
    const messages = await this.replay.next(room, cursor);
    // The client may have left, disconnected or joined again meanwhile.
    if (room.replayCursors.get(connection) !== cursor || !connection.open) return;
    if (messages === undefined) {
      connection.close(CLOSE.fellBehind, "The history you were reading was trimmed: reconnect");
      return;
    }
    room.replayCursors.set(connection, messages.at(-1)?.message.id ?? cursor);
    connection.enqueue(connection.encoder.messages(messages, room.epoch));
  }

  /**
   * Sends the rest of a room from memory and lets the client take part in the live fan-out; false if
   * the rest is too much, or not in memory. Waits for nothing, so that no message comes in between.
   */
  #finish(connection: Connection, room: Room, cursor: number): boolean {
    const rest = this.replay.rest(room, cursor);
    if (rest === undefined) return false;
    const { last } = room;
    room.goLive(connection, last);
    if (rest.length > 0) connection.enqueue(connection.encoder.messages(rest, room.epoch));
    connection.sendControl({ type: "live", room: room.name, id: last });
    return true;
  }

  async #drained(connection: Connection): Promise<void> {
    connection.flush();
    const { signal } = this.#over;
    while (connection.open && connection.congested && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(DRAIN_POLL, () => {
          signal.removeEventListener("abort", stop);
          resolve();
        });
        const stop = (): void => {
          cancel();
          resolve();
        };
        signal.addEventListener("abort", stop, { once: true });
      });
    }
  }

  /** Cancels all timers. */
  stop(): void {
    this.#over.abort();
  }
}

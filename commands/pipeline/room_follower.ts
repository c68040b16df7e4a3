import { CliError, EXIT } from "../../cli/errors.ts";
import {
  type ClientConnection,
  connect,
  ConnectError,
  type ConnectOptions,
  type Environment,
  type HistoryPage,
} from "../../client.ts";
import { findIdByTime } from "../../client/history.ts";
import { PROGRAM } from "../../lib/version.ts";
import { MAX_HISTORY_PAGE, type RoomPosition, visible } from "../../protocol.ts";
import type { CursorFile } from "./cursor_file.ts";
import { follow, type FollowEvent, type FollowPosition, type RoomHistory } from "./follow.ts";
import { ConnectionNotices } from "./connection_events.ts";

/** UTF-16 units of frames that wait for a slow reader; a fast one never has as many. */
const MAX_UNREAD = 4 * 1024 * 1024;

/** Which rooms to follow, and from where. */
export interface FollowSelection {
  /** Default: the hub's own. */
  readonly rooms: readonly string[];
  readonly sender?: string | undefined;
  /** Start after this id in rooms that the cursor does not know; 0 for the oldest message. */
  readonly after?: number | undefined;
  /** Or start at this time, in milliseconds since the Unix epoch. */
  readonly since?: number | undefined;
  /** Throw at the first gap. */
  readonly strict: boolean;
  /** Wait for a hub that is unreachable at the start. */
  readonly wait: boolean;
}

export interface RoomFollowerOptions extends FollowSelection {
  readonly url: URL;
  readonly token: ConnectOptions["token"] | undefined;
  readonly environment: Partial<Environment>;
  readonly cursor: CursorFile | undefined;
  /** Writes a line for the user. */
  readonly say: (line: string) => void;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** The hub let this client into none of the rooms. */
class NoRoomError extends Error {
  override readonly name = "NoRoomError";
}

/** Follows rooms on a connection of its own. */
export class RoomFollower implements AsyncDisposable {
  readonly #connection: ClientConnection;
  readonly #access: ConnectOptions;

  constructor(private readonly options: RoomFollowerOptions) {
    const { url, token, signal, rooms, sender, wait, environment } = options;
    this.#access = { url, client: PROGRAM, signal, token };
    this.#connection = connect({
      ...this.#access,
      retryFirst: wait,
      maxUnread: MAX_UNREAD,
      sender,
      rooms: rooms.length === 0 ? undefined : rooms.map((room) => this.#resumeFrom(room)),
    }, environment);
  }

  async *events(): AsyncGenerator<FollowEvent> {
    try {
      yield* this.#follow();
    } catch (error) {
      if (!(error instanceof NoRoomError)) throw error;
      const { rooms } = this.options;
      const which = rooms.length === 0 ? "the default room of the hub" : rooms.join(", ");
      const reasons = await this.#joinErrors();
      const why = reasons.length === 0 ? "the hub does not allow it" : reasons.join("; ");
      throw new CliError(
        `Cannot join ${which}: ${why}. Choose another room with --room`,
        EXIT.rejected,
      );
    }
  }

  #follow(): AsyncGenerator<FollowEvent> {
    const { environment, say, since, strict } = this.options;
    const history = new HubRoomHistory(this.#access, environment);
    const notices = new ConnectionNotices(true);
    return follow({
      connection: this.#connection,
      history,
      start: async (room) => {
        const known = this.#knownPosition(room);
        if (known !== undefined || since === undefined) return known;
        return { id: await history.idBefore(room, since) };
      },
      onGap: (sentence) => {
        if (strict) throw new CliError(`${sentence}. Remove --strict to continue after the gap`);
        say(`! GAP: ${sentence}`);
      },
      onEvent: (event) => {
        const notice = notices.noticeFor(event);
        if (notice !== undefined) say(notice);
        if (event.type === "online" && event.welcome.rooms.length === 0) throw new NoRoomError();
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  /** Why the hub let this client into no room: the errors that follow its welcome. */
  async #joinErrors(): Promise<readonly string[]> {
    const reasons: string[] = [];
    try {
      // The hub answers after it has sent all errors.
      await this.#connection.ping();
      await this.#connection.close();
      for await (const event of this.#connection) {
        if (event.type === "error") reasons.push(visible(event.message));
      }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
    }
    return reasons;
  }

  #resumeFrom(room: string): RoomPosition {
    const known = this.#knownPosition(room);
    const start: RoomPosition = { room, recent: 0, presence: "none" };
    if (known === undefined) return start;
    const { epoch, id } = known;
    if (epoch !== undefined) return { ...start, epoch, after: id };
    // Without an epoch, the hub resumes only from the start. Otherwise, the history has the rest.
    return id === 0 ? { ...start, after: 0 } : start;
  }

  #knownPosition(room: string): FollowPosition | undefined {
    const { after, cursor } = this.options;
    return cursor?.rooms.get(room) ?? (after === undefined ? undefined : { id: after });
  }
}

/**
 * Reads history through connections of its own, each open only while it is needed: the connection
 * that follows the rooms may be paused meanwhile.
 */
export class HubRoomHistory implements RoomHistory {
  constructor(
    private readonly options: ConnectOptions,
    private readonly environment: Partial<Environment> = {},
  ) {}

  async *between(room: string, after: number, before: number): AsyncGenerator<HistoryPage> {
    await using connection = this.#connect();
    for (let last = after; last + 1 < before;) {
      const limit = Math.min(MAX_HISTORY_PAGE, before - last - 1);
      const page = await connection.history(room, { after: last, limit });
      yield page;
      // A page that leads nowhere would be asked for without end.
      if (!page.more || page.newest === undefined || page.newest <= last) return;
      last = page.newest;
    }
  }

  async idBefore(room: string, time: number): Promise<number> {
    await using connection = this.#connect();
    return await findIdByTime((page) => connection.history(room, page), time);
  }

  #connect(): ClientConnection {
    // The hub was reachable a moment ago, so an outage now should be brief.
    return connect({ ...this.options, rooms: [], retryFirst: true }, this.environment);
  }
}

import { type Exported, wholeRoom } from "../../chat/export.ts";
import type { HistoryPage } from "../../client.ts";
import type { LoadPage } from "../../client/history.ts";
import { MAX_HISTORY_PAGE } from "../../protocol.ts";
import { firstSaid, itemsOf } from "../state/log.ts";
import { messageItem } from "../state/message_items.ts";
import { sanitized } from "../state/sanitize.ts";
import { roomOf } from "../state/threads.ts";
import type { NewChatMessage, ThreadKey } from "../state/types.ts";
import type { Store } from "./store.ts";

/** Messages that scrolling up loads at once. */
const OLDER_PAGE = 200;

/** Messages that are loaded above a target. */
const BEFORE_TARGET = 40;

/** Results of a search that are loaded at once. */
const FOUND_PAGE = 50;

/** Loads, searches and exports older messages. */
export class HistoryLoader {
  readonly #loading = new Map<ThreadKey, Promise<void>>();

  constructor(
    private readonly store: Store,
    private readonly load: (room: string, query: Parameters<LoadPage>[0]) => Promise<HistoryPage>,
  ) {}

  /** Loads older messages. Resolves once they are in the state, or there are none. */
  loadOlder(key: ThreadKey, limit: number = OLDER_PAGE): Promise<void> {
    const loading = this.#loading.get(key) ?? this.#loadOlder(key, limit).finally(() => {
      this.#loading.delete(key);
    });
    this.#loading.set(key, loading);
    return loading;
  }

  /** Loads cleared messages again. */
  uncover(key: ThreadKey): Promise<void> {
    this.store.apply({ type: "uncover", key });
    return this.loadOlder(key);
  }

  /** Loads back to the message `id`, so that it can be shown. */
  async loadUpTo(key: ThreadKey, id: number): Promise<void> {
    this.store.apply({ type: "uncover", key });
    for (;;) {
      const thread = this.store.state.threads.get(key);
      if (thread === undefined || thread.complete) return;
      const first = firstSaid(thread.log)?.id ?? Infinity;
      if (first <= Math.max(1, id - BEFORE_TARGET / 4)) return;
      const missing = first === Infinity ? OLDER_PAGE : first - id + BEFORE_TARGET;
      await this.loadOlder(key, Math.min(MAX_HISTORY_PAGE, missing));
    }
  }

  /** Searches a room for all words of `query`. Returns a page of results, newest first. */
  async search(
    room: string,
    query: string,
    before?: number,
  ): Promise<{ readonly messages: readonly NewChatMessage[]; readonly more: boolean }> {
    const { messages, more } = await this.#page(room, { query, limit: FOUND_PAGE }, before);
    const { me, mention } = this.store.state;
    return {
      messages: messages.toReversed().map((message) => messageItem(message, me, mention)),
      more,
    };
  }

  /** All messages of a thread, oldest first: from the hub's log, or the private ones held here. */
  async wholeOf(key: ThreadKey): Promise<readonly Exported[]> {
    const room = roomOf(key);
    const thread = this.store.state.threads.get(key);
    if (room === undefined) {
      const items = thread === undefined ? [] : [...itemsOf(thread.log)];
      return items.flatMap((item) => item.kind === "said" ? item.direct ?? [] : []);
    }
    const pages = await Array.fromAsync(wholeRoom((page) => this.load(room, page)));
    return pages.flat();
  }

  async #loadOlder(key: ThreadKey, limit: number): Promise<void> {
    const thread = this.store.state.threads.get(key);
    const room = roomOf(key);
    if (thread === undefined || thread.complete || room === undefined) return;
    // A room that was not entered yet has its newest messages.
    const before = firstSaid(thread.log)?.id ?? (thread.room && thread.room.last + 1);
    const { messages, more } = await this.#page(room, { limit }, before);
    this.store.apply({ type: "older", key, messages, more });
  }

  /** The newest page below the id `before` that has messages, as not all entries can be shown. */
  async #page(
    room: string,
    query: Parameters<LoadPage>[0],
    before: number | undefined,
  ): Promise<Pick<HistoryPage, "messages" | "more">> {
    for (let below = before;;) {
      const page = await this.load(room, below === undefined ? query : { ...query, before: below });
      const { messages, oldest } = page;
      // A page that leads nowhere would be asked for without end.
      const more = page.more && oldest !== undefined && oldest < (below ?? Infinity);
      if (messages.length > 0 || !more) return { messages: sanitized(messages), more };
      below = oldest;
    }
  }
}

import type { ClientConnection } from "../../client.ts";
import { MAX_HISTORY_PAGE } from "../../protocol.ts";
import type { Exported } from "../../chat/export.ts";
import { firstSaid, itemsOf } from "../state/log.ts";
import { messageItem } from "../state/message_items.ts";
import { sanitized } from "../state/sanitize.ts";
import { roomOf } from "../state/threads.ts";
import type { NewChatMessage, ThreadKey } from "../state/types.ts";
import type { Store } from "./store.ts";

/** Messages that scrolling up loads at once. */
const OLDER_PAGE = 200;

/** Messages before one that is gone to which come with it. */
const BEFORE_TARGET = 40;

/** What was said before: loaded, searched, and read as a whole. */
export class HistoryLoader {
  readonly #loading = new Map<ThreadKey, Promise<void>>();

  /** @param conversation gives the one there is, or throws. */
  constructor(
    private readonly store: Store,
    private readonly conversation: () => Pick<ClientConnection, "history">,
  ) {}

  /** Loads what is older than what is there. Resolves when it is in the state, or there is none. */
  loadOlder(key: ThreadKey, limit: number = OLDER_PAGE): Promise<void> {
    const loading = this.#loading.get(key) ?? this.#loadOlder(key, limit).finally(() => {
      this.#loading.delete(key);
    });
    this.#loading.set(key, loading);
    return loading;
  }

  /** Brings back what was cleared. */
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

  /** A page of what a room holds with all words of `query`, newest first. */
  async search(
    room: string,
    query: string,
    before?: number,
  ): Promise<{ readonly messages: readonly NewChatMessage[]; readonly more: boolean }> {
    const conversation = this.conversation();
    const range = before === undefined ? {} : { before };
    const { messages, more } = sanitized(
      await conversation.history(room, { query, limit: 50, ...range }),
    );
    const { me, mention } = this.store.state;
    const said = messages.toReversed().map((message) => messageItem(message, me, mention));
    return { messages: said, more };
  }

  /** All that a thread holds, read from the hub's log, oldest first. */
  async wholeOf(key: ThreadKey): Promise<readonly Exported[]> {
    const room = roomOf(key);
    const thread = this.store.state.threads.get(key);
    if (room === undefined) {
      const items = thread === undefined ? [] : [...itemsOf(thread.log)];
      return items.flatMap((item) => item.kind === "said" ? item.direct ?? [] : []);
    }
    const conversation = this.conversation();
    const all: Exported[] = [];
    for (let after = 0;;) {
      const { messages, more } = await conversation.history(room, {
        after,
        limit: MAX_HISTORY_PAGE,
      });
      all.push(...messages);
      const last = messages.at(-1);
      if (!more || last === undefined) return all;
      after = last.id;
    }
  }

  async #loadOlder(key: ThreadKey, limit: number): Promise<void> {
    const thread = this.store.state.threads.get(key);
    const room = roomOf(key);
    if (thread === undefined || thread.complete || room === undefined) return;
    // A room that was not entered has its newest messages.
    const before = firstSaid(thread.log)?.id ?? (thread.room && thread.room.last + 1);
    const range = before === undefined ? { limit } : { before, limit };
    const { messages, more } = sanitized(await this.conversation().history(room, range));
    this.store.apply({ type: "older", key, messages, more });
  }
}

import type { VNode } from "preact";
import type { WebChat } from "../chat/web_chat.ts";
import { roomOf, unreadIn } from "../state/threads.ts";
import type { Thread } from "../state/types.ts";
import { Icon, IconButton } from "./icons.tsx";

/** The heading of a conversation and its actions. */
export function ThreadHeader({ chat, thread, onThreads, onPeople, onSearch, onMore }: {
  readonly chat: WebChat;
  readonly thread: Thread | undefined;
  readonly onThreads: () => void;
  readonly onPeople: () => void;
  readonly onSearch: () => void;
  readonly onMore: () => void;
}): VNode {
  const room = thread?.room;
  const elsewhere = unreadIn(chat.state).unread - (thread?.unread ?? 0);
  return (
    <header class="thread-header">
      <span class="narrow-only with-dot">
        <IconButton
          icon="menu"
          label={elsewhere > 0 ? `Conversations, ${elsewhere} unread` : "Conversations"}
          onClick={onThreads}
        />
        {elsewhere > 0 ? <span class="news-dot" aria-hidden="true" /> : null}
      </span>
      <h1>
        {thread === undefined ? "bcast" : (
          <>
            <span class="hash" aria-hidden="true">{thread.key.charAt(0)}</span>
            <bdi>{thread.name}</bdi>
          </>
        )}
      </h1>
      <span class="grow" />
      {room === undefined ? null : (
        <button
          type="button"
          class="people-button medium-down"
          aria-label={`People, ${room.online} online`}
          title="People"
          onClick={onPeople}
        >
          <Icon name="people" /> {room.online}
        </button>
      )}
      {roomOf(thread?.key) === undefined
        ? null
        : <IconButton icon="search" label="Search" onClick={onSearch} />}
      {thread === undefined
        ? null
        : <IconButton icon="more" label="This conversation" onClick={onMore} />}
    </header>
  );
}

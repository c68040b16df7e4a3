import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { whyCannotSend } from "../chat/can_send.ts";
import { CHUNK, itemAt } from "../state/log.ts";
import type { WebSettings } from "../state/settings.ts";
import { roomOf } from "../state/threads.ts";
import type { ChatMessage, Thread } from "../state/types.ts";
import { copyLiterally } from "./copy.ts";
import { Chunk } from "./chunk.tsx";
import { useNow } from "./hooks.ts";
import { Icon } from "./icons.tsx";
import { PendingList } from "./pending_list.tsx";
import { useScroll } from "./use_scroll.ts";

/** Milliseconds between two updates of relative times. */
const MINUTE = 60_000;

interface MessageListProps {
  readonly chat: WebChat;
  readonly thread: Thread;
  readonly settings: WebSettings;
  /** The message to go to; another object each time. */
  readonly target: { readonly id: number } | undefined;
  readonly onCopy: (said: ChatMessage) => void;
  readonly onQuote: (said: ChatMessage) => void;
}

/** The messages of a thread, which keep the reading position. */
export function MessageList(props: MessageListProps): VNode {
  const { chat, thread, settings, target, onCopy, onQuote } = props;
  const view = useRef<HTMLDivElement>(null);
  const now = useNow(settings.times === "off" ? undefined : MINUTE);
  const { atEnd, loading, goToEnd, keepPlace, forced } = useScroll(chat, thread, target, view);
  const { key, log, newFrom, complete, pending, unread } = thread;

  const said = (element: EventTarget | null): ChatMessage | undefined => {
    const row = element instanceof Element ? element.closest<HTMLElement>("[data-seq]") : null;
    const item = itemAt(log, Number(row?.dataset["seq"]));
    return item?.kind === "said" ? item : undefined;
  };
  const onClick = (event: MouseEvent): void => {
    const button = event.target instanceof Element ? event.target.closest("[data-do]") : null;
    const found = said(button);
    if (found === undefined || !(button instanceof HTMLElement)) return;
    (button.dataset["do"] === "copy" ? onCopy : onQuote)(found);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === "ArrowUp" || key === "ArrowDown") {
      if (moveFocus(view.current, key === "ArrowUp" ? -1 : 1)) event.preventDefault();
      return;
    }
    if (key === "End") return goToEnd();
    const found = said(document.activeElement);
    if (found === undefined || (key !== "c" && key !== "q")) return;
    // The key is done with: where the focus goes, it would be typed.
    event.preventDefault();
    (key === "c" ? onCopy : onQuote)(found);
  };

  return (
    <div class="log-frame">
      <div
        ref={view}
        class="log"
        role="log"
        aria-live="off"
        aria-label={`Messages in ${thread.name}`}
        aria-busy={loading}
        tabIndex={0}
        onClick={onClick}
        onKeyDown={onKeyDown}
        onCopy={copyLiterally}
      >
        <div class="log-inner">
          {complete
            ? <Beginning thread={thread} onUncover={() => void chat.history.uncover(key)} />
            : log.size === 0 && !loading && whyCannotSend(chat.state, key) !== undefined
            ? null
            : <div class="loading">Loading earlier messages…</div>}
          {log.chunks.map((chunk, index) => (
            <Chunk
              key={chunk.index}
              chunk={chunk}
              before={log.chunks[index - 1]?.items.at(-1)}
              newFrom={newFrom !== undefined && Math.floor(newFrom / CHUNK) === chunk.index
                ? newFrom
                : undefined}
              times={settings.times}
              now={now}
              forced={index >= log.chunks.length - 2 || chunk.index === forced}
              view={view}
              onResize={keepPlace}
            />
          ))}
          <PendingList chat={chat} thread={thread} pending={pending} />
        </div>
      </div>
      {atEnd ? null : (
        <button type="button" class="to-end" onClick={goToEnd}>
          <Icon name="down" />
          {unread > 0 ? `${unread} new` : "Latest"}
        </button>
      )}
    </div>
  );
}

/** Moves the focus between messages; from outside, to the last one. */
function moveFocus(view: HTMLElement | null, by: 1 | -1): boolean {
  if (view === null) return false;
  const rows = [...view.querySelectorAll<HTMLElement>("article[data-seq]")];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at < 0 ? rows.at(-1) : rows[at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return next !== undefined;
}

function Beginning({ thread, onUncover }: {
  readonly thread: Thread;
  readonly onUncover: () => void;
}): VNode {
  if (thread.cleared) {
    return (
      <div class="loading">
        <button type="button" onClick={onUncover}>Show earlier messages</button>
      </div>
    );
  }
  const isRoom = roomOf(thread.key) !== undefined;
  return (
    <div class="beginning">
      <span class="big" aria-hidden="true">{isRoom ? "#" : "@"}</span>
      <h2>{isRoom ? `This is #${thread.name}` : <bdi>{thread.name}</bdi>}</h2>
      <p>
        {isRoom
          ? thread.room?.last === 0
            ? "Nothing was said here yet. Say hello!"
            : "The beginning of what the hub keeps of this room."
          : "Only the two of you see this. The hub does not keep it."}
      </p>
    </div>
  );
}

import type { RefObject, VNode } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { CHUNK, findId, itemsOf } from "../state/log.ts";
import type { Settings } from "../state/settings.ts";
import type { Said, Thread } from "../state/types.ts";
import { Chunk } from "./chunk.tsx";
import { useNow } from "./hooks.ts";
import { Icon } from "./icons.tsx";
import { PendingList } from "./pending_list.tsx";
import { type Anchor, firstSeen, isAtEnd, keepAt, rowAt } from "./scroll.ts";

/** Pixels from the top within which older messages are loaded. */
const LOAD_WITHIN = 900;

/** Where new messages begin is shown at this part of the view's height. */
const NEW_LINE_AT = 0.3;

/** Milliseconds between two looks at relative times. */
const MINUTE = 60_000;

interface MessageListProps {
  readonly chat: Chat;
  readonly thread: Thread;
  readonly settings: Settings;
  /** The message to go to; another object each time. */
  readonly target: { readonly id: number } | undefined;
  readonly onCopy: (said: Said) => void;
  readonly onQuote: (said: Said) => void;
}

/** The messages of a thread, and what keeps them where one reads. */
export function MessageList(props: MessageListProps): VNode {
  const { chat, thread, settings, target, onCopy, onQuote } = props;
  const view = useRef<HTMLDivElement>(null);
  const now = useNow(settings.times === "off" ? undefined : MINUTE);
  const { atEnd, loading, goToEnd, keepPlace, forced } = useScroll(chat, thread, target, view);
  const { key, log, newFrom, complete, pending, unread } = thread;

  const said = (element: EventTarget | null): Said | undefined => {
    const row = element instanceof Element ? element.closest<HTMLElement>("[data-seq]") : null;
    const seq = Number(row?.dataset["seq"]);
    for (const item of itemsOf(log)) if (item.seq === seq && item.kind === "said") return item;
    return undefined;
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
      >
        <div class="log-inner">
          {complete
            ? <Beginning thread={thread} onUncover={() => void chat.past.uncover(key)} />
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

/** Keeps the end, or the place where one reads, whatever comes, grows or goes. */
function useScroll(
  chat: Chat,
  thread: Thread,
  target: { readonly id: number } | undefined,
  view: RefObject<HTMLDivElement | null>,
) {
  const { key, log, newFrom, complete } = thread;
  const [atEnd, setAtEnd] = useState(true);
  const [loading, setLoading] = useState(false);
  const [forced, setForced] = useState<number | undefined>(undefined);
  const place = useRef<Anchor | "end" | "start">("start");
  const jump = useRef<number | undefined>(undefined);
  /** How far was scrolled when `place` was noted. */
  const top = useRef(0);

  const keepPlace = useCallback(() => {
    const element = view.current;
    if (element === null || place.current === "start") return;
    // Scrolled since, and the event is not here yet: that is not to be undone.
    const moved = element.scrollTop - top.current;
    if (place.current === "end") {
      if (moved < -1 && !isAtEnd(element)) return look();
      element.scrollTop = element.scrollHeight;
    } else {
      place.current = { ...place.current, offset: place.current.offset - moved };
      keepAt(element, place.current);
    }
    top.current = element.scrollTop;
  }, []);

  const look = useCallback(() => {
    const element = view.current;
    if (element === null || place.current === "start") return;
    const end = isAtEnd(element);
    top.current = element.scrollTop;
    place.current = end ? "end" : firstSeen(element) ?? place.current;
    setAtEnd(end);
    const attentive = end && document.visibilityState === "visible" && document.hasFocus();
    chat.attend(attentive);
    const anchor = place.current;
    const seen = end || anchor === "end" ? undefined : saidAt(chat, thread.key, anchor.seq);
    const id = seen?.id;
    chat.keepPlace(
      key,
      id === undefined || anchor === "end" ? undefined : { id, offset: anchor.offset },
    );
  }, [key]);

  const loadOlder = useCallback(() => {
    const element = view.current;
    if (element === null || element.scrollTop > LOAD_WITHIN) return;
    setLoading(true);
    chat.past.loadOlder(key).catch(() => {
      // The conversation is over, which the page says elsewhere.
    }).finally(() => setLoading(false));
  }, [key]);

  // The first time that there is something to place.
  useLayoutEffect(() => {
    const element = view.current;
    if (element === null || place.current !== "start") return;
    if (log.size === 0 && !complete) return;
    place.current = "end";
    top.current = element.scrollTop;
    const known = chat.placeOf(key);
    const said = known === undefined ? undefined : findId(log, known.id);
    if (known !== undefined && said !== undefined) {
      place.current = { seq: said.seq, edge: "bottom", offset: known.offset };
      top.current = element.scrollTop;
    } else if (newFrom !== undefined) {
      element.scrollTop = element.scrollHeight;
      const offset = element.clientHeight * NEW_LINE_AT;
      if (!keepAt(element, { seq: newFrom, edge: "top", offset })) element.scrollTop = 0;
      place.current = isAtEnd(element) ? "end" : firstSeen(element) ?? "end";
    }
    keepPlace();
    look();
  });

  // Whatever was drawn: what one reads stays where it was.
  useLayoutEffect(keepPlace);

  useEffect(() => {
    const element = view.current;
    if (element === null) return;
    let frame = 0;
    const onScroll = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        look();
        loadOlder();
      });
    };
    const observer = new ResizeObserver(keepPlace);
    observer.observe(element);
    if (element.firstElementChild !== null) observer.observe(element.firstElementChild);
    element.addEventListener("scroll", onScroll, { passive: true });
    const events = ["focus", "blur", "visibilitychange"] as const;
    for (const type of events) {
      (type === "visibilitychange" ? document : globalThis).addEventListener(type, look);
    }
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", onScroll);
      for (const type of events) {
        (type === "visibilitychange" ? document : globalThis).removeEventListener(type, look);
      }
    };
  }, [key]);

  // A short page has no scrolling that could ask for more.
  useEffect(() => {
    if (!complete && log.size > 0 && !loading) loadOlder();
  }, [log.size, complete]);

  // To be gone to.
  useEffect(() => {
    if (target === undefined) return;
    const { id } = target;
    void chat.past.loadUpTo(key, id).then(() => {
      const said = saidById(chat, key, id);
      if (said === undefined) return;
      jump.current = said.seq;
      setForced(Math.floor(said.seq / CHUNK));
    });
  }, [target]);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null || jump.current === undefined) return;
    const row = rowAt(element, jump.current);
    if (row === null) return;
    place.current = {
      seq: jump.current,
      edge: "top",
      offset: element.clientHeight * NEW_LINE_AT,
    };
    top.current = element.scrollTop;
    jump.current = undefined;
    keepPlace();
    row.focus({ preventScroll: true });
    row.classList.add("found");
    row.addEventListener("animationend", () => row.classList.remove("found"), { once: true });
  });

  const goToEnd = useCallback(() => {
    place.current = "end";
    top.current = view.current?.scrollTop ?? 0;
    keepPlace();
    look();
  }, []);

  return useMemo(
    () => ({ atEnd, loading, goToEnd, keepPlace, forced }),
    [atEnd, loading, forced],
  );
}

function saidById(chat: Chat, key: Thread["key"], id: number): Said | undefined {
  const thread = chat.state.threads.get(key);
  return thread === undefined ? undefined : findId(thread.log, id);
}

function saidAt(chat: Chat, key: Thread["key"], seq: number): Said | undefined {
  const chunks = chat.state.threads.get(key)?.log.chunks ?? [];
  const chunk = chunks.find(({ index }) => index === Math.floor(seq / CHUNK));
  const found = chunk?.items.find((item) => item.seq >= seq && item.kind === "said");
  return found?.kind === "said" ? found : undefined;
}

/** Goes from message to message; from outside, to the last one. */
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
  const isRoom = thread.room !== undefined;
  return (
    <div class="beginning">
      <span class="big" aria-hidden="true">{isRoom ? "#" : "@"}</span>
      <h2>{isRoom ? `This is #${thread.name}` : thread.name}</h2>
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

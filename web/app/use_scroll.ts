import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { CHUNK, findId, itemAt } from "../state/log.ts";
import { missingUnread } from "../state/unread.ts";
import type { Thread } from "../state/types.ts";
import {
  type Anchor,
  firstSeen,
  isAtEnd,
  keepAt,
  rowAt,
  showEnd,
  SHOWN_AT,
  showNew,
} from "./scroll.ts";

/** Pixels from the top within which older messages are loaded. */
const LOAD_WITHIN = 900;

/** How the list of messages keeps the reading position. */
export interface Scroll {
  readonly atEnd: boolean;
  readonly loading: boolean;
  /** The chunk that is drawn wherever it is. */
  readonly forced: number | undefined;
  readonly goToEnd: () => void;
  /** To be called when anything has another height. */
  readonly keepPlace: () => void;
}

/** Keeps the end, or the reading position, while messages arrive, grow or are removed. */
export function useScroll(
  chat: WebChat,
  thread: Thread,
  target: { readonly id: number } | undefined,
  view: RefObject<HTMLDivElement | null>,
): Scroll {
  const { key, log, newFrom, complete, unread, pending, closedReason } = thread;
  const [atEnd, setAtEnd] = useState(true);
  const [loading, setLoading] = useState(false);
  const [jump, setJump] = useState<{ readonly seq: number } | undefined>(undefined);
  const place = useRef<Anchor | "end" | "start">("start");
  const jumped = useRef<object | undefined>(undefined);
  const waited = useRef(pending);
  const completing = useRef<"not yet" | "loading" | "done">("not yet");
  /** How far was scrolled when `place` was noted. */
  const top = useRef(0);

  const keepPlace = useCallback(() => {
    const element = view.current;
    if (element === null || place.current === "start") return;
    // Scrolled since, and the event is not here yet: that is not to be undone.
    const moved = element.scrollTop - top.current;
    if (place.current === "end") {
      if (moved < -1 && !isAtEnd(element)) return look();
      follow(element, chat.state.threads.get(key));
      if (!isAtEnd(element)) return look();
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
    chat.setFocused(end && document.visibilityState === "visible" && document.hasFocus());
    const seen = end ? undefined : firstSeen(element, "[data-id]");
    const item = seen && itemAt(chat.state.threads.get(key)?.log, seen.seq);
    const id = item?.kind === "said" ? item.id : undefined;
    chat.saveScroll(
      key,
      id === undefined || seen === undefined ? undefined : { id, offset: seen.offset },
    );
  }, [key]);

  const loadOlder = useCallback(() => {
    const element = view.current;
    if (element === null || element.scrollTop > LOAD_WITHIN) return;
    setLoading(true);
    chat.history.loadOlder(key).catch(isSaidElsewhere).finally(() => setLoading(false));
  }, [key]);

  // The first time that there is something to place.
  useLayoutEffect(() => {
    const element = view.current;
    if (element === null || place.current !== "start" || completing.current === "loading") return;
    if (log.size === 0 && !complete) return;
    const known = chat.savedScroll(key);
    const said = known === undefined ? undefined : findId(log, known.id);
    const missing = said === undefined ? missingUnread(chat.state, thread) : undefined;
    if (missing !== undefined && completing.current === "not yet") {
      completing.current = "loading";
      setLoading(true);
      chat.history.loadUpTo(key, missing).catch(isSaidElsewhere).finally(() => {
        completing.current = "done";
        setLoading(false);
      });
      return;
    }
    if (known !== undefined && said !== undefined) {
      keepAt(element, { seq: said.seq, edge: "bottom", offset: known.offset });
    } else if (unread > 0 && newFrom !== undefined) showNew(element, newFrom);
    else showEnd(element);
    place.current = "end";
    look();
  });

  // Sending a message shows it.
  useLayoutEffect(() => {
    const last = pending.at(-1);
    const isNew = last !== undefined && waited.current.every(({ ref }) => ref !== last.ref);
    waited.current = pending;
    if (isNew) goToEnd();
  }, [pending]);

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

  // A short list cannot be scrolled to load more, and a room that cannot be joined sends nothing by
  // itself.
  useEffect(() => {
    if (!complete && (log.size > 0 || closedReason !== undefined) && !loading) loadOlder();
  }, [log.size, complete, closedReason]);

  // To be gone to.
  useEffect(() => {
    if (target === undefined) return;
    const { id } = target;
    void chat.history.loadUpTo(key, id).catch(isSaidElsewhere).then(() => {
      const found = chat.state.threads.get(key);
      const said = found === undefined ? undefined : findId(found.log, id);
      // A new object each time: it may be in the chunk that was gone to before.
      if (said !== undefined) setJump({ seq: said.seq });
    });
  }, [target]);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null || jump === undefined || jumped.current === jump) return;
    const row = rowAt(element, jump.seq);
    if (row === null) return;
    jumped.current = jump;
    place.current = { seq: jump.seq, edge: "top", offset: element.clientHeight * SHOWN_AT };
    top.current = element.scrollTop;
    keepPlace();
    row.focus({ preventScroll: true });
    row.classList.add("found");
    row.addEventListener("animationend", () => row.classList.remove("found"), { once: true });
  });

  const goToEnd = useCallback(() => {
    const element = view.current;
    if (element === null || place.current === "start") return;
    showEnd(element);
    look();
  }, [key]);

  const forced = jump === undefined ? undefined : Math.floor(jump.seq / CHUNK);
  return useMemo(
    () => ({ atEnd, loading, forced, goToEnd, keepPlace }),
    [atEnd, loading, forced],
  );
}

/** Follows the end; on a hidden page, only as far as the first new message. */
function follow(view: HTMLElement, thread: Thread | undefined): void {
  const { unread = 0, newFrom } = thread ?? {};
  const unseen = document.visibilityState === "hidden" && unread > 0;
  if (unseen && newFrom !== undefined) showNew(view, newFrom);
  else showEnd(view);
}

/** Loading fails only when the connection has ended, which the banner reports. */
function isSaidElsewhere(): void {}

import { useEffect, useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import type { ChatState } from "../state/types.ts";

/** The current state, after every change. */
export function useChat(chat: WebChat): ChatState {
  const [, redraw] = useState(0);
  useEffect(() => chat.store.subscribe(() => redraw((count) => count + 1)), [chat]);
  return chat.state;
}

/** The time, updated every `period` milliseconds; without a period, the time of the first rendering. */
export function useNow(period: number | undefined): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (period === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), period);
    return () => clearInterval(timer);
  }, [period]);
  return now;
}

/** Whether a media query matches. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const listen = (): void => setMatches(list.matches);
    list.addEventListener("change", listen);
    listen();
    return () => list.removeEventListener("change", listen);
  }, [query]);
  return matches;
}

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { textWithoutData } from "../state/message_items.ts";
import { lastItem } from "../state/log.ts";
import type { LogItem, Thread } from "../state/types.ts";
import { readText } from "../../chat/markdown/parse.ts";
import { plainText } from "../../chat/markdown/tree.ts";
import { senderLabel } from "./sender.tsx";

/** Milliseconds during which messages are collected into one announcement. */
const GATHER = 800;

/** Above this number, messages are counted instead of read aloud. */
const MAX_READ = 3;

/**
 * Tells screen readers what comes into the conversation on the screen. The list itself does not: it
 * puts messages in and takes them out as one scrolls, which would be read as news.
 */
export function Announcer({ thread }: { readonly thread: Thread | undefined }): VNode {
  const [words, setWords] = useState("");
  const heard = useRef<{ readonly key: string; readonly next: number } | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (thread === undefined) return;
      const last = heard.current;
      heard.current = { key: thread.key, next: thread.log.next };
      if (last?.key !== thread.key || lastItem(thread.log) === undefined) return;
      const items = thread.log.chunks.slice(-2).flatMap((chunk) => chunk.items)
        .filter((item) => item.seq >= last.next && !(item.kind === "said" && item.mine));
      if (items.length > 0) setWords(announcement(items, thread.log.next - last.next));
    }, GATHER);
    return () => clearTimeout(timer);
  }, [thread?.key, thread?.log.next]);
  return (
    <div class="hidden" role="status" aria-live="polite" aria-label="New messages">{words}</div>
  );
}

function announcement(items: readonly LogItem[], count: number): string {
  if (items.length > MAX_READ) return `${count} new messages`;
  return items.map((item) => {
    if (item.kind === "note") return item.text;
    const words = plainText(readText(textWithoutData(item), item.format));
    return `${senderLabel(item.sender, item.verified)}: ${words} ${item.data ?? ""}`.trimEnd();
  }).join(". ");
}

import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { IconButton } from "./icons.tsx";

/** The announcements of the moderators, above every conversation until they are dismissed. */
export function Announcements({ chat }: { readonly chat: WebChat }): VNode {
  // The newest one first: there is not always room for all.
  const all = chat.announcements.all.toReversed();
  const view = useRef<HTMLDivElement>(null);
  const newest = all[0]?.id;
  useLayoutEffect(() => {
    if (newest !== undefined) view.current?.scrollTo({ top: 0 });
  }, [newest]);
  return (
    <div
      ref={view}
      class="announcements"
      role="log"
      aria-live="polite"
      aria-label="Announcements"
    >
      {all.map(({ id, text, at, room }) => (
        <div key={id} class="announcement">
          <p>
            <strong>{room === undefined ? "Announcement" : `Announcement in #${room}`}</strong>{" "}
            <time dateTime={new Date(at).toISOString()}>
              {new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
            </time>
            <span>{text}</span>
          </p>
          <IconButton
            icon="close"
            label={`Dismiss: ${text.slice(0, 60)}`}
            onClick={() => chat.dismiss(id)}
          />
        </div>
      ))}
    </div>
  );
}

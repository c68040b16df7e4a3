import type { VNode } from "preact";
import type { Chat } from "../chat/chat.ts";
import { IconButton } from "./icons.tsx";

/** What the hub's operator had to say, above every conversation until it is dismissed. */
export function Announcements({ chat }: { readonly chat: Chat }): VNode {
  return (
    <div class="announcements" role="log" aria-live="polite" aria-label="Announcements">
      {chat.announcements.all.map(({ id, text, at, room }) => (
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

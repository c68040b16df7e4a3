import type { VNode } from "preact";
import type { WebChat } from "../chat/web_chat.ts";
import type { Thread, UnsentMessage } from "../state/types.ts";
import { sanitizedText } from "../../chat/content.ts";
import { Icon } from "./icons.tsx";
import { RichText } from "./rich_text.tsx";

/** Unsent and rejected messages. */
export function PendingList({ chat, thread, pending }: {
  readonly chat: WebChat;
  readonly thread: Thread;
  readonly pending: readonly UnsentMessage[];
}): VNode {
  const online = chat.state.connection.state === "online";
  return (
    <>
      {pending.map((each) => (
        <PendingView key={each.ref} chat={chat} thread={thread} pending={each} online={online} />
      ))}
    </>
  );
}

function PendingView({ chat, thread, pending, online }: {
  readonly chat: WebChat;
  readonly thread: Thread;
  readonly pending: UnsentMessage;
  readonly online: boolean;
}): VNode {
  const { ref, text, action, error } = pending;
  return (
    <article class={`said mine pending ${error === undefined ? "" : "failed"}`} aria-label="You">
      <div class="body">
        <div class="bubble">
          {action ? <span class="name" dir="auto">{chat.state.me}</span> : null}
          <RichText text={sanitizedText(text)} format="markdown" />
        </div>
        {error === undefined
          ? (
            <span class="state">
              <Icon name="clock" /> {online ? "Sending…" : "Waits for the connection"}
            </span>
          )
          : (
            <span class="state" role="alert">
              <Icon name="warning" /> Not sent: {error}
              <button
                type="button"
                class="link"
                onClick={() => chat.retry(thread.key, ref)}
              >
                Try again
              </button>
              <button
                type="button"
                class="link"
                onClick={() =>
                  chat.discard(thread.key, ref)}
              >
                Discard
              </button>
            </span>
          )}
      </div>
    </article>
  );
}

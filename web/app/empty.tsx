import type { VNode } from "preact";
import type { WebChat } from "../chat/web_chat.ts";

/** Takes the place of messages while there is no conversation. */
export function Empty(
  { chat, onJoin }: { readonly chat: WebChat; readonly onJoin: () => void },
): VNode {
  const { state } = chat.state.connection;
  if (state !== "online") {
    return (
      <div class="empty">
        {state === "connecting" ? <span class="spinner" aria-hidden="true" /> : null}
        <p>
          {state === "connecting"
            ? "Connecting…"
            : "Your conversations are here once the hub is reached."}
        </p>
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>You are in no room</h2>
      <p>Join one, or create your own.</p>
      <button type="button" class="primary" onClick={onJoin}>Join a room</button>
    </div>
  );
}

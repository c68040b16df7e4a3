import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { Dialog } from "./dialog.tsx";

/** Asks for the token that the hub requires. */
export function TokenDialog({ chat, reason, onClose }: {
  readonly chat: WebChat;
  readonly reason: string;
  readonly onClose: () => void;
}): VNode {
  const [token, setToken] = useState("");
  const [remember, setRemember] = useState(false);
  return (
    <Dialog title="This hub requires a token" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void chat.restart({ token: { value: token.trim(), remember } });
          onClose();
        }}
      >
        <p>{reason}</p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            value={token}
            autoFocus
            autoComplete="off"
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={remember}
            onChange={({ currentTarget }) => setRemember(currentTarget.checked)}
          />
          Remember it in this browser; otherwise only until the tab is closed
        </label>
        <button class="primary" type="submit" disabled={token.trim() === ""}>Enter</button>
      </form>
    </Dialog>
  );
}

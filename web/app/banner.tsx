import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import type { PageConnection } from "../state/types.ts";
import { useNow } from "./hooks.ts";

/** Milliseconds for which a restored connection is reported. */
const RETURNED_FOR = 6000;

/** Milliseconds after which connecting is reported. */
const CONNECTING_AFTER = 800;

/** The state of the connection, if it is worth reporting. */
export function Banner({ chat, onToken, onName }: {
  readonly chat: WebChat;
  readonly onToken: () => void;
  readonly onName: () => void;
}): VNode {
  const { connection } = chat.state;
  const offline = connection.state === "offline";
  const now = useNow(offline ? 250 : undefined);
  const passed = usePassed(connection);
  const content = wordsFor(connection, now, passed);
  return (
    <div class={`banner ${content === undefined ? "" : "shown"} ${connection.state}`} role="status">
      {content}
      {offline
        ? (
          <button
            type="button"
            onClick={() => chat.wake()}
          >
            Now
          </button>
        )
        : null}
      {connection.state === "ended"
        ? (
          <button
            type="button"
            onClick={() => void chat.restart()}
          >
            Connect again
          </button>
        )
        : null}
      {connection.state === "replaced"
        ? (
          <button
            type="button"
            onClick={() => void chat.restart()}
          >
            Talk here as well
          </button>
        )
        : null}
      {connection.state === "refused"
        ? (
          connection.wantsToken
            ? <button type="button" onClick={onToken}>Enter a token</button>
            : (
              <>
                <button
                  type="button"
                  onClick={() => void chat.restart()}
                >
                  Try again
                </button>
                <button type="button" onClick={onName}>Choose another name</button>
              </>
            )
        )
        : null}
    </div>
  );
}

/** Whether the connection has kept its state for a while. */
function usePassed(connection: PageConnection): boolean {
  const [passed, setPassed] = useState<PageConnection | undefined>(undefined);
  useEffect(() => {
    const delay = connection.state === "online" ? RETURNED_FOR : CONNECTING_AFTER;
    const timer = setTimeout(() => setPassed(connection), delay);
    return () => clearTimeout(timer);
  }, [connection]);
  return passed === connection;
}

function wordsFor(connection: PageConnection, now: number, passed: boolean): string | undefined {
  switch (connection.state) {
    case "online":
      return connection.missed === undefined || passed
        ? undefined
        : returned(connection.missed, connection.hasGap === true);
    case "connecting":
      return passed ? "Connecting…" : undefined;
    case "offline": {
      const seconds = Math.max(0, Math.ceil((connection.until - now) / 1000));
      const why = navigator.onLine ? sentence(connection.reason) : "This device is offline.";
      return `${why} Trying again ${seconds === 0 ? "now" : `in ${seconds} s`}.`;
    }
    case "refused":
      return `The hub rejected the connection: ${sentence(connection.reason)}`;
    case "replaced":
      return "This conversation went on in another tab.";
    case "ended":
      return sentence(connection.reason);
  }
}

function returned(missed: number, hasGap: boolean): string {
  if (missed === 0) return `Back online.${hasGap ? "" : " Nothing was missed."}`;
  return `Back online. ${missed} ${missed === 1 ? "message" : "messages"} came meanwhile.`;
}

function sentence(reason: string): string {
  const short = reason.startsWith("Cannot reach a hub")
    ? "The hub cannot be reached"
    // Which one it is, the page's address says.
    : reason.replace(/^The hub at \S+ is busy: /, "");
  return /[.!?]$/.test(short) ? short : `${short}.`;
}

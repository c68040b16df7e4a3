import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { WebChat } from "../chat/web_chat.ts";
import { isOutdated } from "../chat/new_version.ts";
import { IconButton } from "./icons.tsx";

/** Reports that the hub serves another version of the page after a reconnect. */
export function NewVersion({ chat }: { readonly chat: WebChat }): VNode {
  const { connection, current } = chat.state;
  const [state, setState] = useState<"same" | "new" | "put off">("same");
  const [error, setError] = useState("");
  const online = connection.state === "online";

  useEffect(() => {
    if (!online || state !== "same") return;
    const abort = new AbortController();
    isOutdated(abort.signal).then((outdated) => outdated ? setState("new") : undefined, () => {
      // The connection broke meanwhile: the next one asks again.
    });
    return () => abort.abort();
  }, [online]);

  const reload = (): void => {
    const written = document.querySelector<HTMLTextAreaElement>(".composer textarea")?.value ?? "";
    const kept = current === undefined || chat.memory.drafts.isKept(current, written);
    if (!kept) {
      setError("Send or copy your draft first: this browser does not keep it.");
      return;
    }
    chat.saveNow();
    location.reload();
  };
  return (
    <div class={`new-version ${state === "new" ? "shown" : ""}`} role="status">
      {state === "new"
        ? (
          <>
            <span>New version.</span> {error === "" ? null : <span>{error}</span>}
            <button type="button" onClick={reload}>Reload</button>
            <IconButton icon="close" label="Later" onClick={() => setState("put off")} />
          </>
        )
        : null}
    </div>
  );
}
